//! The posting engine: the only place where money moves.
//!
//! Commands queue up on a bounded channel. A *lane* takes whatever waits (a batch is what
//! queued up while the last one committed: no timer) and runs one READ COMMITTED transaction:
//!
//! | phase | statements | why in this order |
//! |---|---|---|
//! | claim | insert the keys, sorted; then read the answers of those that were there | Two lanes that claim crossed keys would deadlock unsorted. A result is not visible to the statement that lost the insert, hence the second one. |
//! | lock | accounts, wallets that change, holds, quotes that are executed, corrections, balances, then the balances that had to be made and what limited accounts used, by full key in byte order | One order for everybody: nobody waits in a circle. Nothing is decided on a column of a row that is not locked. |
//! | decide | none: pure, in order of arrival | One rejection never hurts its neighbours. |
//! | write | what changed: accounts, wallets, holds, balances | Before the head is locked: that lock is everybody's. |
//! | log | lock the head; then postings, events, answers and the head in one statement | The head lock is held to commit, so `seq` is gapless and in commit order over all lanes and replicas. |
//! | commit | | Then, and only then, callers are answered. |
//!
//! What can go wrong, and what then:
//!
//! * A data error (SQLSTATE 22, 23) rolls the batch back; it is run again in halves until the
//!   guilty command fails alone.
//! * A deadlock, a timeout or a connection lost before COMMIT was sent: nothing was written;
//!   the whole batch is run again.
//! * A connection lost after COMMIT was sent: unknown. The lane connects again and claims the
//!   same keys. That waits for the old transaction if it still lives, and then finds either the
//!   stored answers or free keys. Running a batch twice is therefore always safe.
//! * Fee rules that changed since the lane read them (the head tells, by a version): the batch is
//!   decided again with the new ones, so that a rule holds from its place in the log on.
//! * Two payments of one order in two currencies, which lock nothing in common: the second meets
//!   the orders' primary key, is run again, and then sees the order paid.
//! * A process that is paused while it holds the head: the server ends its session after 2 s
//!   (`idle_in_transaction_session_timeout`), so the other replicas go on.
//!
//! Commands may be linked: then they are decided all or none. A rehearsal goes the same way up to
//! the log and is rolled back.
//!
//! Lanes own their connections: a client that disconnects cancels nothing.

mod accounts;
mod answer;
mod batch;
mod claim;
mod engine;
mod lane;
mod locks;
mod pending;
mod record;
mod write;

pub use answer::{Answer, Render, Rendered, SubmitError};
pub use engine::{Engine, EngineSettings, QUEUE_DEFAULT};
