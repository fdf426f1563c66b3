//! A server's log file: where it writes, and what it last said.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use crate::ServerError;

/// Lines of the log that an error carries: enough for Postgres's hint after its complaint.
const TAIL_LINES: usize = 20;

/// The log of one start of a server; earlier starts wrote to the same file.
#[derive(Debug)]
pub(crate) struct ServerLog {
    path: PathBuf,
    from: u64,
}

impl ServerLog {
    /// Opens the log for appending and remembers where this start's part begins.
    pub(crate) fn open(path: &Path) -> Result<(Self, File), ServerError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(ServerError::io("create", parent))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(ServerError::io("open", path))?;
        let from = file
            .metadata()
            .map_err(ServerError::io("read the size of", path))?
            .len();
        Ok((
            Self {
                path: path.to_owned(),
                from,
            },
            file,
        ))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The last lines since this start. A log that cannot be read must not hide the error it was
    /// wanted for.
    pub(crate) fn tail(&self) -> String {
        let mut bytes = Vec::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.from))?;
            file.read_to_end(&mut bytes)
        });
        if let Err(error) = read {
            return format!("(its log cannot be read: {error})");
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }
}
