//! Payments to merchants.

pub mod create;
