//! All SQL of the ledger, one file per noun. Functions that end in `_in_tx` run inside the
//! caller's transaction, which the caller commits; the others are single reads.
//!
//! No rules, no HTTP, no NATS here.

pub mod accounts;
pub mod audit;
pub mod balances;
pub mod claims;
pub mod corrections;
mod error;
pub mod fee_rules;
pub mod history;
pub mod holds;
pub mod journal;
pub mod moments;
pub mod orders;
pub mod period;
pub mod quotes;
pub mod rates;
pub mod server;
pub mod statement;
pub mod summary;
pub mod tie_out;
pub mod transactions;
pub mod usages;
pub mod wallets;

pub use error::{Fault, StoreError, fault};
