//! The cluster on disk: made once, in one step that a crash cannot leave half done.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{OWNER, PostgresSettings};
use crate::{Account, PostgresBinaries, ServerError, ServerFolder};

/// The cluster's directory inside the server's folder.
pub(super) const NAME: &str = "cluster";
const UNFINISHED: &str = "cluster.unfinished";
const PASSWORD: &str = "password";

/// Makes the cluster unless it is there, and returns its owner's password.
pub(super) async fn ensure(
    binaries: &PostgresBinaries,
    account: &Account,
    folder: &ServerFolder,
    settings: &PostgresSettings,
) -> Result<String, ServerError> {
    let password_file = folder.join(PASSWORD);
    if folder.join(NAME).join("PG_VERSION").is_file() {
        let text =
            fs::read_to_string(&password_file).map_err(ServerError::io("read", &password_file))?;
        return Ok(text.trim_end().to_owned());
    }

    let password = format!("{:032x}", rand::random::<u128>());
    folder.write_private(PASSWORD, &format!("{password}\n"))?;
    let unfinished = folder.join(UNFINISHED);
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished).map_err(ServerError::io("remove", &unfinished))?;
    }
    folder.make_private(UNFINISHED)?;
    let mut command = Command::new(&binaries.initdb);
    command
        .arg("--pgdata")
        .arg(&unfinished)
        .args(["--username", OWNER, "--locale=C", "--encoding=UTF8"])
        .args([
            "--auth-local=scram-sha-256",
            "--auth-host",
            settings.auth.method(),
        ])
        .arg("--pwfile")
        .arg(&password_file)
        .current_dir(folder.path())
        .stdin(Stdio::null());
    if !settings.fsync {
        command.arg("--no-sync");
    }
    clean_environment(&mut command);
    account.apply(&mut command);
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .expect("running initdb does not panic")
        .map_err(ServerError::io("run", &binaries.initdb))?;
    if !output.status.success() {
        return Err(ServerError::Helper {
            program: "initdb".to_owned(),
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        });
    }
    let cluster = folder.join(NAME);
    fs::rename(&unfinished, &cluster).map_err(ServerError::io("rename", &unfinished))?;
    Ok(password)
}

/// The caller's own client settings and locale are not the server's business.
pub(super) fn clean_environment(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let is_theirs = name.to_str().is_some_and(|name| {
            name.starts_with("PG") || name.starts_with("LC_") || name.starts_with("LANG")
        });
        if is_theirs {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C").env("TZ", "UTC");
}

/// Whether the server with this process id takes connections. It says so itself, in the lock file
/// that `pg_ctl` reads too: the first line is the pid, the eighth the state.
pub(super) fn is_ready(data: &Path, pid: u32) -> bool {
    let Ok(text) = fs::read_to_string(data.join("postmaster.pid")) else {
        return false;
    };
    let mut lines = text.lines();
    let is_ours = lines
        .next()
        .is_some_and(|line| line.trim() == pid.to_string());
    is_ours && lines.nth(6).is_some_and(|line| line.trim() == "ready")
}
