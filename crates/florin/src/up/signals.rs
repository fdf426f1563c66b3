//! The signals that stop a fleet.

use std::time::Duration;

use anyhow::Context as _;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals within this time are one wish.
const ECHO: Duration = Duration::from_millis(500);

/// The signals that stop a fleet.
#[derive(Debug)]
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes them from now on.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn listen() -> anyhow::Result<Self> {
        let of = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            interrupt: of(SignalKind::interrupt())?,
            terminate: of(SignalKind::terminate())?,
            hangup: of(SignalKind::hangup())?,
        })
    }

    /// Waits for one that somebody sends again: wrappers pass a Ctrl-C on that the terminal has
    /// sent to us already.
    pub async fn insist(&mut self) {
        let echoes = tokio::time::sleep(ECHO);
        tokio::pin!(echoes);
        loop {
            tokio::select! {
                () = self.next() => {}
                () = &mut echoes => break,
            }
        }
        self.next().await;
    }

    /// Waits for the next one.
    pub async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = self.hangup.recv() => {}
        }
    }
}
