//! The reaper: a small shell process that ends what its owner leaves behind.
//!
//! A process that is killed with SIGKILL runs no destructor, so somebody else must end its
//! servers. The reaper reads instructions from a pipe whose other end only the owner has; the
//! system closes that end when the owner dies, and then the reaper acts. It lives in a process
//! group of its own, so that Ctrl-C on a terminal does not take it along.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::{ServerError, Signal};

/// Ends watched processes and removes named directories when its last handle is gone, also when
/// that is because this process was killed. Clones share one shell process.
#[derive(Debug, Clone)]
pub struct Reaper {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    // None after `finish`.
    orders: Mutex<Option<ChildStdin>>,
    shell: Mutex<Child>,
}

impl Reaper {
    /// Starts the shell process.
    ///
    /// # Errors
    /// When `/bin/sh` cannot be started.
    pub fn start() -> Result<Self, ServerError> {
        let mut shell = Command::new("/bin/sh")
            .args(["-c", include_str!("reaper.sh"), "florin-reaper"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(ServerError::io("start", Path::new("/bin/sh")))?;
        let orders = Mutex::new(shell.stdin.take());
        Ok(Self {
            inner: Arc::new(Inner {
                orders,
                shell: Mutex::new(shell),
            }),
        })
    }

    /// At the end, sends `signal` to `pid`, and SIGKILL about three seconds later.
    pub fn watch(&self, pid: u32, signal: Signal) {
        self.order(&format!("watch {pid} {}", signal.name()));
    }

    /// Leaves `pid` alone from now on. Say so as soon as a process has been collected: its number
    /// may be given to a stranger.
    pub fn forget(&self, pid: u32) {
        self.order(&format!("forget {pid}"));
    }

    /// At the end, when every watched process is gone, removes `directory` and all it holds.
    ///
    /// # Panics
    /// When the path is not absolute, or has a line break or bytes that are not UTF-8: removing
    /// something else by accident is worse.
    pub fn remove(&self, directory: &Path) {
        let path = directory
            .to_str()
            .filter(|path| !path.contains('\n') && path.trim() == *path);
        let path = path.expect("a directory to remove has a plain name");
        assert!(
            directory.is_absolute() && directory.parent().is_some(),
            "not removable: {path}"
        );
        self.order(&format!("remove {path}"));
    }

    /// Ends everything now and waits until it is gone (at most ten seconds).
    ///
    /// # Errors
    /// When the shell process does not finish.
    pub async fn finish(&self) -> Result<(), ServerError> {
        drop(
            self.inner
                .orders
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let ended = self
                .inner
                .shell
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .try_wait();
            let error = match ended {
                Ok(Some(_)) => return Ok(()),
                Ok(None) if Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
                Ok(None) => io::Error::from(io::ErrorKind::TimedOut),
                Err(error) => error,
            };
            return Err(ServerError::Io {
                doing: "wait for the reaper".to_owned(),
                source: error,
            });
        }
    }

    /// The shell's own process id.
    pub fn pid(&self) -> u32 {
        self.inner
            .shell
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .id()
    }

    fn order(&self, line: &str) {
        let mut orders = self
            .inner
            .orders
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(pipe) = orders.as_mut() else {
            return;
        };
        // One write per line: a line cut in half by our death must not be acted upon, and pipes
        // take writes of this size whole.
        if let Err(error) = pipe.write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, line, "the reaper is gone: servers may outlive this process");
        }
    }
}
