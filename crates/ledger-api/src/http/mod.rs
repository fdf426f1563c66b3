//! Requests and answers: routes, tokens, bodies, status codes. No rule about money is here and
//! nothing is written here: a handler parses a command, submits it, and sends what comes back.
//!
//! Every handler has the same order: load (extractors) → authenticate → authorise → act →
//! answer. Reads are single autocommit statements on the pool; no handler ever opens a
//! transaction, because a client that disconnects drops its handler at any await.

mod accounts;
mod advice;
mod alerts;
mod answer;
mod api;
mod audit;
mod authorised;
mod batches;
mod body;
mod dead_letters;
mod error;
mod exchange;
mod explain;
mod fee_rules;
mod fields;
mod flow;
mod holds;
mod idempotency;
mod links;
mod moment;
mod movement;
mod observe;
mod openapi;
mod pace;
mod page;
mod path;
mod payments;
mod rates;
mod recent;
mod recorded;
mod rejection;
mod remarks;
mod router;
mod server;
mod settlements;
mod transactions;
mod vocabulary;
mod wallets;

pub use advice::{ADVICE, Advice, Written};
pub use answer::{IDEMPOTENT_REPLAYED, Renderer};
pub use api::Api;
pub use error::{ErrorCode, Problem};
pub use openapi::document;
pub use recorded::Audit;
pub use router::router;
pub use server::serve;
