//! The house that every Florin service lives in: process skeleton (settings, logs, health,
//! shutdown), the relay that publishes a log, the worker loop with its inbox and dead letters,
//! and request/reply over NATS. It knows no business noun.

pub mod admin;
pub mod boot;
pub mod clock;
pub mod config;
pub mod dead_letters;
pub mod health;
pub mod inbox;
pub mod log;
pub mod metrics;
pub mod migrate;
pub mod nats;
pub mod postgres;
pub mod process;
pub mod relay;
pub mod retry;
pub mod rpc;
pub mod secret;
pub mod telemetry;
mod vitals;
pub mod worker;

pub use boot::{boot, boot_with};
pub use clock::{Clock, entropy};
pub use config::{HasService, ServiceConfig};
pub use health::{Health, State};
pub use process::Process;
pub use secret::Secret;
