//! Tests over the whole workspace.

mod checks;
mod dead_letters;
mod docs;
mod fleet;
mod fraud;
mod hazards;
mod killed;
mod nats;
mod poison;
mod python;
mod readme;
mod real_input;
mod roles;
mod settlement;
mod tidy;
