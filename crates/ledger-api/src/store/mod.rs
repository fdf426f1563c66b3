//! All SQL of the ledger, one file per noun. Functions that end in `_in_tx` run inside the
//! caller's transaction, which the caller commits; the others are single reads.
//!
//! No rules, no HTTP, no NATS here.

pub mod audit;
pub mod balances;
pub mod claims;
mod error;
pub mod history;
pub mod journal;
pub mod server;
pub mod tie_out;
pub mod wallets;

pub use error::{Fault, StoreError, fault};
