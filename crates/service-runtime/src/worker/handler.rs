//! What a worker's author writes: an event type, a handler, and what a failure means.

use std::{fmt, future::Future};

use chrono::{DateTime, Utc};
use contracts::{DecodeError, LedgerEvent, Stake, topology};
use sqlx::PgConnection;

/// Events that a handler can be given.
pub trait Event: Sized + Send + Sync {
    /// Reads the data of a message that is known to be in the log.
    ///
    /// # Errors
    /// When this version does not know the event; it is then parked.
    fn decode(data: &[u8]) -> Result<Self, DecodeError>;

    /// What it is about, for those who look at it as a dead letter; nothing when that cannot be
    /// told.
    fn stake(&self) -> Option<Stake>;
}

impl Event for LedgerEvent {
    fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        Self::decode(data)
    }

    fn stake(&self) -> Option<Stake> {
        Stake::of(self).ok()
    }
}

/// An event and what is known about it.
#[derive(Debug, Clone)]
pub struct Delivery<E> {
    /// Position in the log.
    pub seq: u64,
    /// The event.
    pub event: E,
    /// When the log's owner wrote it.
    pub posted_at: DateTime<Utc>,
    /// W3C trace context of the request that caused it; absent on events read from the log.
    pub traceparent: Option<String>,
}

/// Reacts to events. May run many times for one event; what it does through `tx` happens once.
pub trait Handler: Send + Sync + 'static {
    /// The events it understands.
    type Event: Event;

    /// Names the durable consumer, the inbox row and the dead-letter stream.
    const WORKER: topology::Worker;

    /// Applies new events, in order of `seq` but possibly after younger ones of another call.
    /// Events it does not need it ignores. It asks nobody outside Postgres: outside calls
    /// happen in sweeps.
    fn handle(
        &self,
        tx: &mut PgConnection,
        batch: &[Delivery<Self::Event>],
    ) -> impl Future<Output = Result<(), Failure>> + Send;
}

/// What should happen to an event that a handler could not apply: the author decides.
#[derive(Debug)]
pub enum Failure {
    /// Try again later: the event may be fine.
    Retry(anyhow::Error),
    /// Give it up: it becomes a dead letter, and an operator decides.
    Park {
        /// A short code, such as `constraint`.
        reason: &'static str,
        /// What went wrong.
        error: anyhow::Error,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retry(error) => f.write_str(&error_text(error)),
            Self::Park { reason, error } => write!(f, "{reason}: {}", error_text(error)),
        }
    }
}

/// The short code of a dead letter that could not be read.
pub(crate) const fn unreadable(error: &DecodeError) -> &'static str {
    match error {
        DecodeError::Malformed(_) => "malformed",
        DecodeError::UnknownType => "unknown_type",
    }
}

/// The error and its causes in one line; a cause that its error already quotes is left out.
pub(crate) fn error_text(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let words = cause.to_string();
        if text.is_empty() {
            text = words;
        } else if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
    }
    text
}

impl From<sqlx::Error> for Failure {
    /// Data that the database refuses (SQLSTATE classes 22 and 23) will be refused again;
    /// everything else may pass.
    fn from(error: sqlx::Error) -> Self {
        let refused = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code.starts_with("22") || code.starts_with("23"));
        if refused {
            Self::Park {
                reason: "constraint",
                error: error.into(),
            }
        } else {
            Self::Retry(error.into())
        }
    }
}
