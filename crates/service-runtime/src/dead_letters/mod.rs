//! What a consumer gave up. Postgres keeps the dead letters; the `DLQ_*` stream announces them.
//!
//! A dead letter's row commits with the inbox mark, so each event of the log is exactly one of:
//! effect, dead letter, retrying, missing. A foreign message (one that the relay did not
//! publish) has a row under its stream position and no mark.

mod manage;
mod publish;
mod serve;
pub mod store;

pub use contracts::rpc::dead_letters::{DeadLetterOutcome, DeadLetterState};
pub use manage::{Acted, Order, discard, rehearse, rehearse_discard, replay};
pub(crate) use publish::Publisher;
pub use serve::serve;
pub use store::{DeadLetter, find, reading::list};
