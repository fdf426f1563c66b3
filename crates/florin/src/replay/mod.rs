//! `florin replay`: feeds history from elsewhere through the HTTP API, and compares balances.
//!
//! Rows carry their own idempotency keys, so a replay that was interrupted, or repeated, goes
//! on where it was and moves nothing twice.

mod chains;
mod feed;
mod refunds;
mod report;
mod row;
mod send;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use contracts::parse_amount;

pub use feed::{feed, feed_with_credit};
pub use report::{Mismatch, Outcome, Report};
pub use row::{COLUMNS, Malformed, Row, parse};

use crate::exit::{Code, Failure};
use crate::fleet::FleetArgs;
use crate::output::{self, Output};
use crate::token::Role;

/// The scope of our idempotency keys.
const SUBJECT: &str = "replay";

/// Feeds history from a CSV file through the HTTP API.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Rows of at, kind, wallet, counterparty, amount, currency, `balance_after`, reference.
    #[arg(value_name = "FILE.csv")]
    pub file: PathBuf,

    /// Which fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,

    /// Also write the report to this file, as JSON.
    #[arg(long, value_name = "FILE.json")]
    pub report: Option<PathBuf>,

    /// Balances that may differ from the file's before the exit code is 1.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub allow_mismatch: usize,

    /// Opens wallets that may go so far below zero, in every currency that they move in the file.
    #[arg(long, value_name = "AMOUNT")]
    pub credit_limit: Option<String>,

    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Replays a file.
///
/// # Errors
/// Exit code 2 when the file is malformed: then nothing was sent. 3 without a fleet.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let rows = read(&args.file)?;
    if let Some(limit) = &args.credit_limit {
        check_limit(&rows, limit)?;
    }
    // Rather now than after an hour of work.
    let file = args.report.as_deref().map(create).transpose()?;
    let client = args.fleet.find()?.client(Role::Service, SUBJECT)?;
    let bar = output::bar(rows.len() as u64, "Replaying");
    let outcome = feed_with_credit(&client, &rows, args.credit_limit.as_deref(), &bar).await;
    bar.finish_and_clear();
    let report = outcome?;
    if let Some(file) = file {
        serde_json::to_writer_pretty(file, &report).context("cannot write the report")?;
    }
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(
        report.mismatches.len() <= args.allow_mismatch,
    ))
}

fn read(path: &Path) -> anyhow::Result<Vec<Row>> {
    let shown = path.display();
    let file =
        fs::read(path).map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    parse(&file).map_err(|malformed| Failure::usage(format!("{shown}: {malformed}")).into())
}

/// The limit is an amount of every currency of the file.
fn check_limit(rows: &[Row], limit: &str) -> Result<(), Failure> {
    for row in rows {
        let currency = row.amount.currency();
        if let Err(error) = parse_amount(limit, currency) {
            let words = format!("--credit-limit {limit}, in {currency}: {error}");
            return Err(Failure::usage(words));
        }
    }
    Ok(())
}

fn create(path: &Path) -> anyhow::Result<File> {
    let words = |error| Failure::usage(format!("cannot write {}: {error}", path.display()));
    File::create(path).map_err(|error| words(error).into())
}
