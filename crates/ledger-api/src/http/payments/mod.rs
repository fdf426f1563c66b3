//! Payments to merchants.

pub mod create;
pub mod refund;
