//! `florin verify`: re-proves the laws from the database alone.
//!
//! Nothing here trusts the services' code: every law is plain SQL in `laws/`, listed in
//! [`law`]. It may run under load: what moves is read in one snapshot, the log, which only
//! grows, in slices with short transactions.

pub mod law;
mod proof;
mod report;

use std::path::PathBuf;

pub use proof::{SLICE, prove};
pub use report::{Consumer, Finding, Report};

use crate::exit::Code;
use crate::fleet::{DEFAULT_DIR, Fleet};
use crate::output::{self, Output};

/// Proves from the database alone that the books are right.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The fleet's directory, as given to `florin up`.
    #[arg(long, env = "FLORIN_DATA", default_value = DEFAULT_DIR, value_name = "DIR")]
    pub data: PathBuf,

    /// A database instead of a fleet: its URL, as somebody who may read all of it.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,

    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Proves all laws and prints what holds and what does not.
///
/// # Errors
/// Exit code 3 when there is no fleet or no database.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let url = match args.database_url {
        Some(url) => url,
        None => Fleet::find(&args.data)?.endpoints.postgres,
    };
    let spinner = output::spinner("Proving the books");
    let outcome = check(&url).await;
    spinner.finish_and_clear();
    let report = outcome?;
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(report.clean))
}

/// Proves every law on the database at `url`, as somebody who may read all of it.
///
/// # Errors
/// When the database cannot be reached or is not Florin's.
pub async fn check(url: &str) -> anyhow::Result<Report> {
    prove(url, SLICE).await
}
