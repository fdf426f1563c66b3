//! `florin doctor`: looks at a fleet, running or dead, and says in words what is wrong and what
//! to do. It changes nothing.
//!
//! One file per part of the body. What follows from a server that is away is not told again by
//! each of those who miss it.

mod api;
mod bus;
mod database;
mod disk;
mod gauges;
mod logs;
mod patient;
mod relays;
mod report;
mod services;
mod store;
mod workers;

use std::path::Path;

use anyhow::Context as _;

pub use report::{Finding, Report, Severity};

use self::patient::Patient;
use crate::exit::{self, Code};
use crate::fleet::{Fleet, FleetArgs};
use crate::output::{self, Output};
use crate::token;

/// Says what is wrong with a fleet and what to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which fleet.
    #[command(flatten)]
    pub fleet: FleetArgs,

    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Examines the fleet and prints what it found: exit code 1 when that is anything.
///
/// # Errors
/// Exit code 3 when there never was a fleet.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let report = match args.fleet.find() {
        Ok(fleet) => {
            let spinner = output::spinner("Examining the fleet");
            let report = examine(fleet).await;
            spinner.finish_and_clear();
            report
        }
        Err(error) => dead(&args.fleet.data, error)?,
    };
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(report.healthy))
}

/// Examines a running fleet. The order matters: who is away is known before those who miss them
/// are asked.
async fn examine(fleet: Fleet) -> Report {
    let mut patient = Patient::new(fleet);
    database::check(&mut patient).await;
    bus::check(&mut patient).await;
    services::check(&mut patient).await;
    api::check(&mut patient).await;
    relays::check(&mut patient).await;
    workers::check(&mut patient).await;
    gauges::check(&mut patient);
    logs::check(&mut patient);
    disk::check(&mut patient);
    patient.report()
}

/// A fleet that does not run, and was there once.
fn dead(dir: &Path, error: anyhow::Error) -> anyhow::Result<Report> {
    if !dir.join(token::PRIVATE_KEY).exists() {
        return Err(error);
    }
    let dir = dir
        .canonicalize()
        .with_context(|| format!("cannot read {}", dir.display()))?;
    let mut findings = vec![Finding {
        check: "fleet",
        severity: Severity::Broken,
        subject: "fleet".to_owned(),
        found: exit::text(&error),
        advice: format!(
            "Start it: `florin up --data {}`. What was acknowledged is in its Postgres.",
            dir.display()
        ),
    }];
    findings.extend(logs::last_words(&dir));
    findings.extend(disk::findings(&[dir]));
    Ok(Report::new(findings, Vec::new()))
}
