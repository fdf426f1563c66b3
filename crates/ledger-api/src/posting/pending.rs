//! Commands on their way, and who waits for them.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use contracts::ids::uuid_v7;
use service_runtime::entropy;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use uuid::Uuid;

use super::{Answer, SubmitError};
use crate::{audit::Origin, domain::Command, store::claims::NewClaim};

/// What one command comes back with.
pub(super) type Outcome = Result<Answer, SubmitError>;

/// A command in the queue.
pub(super) struct Item {
    pub(super) command: Command,
    /// Minted once, so that after an unknown commit the answer is known as this request's own.
    pub(super) answer_id: Uuid,
    /// The request that asks for it; none when the ledger itself does.
    pub(super) origin: Option<Arc<Origin>>,
}

impl Item {
    pub(super) fn claim(&self) -> NewClaim {
        NewClaim {
            caller: self.command.caller.0.clone(),
            key: self.command.key.clone(),
            fingerprint: self.command.fingerprint,
            answer_id: self.answer_id,
        }
    }
}

/// What is wanted of commands that came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Decide them all or none.
    Post,
    /// Tell what would happen, all or none, and write nothing.
    RehearseLinked,
    /// Tell what would happen to each for itself, in their order, and write nothing.
    RehearseEach,
}

/// Commands that stand or fall together, most often one, and who waits for them.
pub(super) struct Pending {
    pub(super) items: Vec<Item>,
    intent: Intent,
    reply: oneshot::Sender<Vec<Outcome>>,
    /// The room that the commands take in the queue.
    room: Option<OwnedSemaphorePermit>,
}

impl Pending {
    pub(super) fn new(
        commands: Vec<Command>,
        intent: Intent,
        room: OwnedSemaphorePermit,
        reply: oneshot::Sender<Vec<Outcome>>,
        now: DateTime<Utc>,
    ) -> Self {
        let origin = Origin::current();
        let items = commands
            .into_iter()
            .map(|command| Item {
                command,
                // Ordered by time, so that the index of the answers grows at its end.
                answer_id: uuid_v7(now, entropy()),
                origin: origin.clone(),
            })
            .collect();
        Self {
            items,
            intent,
            reply,
            room: Some(room),
        }
    }

    /// Is nothing to be written?
    pub(super) fn is_rehearsal(&self) -> bool {
        self.intent != Intent::Post
    }

    /// Do the commands stand or fall together?
    pub(super) fn is_linked(&self) -> bool {
        self.intent != Intent::RehearseEach
    }

    /// A lane has it: others may queue up behind.
    pub(super) fn leave_queue(&mut self) {
        self.room = None;
    }

    /// Answers the caller, who may be gone: the outcome stands all the same.
    pub(super) fn answer(self, outcomes: Vec<Outcome>) {
        if self.reply.send(outcomes).is_err() {
            let key = self.items.first().map(|item| item.command.key.as_str());
            tracing::debug!(key, "The caller did not wait for the answer");
        }
    }

    /// Answers every command of it alike.
    pub(super) fn answer_all(self, error: SubmitError) {
        let outcomes = self.items.iter().map(|_| Err(error)).collect();
        self.answer(outcomes);
    }
}
