//! What a submitted command comes back with.

use contracts::LedgerEvent;

use crate::domain::Sight;

/// Turns an event into the bytes that are stored under the key and sent to the caller. The
/// HTTP layer provides it: the engine knows no status codes.
pub trait Render: Send + Sync + 'static {
    /// The answer for somebody who may see so much.
    fn render(&self, event: &LedgerEvent, sight: &Sight) -> Rendered;
}

/// An answer as it is stored: the same bytes for every replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// A command's outcome that is known and durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is stored under the key.
    pub rendered: Rendered,
    /// Was it stored before this request?
    pub replayed: bool,
    /// The event that it is about; none of a rehearsal, and none of a worker's answer.
    pub seq: Option<u64>,
}

/// Why a command has no answer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The queue is full: nothing was written.
    #[error("the ledger is busy")]
    Busy,
    /// The database cannot be reached: nothing was written.
    #[error("the database is out of reach")]
    Unavailable,
    /// The answer did not come in time; the same key tells what happened.
    #[error("the outcome is not known yet")]
    OutcomeUnknown,
    /// The key stands for another request.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// A wallet is not there.
    #[error("there is no such wallet")]
    UnknownWallet,
    /// Another command that it is linked to cannot be decided on: nothing was written.
    #[error("another operation of the batch was refused")]
    LinkedRefused,
    /// The database refused the command's data: a fault of ours.
    #[error("the ledger could not write this")]
    Refused,
}
