//! The one command: it starts a fleet, runs its services, feeds it, watches over it and proves
//! that its books are right. Everything it says to people is on stderr or, when that is the
//! answer, on stdout; `--json` prints one document on stdout instead.

pub mod api_client;
pub mod bench;
pub mod cli;
pub mod demo;
pub mod dlq;
pub mod doctor;
pub mod exit;
pub mod fleet;
pub mod migrate;
pub mod output;
pub mod rates;
pub mod replay;
pub mod serve;
pub mod simulate;
pub mod token;
pub mod topology;
pub mod up;
pub mod verify;
pub mod workers;

pub use cli::main;
