//! `florin serve <service>`: one service in this process.

use std::process::ExitCode;

/// Which service.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the service until it is told to stop.
pub fn run(_: Args) -> ExitCode {
    ExitCode::FAILURE
}
