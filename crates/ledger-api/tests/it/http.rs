//! The ledger over HTTP: real requests to a ledger in this process, on a real database.

mod accounts;
mod alerts;
mod batches;
mod dead_letters;
mod effective;
mod lifecycle;
mod malformed;
mod permissions;
mod reads;
mod refusals;
mod serving;
mod settlements;
mod tokens;
mod writes;
