//! The engine's front: a bounded queue before the lanes.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use service_runtime::{Clock, Process, Secret};
use tokio::{
    sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::Instant,
};

use super::{
    Answer, Render, SubmitError,
    lane::{self, Lane},
    pending::{Intent, Outcome, Pending},
};
use crate::{domain::Command, store};

/// Commands that may wait for a lane: two of the largest batches per lane of a default engine.
/// More would only wait longer than a caller does.
pub const QUEUE_DEFAULT: u16 = 2_048;

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
    /// What came in one request is one entry: it is decided in one batch, in its order.
    queue: mpsc::Sender<Vec<Pending>>,
    /// One permit per command that waits, whatever it came with.
    room: Arc<Semaphore>,
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
            room: Arc::new(Semaphore::new(settings.queue)),
            clock: process.clock().clone(),
        })
    }

    /// Has a command decided and, when it may be, posted. The answer is durable.
    ///
    /// # Errors
    /// See [`SubmitError`]: of all but `OutcomeUnknown` it is certain that nothing was written.
    pub async fn submit(&self, command: Command) -> Result<Answer, SubmitError> {
        let waiting = self.hand_in(vec![command], Intent::Post)?;
        let mut outcomes = waiting.outcomes(deadline()).await?;
        outcomes.pop().unwrap_or(Err(SubmitError::OutcomeUnknown))
    }

    /// Has commands decided all or none: they are posted together, or every one of them is
    /// rejected. One outcome per command, in their order.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn submit_linked(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Answer, SubmitError>>, SubmitError> {
        let waiting = self.hand_in(commands, Intent::Post)?;
        waiting.outcomes(deadline()).await
    }

    /// Has independent commands decided, each for itself and in their order: each sees what
    /// those before it did. One outcome per command.
    ///
    /// # Errors
    /// `Busy`, when there is no room for all of them: nothing was written then.
    pub async fn submit_each(
        &self,
        commands: Vec<Command>,
    ) -> Result<Vec<Result<Answer, SubmitError>>, SubmitError> {
        let mut room = self.room(commands.len())?;
        let mut entry = Vec::with_capacity(commands.len());
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            let own = room.split(1).ok_or(SubmitError::Busy)?;
            let (pending, waiting) = self.pending(vec![command], Intent::Post, own);
            entry.push(pending);
            answers.push(waiting);
        }
        self.queue_up(entry)?;
        // One deadline for all: a caller waits no longer for many than for one.
        let deadline = deadline();
        let mut outcomes = Vec::with_capacity(answers.len());
        for waiting in answers {
            outcomes.push(match waiting.outcomes(deadline).await {
                Ok(mut outcome) => outcome.pop().unwrap_or(Err(SubmitError::OutcomeUnknown)),
                Err(error) => Err(error),
            });
        }
        Ok(outcomes)
    }

    /// Tells what would become of commands, in their order, and writes nothing: each sees what
    /// those before it would have done. When they are `linked`, it is all or none.
    ///
    /// # Errors
    /// As [`Self::submit`].
    pub async fn rehearse(
        &self,
        commands: Vec<Command>,
        linked: bool,
    ) -> Result<Vec<Result<Answer, SubmitError>>, SubmitError> {
        let intent = if linked {
            Intent::RehearseLinked
        } else {
            Intent::RehearseEach
        };
        let waiting = self.hand_in(commands, intent)?;
        waiting.outcomes(deadline()).await
    }

    fn hand_in(&self, commands: Vec<Command>, intent: Intent) -> Result<Waiting, SubmitError> {
        let room = self.room(commands.len())?;
        let (pending, waiting) = self.pending(commands, intent, room);
        self.queue_up(vec![pending])?;
        Ok(waiting)
    }

    fn room(&self, commands: usize) -> Result<OwnedSemaphorePermit, SubmitError> {
        let permits = u32::try_from(commands).map_err(|_| SubmitError::Busy)?;
        self.room
            .clone()
            .try_acquire_many_owned(permits)
            .map_err(|_| SubmitError::Busy)
    }

    fn pending(
        &self,
        commands: Vec<Command>,
        intent: Intent,
        room: OwnedSemaphorePermit,
    ) -> (Pending, Waiting) {
        let (reply, answer) = oneshot::channel();
        let pending = Pending::new(commands, intent, room, reply, self.clock.now());
        (pending, Waiting(answer))
    }

    fn queue_up(&self, entry: Vec<Pending>) -> Result<(), SubmitError> {
        self.queue.try_send(entry).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => SubmitError::Busy,
            mpsc::error::TrySendError::Closed(_) => SubmitError::Unavailable,
        })
    }
}

/// Until when somebody waits who hands something in now.
fn deadline() -> Instant {
    Instant::now() + ANSWER_TIMEOUT
}

/// Somebody waits for outcomes.
struct Waiting(oneshot::Receiver<Vec<Outcome>>);

impl Waiting {
    async fn outcomes(self, deadline: Instant) -> Result<Vec<Outcome>, SubmitError> {
        match tokio::time::timeout_at(deadline, self.0).await {
            Ok(Ok(outcomes)) => Ok(outcomes),
            // The lane dropped the commands, or is still at it: the keys will tell.
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
