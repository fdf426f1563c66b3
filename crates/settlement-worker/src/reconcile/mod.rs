//! The tie-out: the ledger's balances, its postings, and what the worker added up from events
//! must agree to the last digit. Each difference is a break.

mod compare;
mod tie_out;

pub use compare::{Difference, Ours, Theirs, differences};
pub use tie_out::{Outcome, TieOuts};
