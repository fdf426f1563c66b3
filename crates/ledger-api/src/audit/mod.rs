//! The audit trail: who asked for which change, from where, with which result and which event.
//! Every request under `/v1` that may change something has its row, the refused ones too.
//!
//! | what came of the request | who writes the row | when |
//! |---|---|---|
//! | the ledger decided it | the lane, with the event | in the transaction of the money, so an acknowledged write always has its row |
//! | a replay, a refusal, an order for a worker | `writer` | soon afterwards, in batches |
//!
//! The second kind must not make a request wait or fail. Its rows wait in a bounded queue while
//! the database is away; what does not fit any more is counted
//! (`florin_ledger_audit_rows_lost_total`) and lost. Nothing of that changed the books.
//!
//! A request whose outcome was unknown when it was answered has two rows with the same request id
//! if it was decided after all: what the caller was told, and what became of it. A batch has a row
//! of its own, and one for each of its operations that was decided.
//!
//! A row holds no body, no query, no token and no other header: what a client can make up is cut
//! to a stated length.

mod network;
mod origin;
mod writer;

pub use network::{Network, client};
pub use origin::{Bearer, Origin, Verdict};
pub use writer::{QUEUE_MAX, Recorder, Writer};
