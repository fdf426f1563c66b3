//! Where data lives when the servers run under another account.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use local_servers::{Account, PostgresServer, PostgresSettings, Reaper, ServerError, ServerFolder};

fn closed_parent() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("tempdir");
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(folder.path(), closed).expect("chmod");
    folder
}

fn stays(asked: &Path, used: &Path) -> bool {
    asked.canonicalize().expect("it exists") == used
}

#[tokio::test]
async fn servers_work_below_a_closed_directory_whoever_we_are() {
    let parent = closed_parent();
    let asked = parent.path().join("postgres");
    let reaper = Reaper::start().expect("reaper");
    let server = PostgresServer::start(PostgresSettings::new(&asked), &reaper)
        .await
        .expect("start");
    let is_root = Account::for_servers().expect("an account") != Account::Ourselves;
    assert_eq!(stays(&asked, server.data_dir()), !is_root);
    reaper.remove(server.data_dir());
}

#[test]
fn data_that_moved_is_found_again_and_missed_when_gone() {
    let parent = closed_parent();
    let asked = parent.path().join("nats");
    let account = Account::for_servers().expect("an account");
    let first = ServerFolder::prepare(&asked, &account).expect("prepare");
    let second = ServerFolder::prepare(&asked, &account).expect("prepare again");
    assert_eq!(first.path(), second.path());

    if !stays(&asked, first.path()) {
        std::fs::remove_dir_all(first.path()).expect("remove");
        let error = ServerFolder::prepare(&asked, &account).expect_err("silently empty");
        assert!(matches!(error, ServerError::DataGone { .. }), "{error}");
    }
}
