//! One running server process: spawned under the right account, watched by the reaper, with its
//! output in a log file.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::log::ServerLog;
use crate::{Account, Reaper, ServerError, Signal, signal};

/// How often a process is looked at while something is awaited from it.
const POLL: Duration = Duration::from_millis(10);

/// The standard library's child and not tokio's: a test binary has many runtimes, and a server
/// outlives the one that it was started in.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    name: &'static str,
    // None only inside drop.
    child: Option<Child>,
    pid: u32,
    ended: Option<ExitStatus>,
    last_resort: Signal,
    reaper: Reaper,
    log: ServerLog,
}

impl ServerProcess {
    /// Starts `command`. `last_resort` is how the server ends when its owner is gone.
    pub(crate) fn spawn(
        name: &'static str,
        mut command: Command,
        account: &Account,
        log: &Path,
        last_resort: Signal,
        reaper: &Reaper,
    ) -> Result<Self, ServerError> {
        let (log, file) = ServerLog::open(log)?;
        let copy = file
            .try_clone()
            .map_err(ServerError::io("open", log.path()))?;
        account.apply(&mut command);
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(copy)
            // Ctrl-C is for the owner, who stops the services before the servers.
            .process_group(0)
            .spawn()
            .map_err(ServerError::io("start", Path::new(command.get_program())))?;
        let pid = child.id();
        reaper.watch(pid, last_resort);
        let reaper = reaper.clone();
        Ok(Self {
            name,
            child: Some(child),
            pid,
            ended: None,
            last_resort,
            reaper,
            log,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// How the process ended, or None while it runs.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none()
            && let Some(child) = &mut self.child
            && let Ok(Some(status)) = child.try_wait()
        {
            self.ended = Some(status);
            self.reaper.forget(self.pid);
        }
        self.ended
    }

    /// Sends a signal; to an ended process none, because its number may be a stranger's by now.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<(), ServerError> {
        if self.ended().is_some() {
            return Ok(());
        }
        signal::send(self.pid, signal).map_err(|source| ServerError::Io {
            doing: format!("send {} to {} (pid {})", signal.name(), self.name, self.pid),
            source,
        })
    }

    /// Waits until the process has ended.
    pub(crate) async fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Sends `signal`, and after `patience` SIGKILL, and waits for the end.
    pub(crate) async fn end(
        &mut self,
        signal: Signal,
        patience: Duration,
    ) -> Result<ExitStatus, ServerError> {
        self.signal(signal)?;
        if let Ok(status) = tokio::time::timeout(patience, self.wait()).await {
            return Ok(status);
        }
        tracing::warn!(
            pid = self.pid,
            "{} ignores {}, killing it",
            self.name,
            signal.name()
        );
        self.signal(Signal::Kill)?;
        Ok(self.wait().await)
    }

    /// Waits until `ready` says yes; an early end or a missed deadline carries the log's tail.
    pub(crate) async fn wait_ready(
        &mut self,
        patience: Duration,
        mut ready: impl AsyncFnMut() -> bool,
    ) -> Result<(), ServerError> {
        let deadline = Instant::now() + patience;
        loop {
            if self.ended().is_some() {
                return Err(ServerError::NotStarted {
                    server: self.name,
                    log: self.log.path().to_owned(),
                    tail: self.log.tail(),
                });
            }
            if ready().await {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(ServerError::NotReady {
                    server: self.name,
                    waited: patience,
                    log: self.log.path().to_owned(),
                    tail: self.log.tail(),
                });
            }
            tokio::time::sleep(POLL).await;
        }
    }
}

impl Drop for ServerProcess {
    /// Best effort; the reaper is the guard that always works.
    fn drop(&mut self) {
        let _ = self.signal(self.last_resort);
        if self.ended.is_some() {
            return;
        }
        let (child, reaper, pid) = (self.child.take(), self.reaper.clone(), self.pid);
        // Collected by a thread: drop must not block, and an uncollected child stays a zombie.
        let collector = move || {
            if child.is_some_and(|mut child| child.wait().is_ok()) {
                reaper.forget(pid);
            }
        };
        let _ = std::thread::Builder::new()
            .name("collect".to_owned())
            .spawn(collector);
    }
}
