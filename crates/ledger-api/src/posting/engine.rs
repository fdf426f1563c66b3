//! The engine's front: a bounded queue before the lanes.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use service_runtime::{Clock, Process, Secret};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{
    Answer, Render, SubmitError,
    batch::Pending,
    lane::{self, Lane},
};
use crate::{domain::Command, store};

/// Commands that may wait for a lane: two of the largest batches per lane of a default engine.
/// More would only wait longer than a caller does.
pub const QUEUE_DEFAULT: usize = 2_048;

/// How long a caller waits: longer than a lane needs to give up a batch (5 s) and reconnect, so
/// that an unknown outcome is rare.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// How the engine runs.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// The database, as the ledger's own role.
    pub url: Secret,
    /// Batches in flight. Two keep the server busy: one writes while the other commits. More
    /// only queue at the head's lock.
    pub lanes: usize,
    /// Commands that may wait; beyond it callers are told to come back.
    pub queue: usize,
    /// For tests only: start although the server does not flush.
    pub allow_fsync_off: bool,
}

/// The door to the books. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    queue: mpsc::Sender<Pending>,
    clock: Clock,
}

impl Engine {
    /// Checks that the server keeps what it acknowledges, and starts the lanes.
    ///
    /// # Errors
    /// When the database cannot be reached or would lose acknowledged writes in a crash.
    pub async fn start(
        settings: EngineSettings,
        render: Arc<dyn Render>,
        process: &Process,
    ) -> anyhow::Result<Self> {
        check_durability(&settings).await?;
        let (queue, waiting) = mpsc::channel(settings.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        let lanes = u8::try_from(settings.lanes.max(1)).context("more lanes than 255")?;
        for number in 0..lanes {
            let lane = Lane::new(number, settings.url.clone(), render.clone(), process);
            let waiting = waiting.clone();
            process.spawn_apart("lane", move || lane::run(lane, waiting));
        }
        process.spawn(
            "partitions",
            lane::keep_partitions(settings.url, process.clone()),
        );
        Ok(Self {
            queue,
            clock: process.clock().clone(),
        })
    }

    /// Has a command decided and, when it may be, posted. The answer is durable.
    ///
    /// # Errors
    /// See [`SubmitError`]: of all but `OutcomeUnknown` it is certain that nothing was written.
    pub async fn submit(&self, command: Command) -> Result<Answer, SubmitError> {
        let (reply, answer) = oneshot::channel();
        self.queue
            .try_send(Pending::new(command, reply, self.clock.now()))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => SubmitError::Busy,
                mpsc::error::TrySendError::Closed(_) => SubmitError::Unavailable,
            })?;
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(Ok(answer)) => answer,
            // The lane dropped the command, or is still at it: the key will tell.
            Ok(Err(_)) | Err(_) => Err(SubmitError::OutcomeUnknown),
        }
    }
}

async fn check_durability(settings: &EngineSettings) -> anyhow::Result<()> {
    let mut connection = lane::connect(&settings.url)
        .await
        .context("the ledger's database is out of reach")?;
    let lossy = store::server::unsafe_settings(&mut connection).await?;
    if lossy.is_empty() {
        return Ok(());
    }
    if settings.allow_fsync_off {
        tracing::warn!(
            settings = lossy.join(", "),
            "Acknowledged writes may be lost: tests only"
        );
        return Ok(());
    }
    anyhow::bail!(
        "the server would lose acknowledged writes in a crash: {}; turn it on again",
        lossy.join(", ")
    )
}
