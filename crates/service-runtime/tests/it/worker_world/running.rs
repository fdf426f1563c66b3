//! A worker that runs.

use std::time::Duration;

use service_runtime::{Process, State, worker::Timings};

use super::PATIENCE;

/// A worker in a process of its own.
pub(crate) struct Running {
    pub(crate) process: Process,
}

impl Running {
    /// Drops the worker where it stands.
    pub(crate) async fn kill(self) {
        self.process.shutdown();
        self.process.hard().cancel();
        self.process
            .wait(Duration::ZERO)
            .await
            .expect("no task crashed");
    }

    /// Lets it finish what it has in hand.
    pub(crate) async fn stop(self) {
        self.process.shutdown();
        self.process.wait(PATIENCE).await.expect("no task crashed");
    }

    /// What the worker says about itself.
    pub(crate) fn health(&self) -> Option<State> {
        let parts = self.process.health().snapshot();
        parts
            .into_iter()
            .find(|(part, _)| *part == "worker")
            .map(|(_, state)| state)
    }
}

/// Short waits: nothing is decided by how long they are.
pub(crate) fn timings() -> Timings {
    Timings {
        missing_every: Duration::from_millis(500),
        grace: Duration::from_millis(500),
        sweep_every: Duration::from_millis(100),
        announce_every: Duration::from_millis(100),
        ..Timings::default()
    }
}
