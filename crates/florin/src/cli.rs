//! The commands and how they end.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::exit::{self, Code};
use crate::{
    bench, demo, dlq, doctor, migrate, output, rates, replay, serve, simulate, token, topology, up,
    verify,
};

/// A wallet ledger and its worker fleet.
#[derive(Debug, Parser)]
#[command(name = "florin", version, about, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts a fleet and watches over it until Ctrl-C.
    Up(up::Args),
    /// A simulated day at a market on a fleet of its own, with a report.
    Demo(demo::Args),
    /// A market day over the HTTP API of a running fleet, checked against its own books.
    Simulate(simulate::Args),
    /// Feeds history from a CSV file through the HTTP API.
    Replay(replay::Args),
    /// Sets exchange rates from a central bank's file.
    Rates(rates::Args),
    /// Proves from the database alone that the books are right.
    Verify(verify::Args),
    /// Lists, shows, replays or discards what workers gave up.
    Dlq(dlq::Args),
    /// Says what is wrong with a fleet and what to do.
    Doctor(doctor::Args),
    /// Measures a fleet.
    Bench(bench::Args),
    /// Prints a bearer token for the HTTP API.
    Token(token::Args),
    /// Creates or updates the database's roles, schemas and tables.
    Migrate(migrate::Args),
    /// Shows, applies or resets streams and consumers.
    Topology(topology::Args),
    /// Runs one service; `florin up` does so for each.
    Serve(serve::Args),
}

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    if let Command::Serve(args) = command {
        // A service makes its own runtime and logs.
        return serve::run(args);
    }
    log_to_stderr();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(format_args!("florin: no runtime: {error}"));
            return Code::Found.into();
        }
    };
    match runtime.block_on(run(command)) {
        Ok(code) => code.into(),
        Err(error) => {
            output::note(format_args!("florin: {}", exit::text(&error)));
            exit::code_of(&error).into()
        }
    }
}

async fn run(command: Command) -> anyhow::Result<Code> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Simulate(args) => simulate::run(args).await,
        Command::Replay(args) => replay::run(args).await,
        Command::Rates(args) => rates::run(args).await,
        Command::Verify(args) => verify::run(args).await,
        Command::Dlq(args) => dlq::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Bench(args) => bench::run(args).await,
        Command::Token(args) => token::run(args),
        Command::Migrate(args) => migrate::run(args).await,
        Command::Topology(args) => topology::run(args).await,
        Command::Serve(_) => Ok(Code::Usage),
    }
}

/// Warnings of the libraries, for people; services log for machines. `RUST_LOG` says what else.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let subscriber = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .without_time()
        .with_target(false)
        .finish();
    // Something else receives them already in tests only.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn the_commands_and_their_flags_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
