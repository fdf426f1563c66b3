//! A fleet's directory: who has it, and what is kept in it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::exit::Failure;
use crate::fleet::{ENDPOINTS, LOCK};
use crate::token;

/// The passwords of the services' database roles, by role.
const PASSWORDS: &str = "passwords.json";

/// Commands that look for a fleet hold the lock for an instant; another `up` holds it for long.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// A directory that this process alone runs a fleet on. The lock ends with the process.
#[derive(Debug)]
pub struct Home {
    dir: PathBuf,
    _lock: File,
}

impl Home {
    /// Creates the directory where needed, takes it, and clears what a killed predecessor said.
    ///
    /// # Errors
    /// When another fleet runs on it, or it cannot be written.
    pub async fn take(dir: &Path) -> anyhow::Result<Self> {
        let logs = dir.join("logs");
        fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let dir = dir
            .canonicalize()
            .with_context(|| format!("cannot resolve {}", dir.display()))?;
        let lock = lock(&dir).await?;
        let home = Self { dir, _lock: lock };
        match fs::remove_file(home.endpoints()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).context("cannot remove the addresses of an earlier fleet");
            }
            _ => {}
        }
        Ok(home)
    }

    /// The directory, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where the addresses of the running fleet are written.
    pub fn endpoints(&self) -> PathBuf {
        self.dir.join(ENDPOINTS)
    }

    /// The log file of a process.
    pub fn log(&self, name: &str) -> PathBuf {
        self.dir.join("logs").join(format!("{name}.log"))
    }

    /// The passwords of these roles, made once and kept.
    ///
    /// # Errors
    /// When the directory cannot be written, or somebody damaged the file.
    pub fn passwords(&self, roles: &[&str]) -> anyhow::Result<BTreeMap<String, String>> {
        let path = self.dir.join(PASSWORDS);
        let mut passwords: BTreeMap<String, String> = match fs::read(&path) {
            Ok(json) => serde_json::from_slice(&json)
                .with_context(|| format!("{} is not JSON", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let known = passwords.len();
        for role in roles {
            // Hexadecimal: good in a URL as it is.
            let fresh = || hex::encode(rand::random::<[u8; 16]>());
            passwords.entry((*role).to_owned()).or_insert_with(fresh);
        }
        if passwords.len() > known {
            token::write_private(&path, &serde_json::to_string_pretty(&passwords)?)?;
        }
        Ok(passwords)
    }
}

async fn lock(dir: &Path) -> anyhow::Result<File> {
    let path = dir.join(LOCK);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    for _ in 0..LOCK_ATTEMPTS {
        match file.try_lock() {
            Ok(()) => {
                // For the words below, in another process.
                file.set_len(0)
                    .and_then(|()| file.seek(SeekFrom::Start(0)))
                    .and_then(|_| write!(file, "{}", std::process::id()))
                    .with_context(|| format!("cannot write {}", path.display()))?;
                return Ok(file);
            }
            Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_PAUSE).await,
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
        }
    }
    let mut pid = String::new();
    // Without the number the words are still true.
    let _ = file.read_to_string(&mut pid);
    let words = format!(
        "a fleet already runs on {} (pid {pid}): stop it with Ctrl-C there, or give this one another --data DIR",
        dir.display()
    );
    Err(Failure::usage(words).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_is_taken_once_and_free_again_afterwards() {
        let dir = tempfile::tempdir().expect("tempdir");
        let first = Home::take(dir.path()).await.expect("free");
        let error = Home::take(dir.path()).await.expect_err("taken");
        let words = error.to_string();
        assert!(
            words.contains(&format!("(pid {})", std::process::id())),
            "{words}"
        );
        drop(first);
        Home::take(dir.path()).await.expect("free again");
    }

    #[tokio::test]
    async fn passwords_are_made_once() {
        let dir = tempfile::tempdir().expect("tempdir");
        let home = Home::take(dir.path()).await.expect("free");
        let first = home.passwords(&["one"]).expect("made");
        let second = home.passwords(&["one", "two"]).expect("kept");
        assert_eq!(first["one"], second["one"]);
        assert_ne!(second["one"], second["two"]);
        assert_eq!(second["two"].len(), 32);
    }
}
