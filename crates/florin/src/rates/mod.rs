//! `florin rates`: exchange rates from files. It goes over the HTTP API, so that every rate is in
//! the log with its source.
//!
//! Every day of a file has an idempotency key made of its content: what was imported before is
//! found again, and a day that was corrected is set anew.

mod history;
mod import;
mod report;

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

pub use history::{Day, History, Malformed, parse};
pub use import::feed;
pub use report::Report;

use crate::exit::{Code, Failure};
use crate::fleet::FleetArgs;
use crate::output::{self, Output};
use crate::token::Role;

/// The scope of our idempotency keys.
const SUBJECT: &str = "rates";

/// Exchange rates.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Sets the rates of the European Central Bank's history file (eurofxref-hist.csv).
    Import(ImportArgs),
}

#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// Columns: Date, and a currency each; every value is what one euro is worth.
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,

    /// Only days from this one on, such as 2026-01-01.
    #[arg(long, value_name = "DATE")]
    since: Option<NaiveDate>,

    /// Which fleet.
    #[command(flatten)]
    fleet: FleetArgs,

    /// How to answer.
    #[command(flatten)]
    output: Output,
}

/// Does it.
///
/// # Errors
/// Exit code 2 when the file is malformed: then nothing was sent. 3 without a fleet.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let Action::Import(args) = args.action;
    let history = read(&args.file)?.since(args.since);
    let client = args.fleet.find()?.client(Role::Service, SUBJECT)?;
    let bar = output::bar(history.days.len() as u64, "Setting rates");
    let outcome = feed(&client, &history, &bar).await;
    bar.finish_and_clear();
    let report = outcome?;
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::Done)
}

fn read(path: &Path) -> anyhow::Result<History> {
    let shown = path.display();
    let file =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    parse(&file).map_err(|malformed| Failure::usage(format!("{shown}: {malformed}")).into())
}
