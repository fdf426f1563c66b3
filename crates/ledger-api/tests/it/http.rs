//! The ledger over HTTP: real requests to a ledger in this process, on a real database.

mod accounts;
mod adjustments;
mod alerts;
mod batches;
mod dead_letters;
mod effective;
mod fees;
mod history;
mod holds;
mod lifecycle;
mod malformed;
mod orders;
mod past;
mod permissions;
mod reads;
mod refunds;
mod refusals;
mod reversals;
mod serving;
mod settlements;
mod statements;
mod summaries;
mod tokens;
mod transactions;
mod writes;
