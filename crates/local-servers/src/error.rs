//! What can go wrong with a private server, in words that say what to do next.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A private server could not be found, prepared, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The program is not on this machine.
    #[error("{program} was not found in {looked_in}: run deploy/bootstrap.sh to install it")]
    Missing {
        /// The program's name.
        program: &'static str,
        /// The directories that were looked into.
        looked_in: String,
    },
    /// The program is there, but only in a version that is too old.
    #[error("{program} {found} is too old, {needed} or later is needed: run deploy/bootstrap.sh")]
    TooOld {
        /// The program's name.
        program: &'static str,
        /// The newest version found.
        found: String,
        /// The oldest version that will do.
        needed: &'static str,
    },
    /// A file, a directory or a process could not be worked with.
    #[error("cannot {doing}")]
    Io {
        /// What was being done, to what.
        doing: String,
        /// The system's answer.
        #[source]
        source: io::Error,
    },
    /// A helper program (`initdb`, `id`) failed.
    #[error("{program} failed: {output}")]
    Helper {
        /// The program's name.
        program: String,
        /// What it said.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("{server} did not start (log: {}):\n{tail}", log.display())]
    NotStarted {
        /// The server's name.
        server: &'static str,
        /// Where its log is.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The server runs, but was not ready in time.
    #[error("{server} was not ready after {} s (log: {}):\n{tail}", waited.as_secs(), log.display())]
    NotReady {
        /// The server's name.
        server: &'static str,
        /// How long it was given.
        waited: Duration,
        /// Where its log is.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// Another live process uses the same data.
    #[error("{server} (pid {pid}) already runs on {}", data.display())]
    AlreadyRunning {
        /// The server's name.
        server: &'static str,
        /// The process that has the data.
        pid: u32,
        /// The directory both want.
        data: PathBuf,
    },
    /// The data had to live in another place and is no longer there.
    #[error(
        "the data of this server was in {}, which is gone; remove {} to start with an empty one",
        moved_to.display(), note.display()
    )]
    DataGone {
        /// Where the data was.
        moved_to: PathBuf,
        /// The file that says so.
        note: PathBuf,
    },
}

impl ServerError {
    pub(crate) fn io(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let doing = format!("{doing} {}", path.display());
        move |source| Self::Io { doing, source }
    }
}
