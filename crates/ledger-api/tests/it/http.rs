//! The ledger over HTTP: real requests to a ledger in this process, on a real database.

mod accounts;
mod alerts;
mod batches;
mod currencies;
mod dead_letters;
mod effective;
mod exchange;
mod history;
mod holds;
mod lifecycle;
mod malformed;
mod past;
mod permissions;
mod rates;
mod reads;
mod refusals;
mod serving;
mod settlements;
mod statements;
mod summaries;
mod tokens;
mod transactions;
mod writes;
