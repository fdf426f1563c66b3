//! The command that runs another one beside servers; also the proof that nothing outlives it.

use std::process::Stdio;

use local_servers::{Signal, send};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

use crate::{SOON, gone};

fn with_servers() -> Command {
    Command::new(env!("CARGO_BIN_EXE_with-servers"))
}

/// A supervisor that is killed runs no destructor; its servers and files must go all the same.
#[tokio::test]
async fn a_killed_owner_leaves_no_orphans_and_no_files() {
    let folder = tempfile::tempdir().expect("tempdir");
    let mut owner = with_servers()
        .args([
            "/bin/sh",
            "-c",
            "echo $$ $POSTGRES_PID $NATS_PID; exec sleep 1000",
        ])
        .env("TMPDIR", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("with-servers starts");
    let mut line = String::new();
    let output = owner.stdout.take().expect("its output is piped");
    BufReader::new(output)
        .read_line(&mut line)
        .await
        .expect("a line");
    let pids: Vec<u32> = line
        .split_whitespace()
        .map(|word| word.parse().expect("a pid"))
        .collect();
    assert_eq!(pids.len(), 3, "{line}");

    send(owner.id().expect("it runs"), Signal::Kill).expect("kill");
    owner.wait().await.expect("wait");

    for (name, pid) in ["the command", "postgres", "nats-server"]
        .into_iter()
        .zip(pids)
    {
        gone(&format!("{name} is gone"), pid).await;
    }
    testkit::eventually("its files are gone", SOON, async || {
        let left = std::fs::read_dir(folder.path()).expect("readable");
        let names: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
        if names.is_empty() { Ok(()) } else { Err(names) }
    })
    .await;
}

#[tokio::test]
async fn the_command_reaches_the_database_and_its_exit_code_is_ours() {
    let script = r#"test "$(psql -XAtc 'SELECT 6 * 7' "$DATABASE_URL")" = 42 && exit 7"#;
    let status = with_servers()
        .args(["/bin/sh", "-c", script])
        .status()
        .await
        .expect("it runs");
    assert_eq!(status.code(), Some(7));
}

#[tokio::test]
async fn without_a_command_it_says_how_it_is_used() {
    let output = with_servers().output().await.expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("usage:"));
}
