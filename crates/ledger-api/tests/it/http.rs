//! The ledger over HTTP: real requests to a ledger in this process, on a real database.

mod alerts;
mod audit;
mod batches;
mod dead_letters;
mod decided;
mod effective;
mod explained;
mod failing;
mod lifecycle;
mod malformed;
mod permissions;
mod reads;
mod refusals;
mod serving;
mod settlements;
mod tokens;
mod writes;
