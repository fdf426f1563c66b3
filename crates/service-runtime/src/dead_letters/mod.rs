//! What a consumer gave up. Postgres keeps the dead letters; the `DLQ_*` stream announces them.
//!
//! A dead letter's row commits with the inbox mark, so each event of the log is exactly one of:
//! effect, dead letter, retrying, missing. A foreign message (one that the relay did not
//! publish) has a row under its stream position and no mark.

mod manage;
mod publish;
pub mod store;

pub use manage::{Audit, Discarded, Replayed, discard, replay};
pub(crate) use publish::Publisher;
pub use store::{DeadLetter, LetterState, list, show};
