//! `florin simulate`: a market day over HTTP. The simulation keeps its own books, and at the end
//! the ledger's balances and the worker's statistics must agree with them.

mod compare;
mod day;
mod lane;
mod market;
mod oracle;
mod report;

use std::sync::Arc;

use anyhow::Context as _;
use indicatif::ProgressBar;
use tokio::time::Instant;

pub use market::Settings;
pub use report::{Moved, Report, Takings};

use self::day::{Happened, Players};
use self::oracle::Books;
use crate::exit::Code;
use crate::fleet::{Fleet, FleetArgs};
use crate::output::{self, Output};

/// A market day over the HTTP API of a running fleet.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    fleet: FleetArgs,

    /// The same seed and sizes give the same day, and a day that was simulated before moves no
    /// money again. Any seed when left out.
    #[arg(long)]
    seed: Option<u64>,

    /// Customers.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    customers: u16,

    /// Merchants.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    merchants: u16,

    /// Operations.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    operations: u32,

    /// Operations at a time; at most one for each customer.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=1_000))]
    concurrency: u16,

    #[command(flatten)]
    output: Output,
}

/// Simulates a day and compares the books.
///
/// # Errors
/// Exit code 3 when there is no fleet or it is out of reach.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let fleet = args.fleet.find()?;
    let settings = Settings {
        seed: args
            .seed
            .unwrap_or_else(|| u64::from(rand::random::<u32>())),
        customers: args.customers,
        merchants: args.merchants,
        operations: args.operations,
        concurrency: args.concurrency,
    };
    let progress = output::bar(args.operations.into(), "Simulating a market day");
    let report = simulate(&fleet, settings, &progress).await;
    progress.finish_and_clear();
    let report = report?;
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(report.is_clean()))
}

/// Simulates a day on a running fleet, waits for the statistics and compares everything.
///
/// # Errors
/// When the fleet is out of reach.
pub async fn simulate(
    fleet: &Fleet,
    settings: Settings,
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    let market = market::plan(settings);
    let mut books = Books::new(market.people.len());
    for step in market.lanes.iter().flatten() {
        books.apply(step).context("the plan does not add up")?;
    }
    let players = Arc::new(Players::open(market, fleet).await?);
    let began = Instant::now();
    let mut happened = players.play(progress).await?;
    let milliseconds = millis_since(began).max(1);

    progress.set_message("Waiting for the statistics");
    let answered = Instant::now();
    compare::wait(&players, happened.last_seq).await?;
    let caught_up_milliseconds = millis_since(answered);

    progress.set_message("Comparing the books");
    let mut differences = std::mem::take(&mut happened.differences);
    differences.extend(compare::balances(&players, &books).await?);
    differences.extend(compare::statistics(&players, &books, happened.last_seq).await?);
    let operations = u64::from(settings.operations);
    Ok(Report {
        seed: settings.seed,
        wallets: players.wallets.len(),
        operations,
        repeated: happened.repeated,
        replayed: happened.replayed,
        posted: moved(&happened),
        refused: happened.refused,
        merchants: takings(&players, &books),
        last_seq: happened.last_seq,
        milliseconds,
        caught_up_milliseconds,
        per_second: (operations + happened.repeated) * 1_000 / milliseconds,
        differences,
    })
}

/// Whole milliseconds.
pub(crate) fn millis_since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn moved(happened: &Happened) -> Vec<Moved> {
    let one = |(&(kind, currency), &(count, sum)): (_, &(u64, Option<contracts::Money>))| {
        let amount = sum.map(contracts::Money::amount).unwrap_or_default();
        Moved {
            kind,
            currency,
            count,
            amount,
        }
    };
    happened.posted.iter().map(one).collect()
}

fn takings(players: &Players, books: &Books) -> Vec<Takings> {
    let mut all: Vec<Takings> = (0..players.wallets.len())
        .flat_map(|person| {
            books
                .stats(person)
                .into_iter()
                .map(move |stats| (person, stats))
        })
        .filter(|(_, stats)| stats.received.count > 0)
        .map(|(person, stats)| Takings {
            name: players.market.people[person].name.clone(),
            wallet: players.wallets[person],
            currency: stats.currency,
            payments: stats.received.count,
            amount: stats.received.amount,
        })
        .collect();
    // By currency, because yen and euros do not compare.
    all.sort_by(|one, other| {
        (one.currency.code(), other.amount).cmp(&(other.currency.code(), one.amount))
    });
    all
}
