//! The rules, one file each; the file's comment is the rule's specification. Pure, and
//! independent of order: each finds the same in the same set of movements, however it arrives.

pub mod large_deposit;
pub mod large_withdrawal;
mod movement;
pub mod rapid_withdrawals;
mod thresholds;

pub use movement::{Finding, Flow, Movement, movement};
pub use thresholds::{Thresholds, ThresholdsError, Verdict};
