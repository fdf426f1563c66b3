//! Tests over the whole workspace.

mod backlog;
mod checks;
mod dead_letters;
mod docs;
mod fleet;
mod fraud;
mod hazards;
mod killed;
mod logs;
mod metrics;
mod nats;
mod poison;
mod python;
mod readiness;
mod readme;
mod real_input;
mod roles;
mod schemathesis;
mod settlement;
mod tidy;
