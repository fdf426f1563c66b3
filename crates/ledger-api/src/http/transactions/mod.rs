//! Transactions, whoever they are of: one file per endpoint.

pub mod reverse;
