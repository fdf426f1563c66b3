//! The ledger over HTTP: real requests to a ledger in this process, on a real database.

mod adjustments;
mod alerts;
mod dead_letters;
mod fees;
mod malformed;
mod orders;
mod permissions;
mod reads;
mod refunds;
mod refusals;
mod reversals;
mod serving;
mod settlements;
mod tokens;
mod writes;
