//! The account that the servers run as.
//!
//! Postgres refuses to run as root, and files should not change hands between two servers of
//! one fleet, so both run under one unprivileged account when the owner is root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::ServerError;

/// Who runs the servers: ourselves, or (as root) an unprivileged user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Account {
    /// We are not root: the servers run as we do.
    Ourselves,
    /// We are root: the servers run as this user.
    Unprivileged {
        /// Its numeric user id.
        uid: u32,
        /// Its numeric group id.
        gid: u32,
    },
}

impl Account {
    /// The account for this process's servers: `postgres`, else `nobody`, when we are root.
    ///
    /// # Errors
    /// When we are root and neither user exists.
    pub fn for_servers() -> Result<Self, ServerError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self::Ourselves);
        }
        let ids = |user: &str| Some((id("-u", user)?, id("-g", user)?));
        match ids("postgres").or_else(|| ids("nobody")) {
            Some((uid, gid)) if uid != 0 => Ok(Self::Unprivileged { uid, gid }),
            _ => Err(ServerError::Helper {
                program: "id".to_owned(),
                output: "we are root, and there is neither a user postgres nor nobody to run \
                         the servers"
                    .to_owned(),
            }),
        }
    }

    /// Makes `command` run under this account.
    pub(crate) fn apply(&self, command: &mut Command) {
        if let Self::Unprivileged { uid, gid } = self {
            // The standard library also drops root's supplementary groups.
            command.uid(*uid).gid(*gid);
        }
    }

    /// Gives `path` to this account.
    pub(crate) fn own(&self, path: &Path) -> Result<(), ServerError> {
        match self {
            Self::Ourselves => Ok(()),
            Self::Unprivileged { uid, gid } => chown(path, Some(*uid), Some(*gid))
                .map_err(ServerError::io("change the owner of", path)),
        }
    }

    /// Whether this account can enter `directory` and write into it; asked of the system, because
    /// every parent has a say.
    pub(crate) fn can_use(&self, directory: &Path) -> bool {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", r#"cd "$1" && test -w . && test -x ."#, "sh"])
            .arg(directory)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.apply(&mut command);
        command.status().is_ok_and(|status| status.success())
    }
}

fn id(flag: &str, user: &str) -> Option<u32> {
    let output = Command::new("id").args([flag, user]).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().parse().ok()
}
