//! `florin demo`: a fleet of its own, a day at the market, somebody with bad intentions, one
//! message that no relay sent, one payment that a worker cannot take at first, deposits on bicycles,
//! every merchant settled, a fee and a refund, and a proof that the books balance.

mod fraud;
mod holds;
mod poison;
mod refund;
mod report;
mod settlement;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use contracts::WalletId;
use contracts::event::WalletKind;
use indicatif::ProgressBar;
use local_servers::Reaper;
use service_runtime::retry::Policy;
use tokio::time::Instant;

pub use fraud::Fraud;
pub use holds::Holds;
pub use poison::Poison;
pub use refund::Refund;
pub use report::Report;
pub use settlement::{Paid, Settlement};

use crate::api_client::{ApiClient, ApiError, NewWallet};

use crate::exit::Code;
use crate::fleet::Fleet;
use crate::output::{self, Output};
use crate::simulate::{self, Settings, millis_since};
use crate::up::{self, Signals, Up};
use crate::verify;
use crate::workers::Workers;

/// How long a worker has for one thing; it takes a moment.
const PATIENCE: Policy = Policy {
    first: Duration::from_millis(20),
    longest: Duration::from_millis(250),
    give_up_after: Some(Duration::from_secs(30)),
};

/// A simulated day at a market on a fleet of its own, with a report.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Leaves the fleet up afterwards, until Ctrl-C.
    #[arg(long)]
    keep: bool,

    /// The same seed gives the same day.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Operations of the day.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    operations: u32,

    #[command(flatten)]
    output: Output,
}

/// Plays the day and tells about it.
///
/// # Errors
/// When the fleet does not start or something of it goes out of reach.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let mut signals = Signals::listen()?;
    let reaper = Reaper::start()?;
    let (began, directory) = (Instant::now(), temporary(&reaper)?);
    let progress = output::spinner("Starting a fleet of its own");
    let started = tokio::select! {
        started = start(&directory, &reaper, &progress) => started,
        () = signals.next() => Err(anyhow::anyhow!("stopped before the fleet was up")),
    };
    progress.finish_and_clear();
    let up = match started {
        Ok(up) => up,
        Err(error) => {
            // Dropped halfway, the fleet is ended by the reaper.
            reaper.finish().await?;
            return Err(error);
        }
    };
    let outcome = tokio::select! {
        outcome = show(&args, up.fleet(), began) => outcome,
        () = signals.next() => Err(anyhow::anyhow!("stopped before the day was over")),
    };
    if args.keep && outcome.is_ok() {
        output::note(kept(up.fleet()));
        signals.next().await;
        output::note("florin: stopping (Ctrl-C again to hurry)");
    }
    up::end(up, &mut signals, &reaper).await?;
    outcome
}

/// A directory that is gone when this process is.
fn temporary(reaper: &Reaper) -> anyhow::Result<PathBuf> {
    let made = tempfile::Builder::new().prefix("florin-demo-").tempdir();
    let directory = made
        .context("cannot make a temporary directory")?
        .keep()
        .canonicalize()?;
    reaper.remove(&directory);
    Ok(directory)
}

async fn show(args: &Args, fleet: &Fleet, began: Instant) -> anyhow::Result<Code> {
    let up_milliseconds = millis_since(began);
    let settings = Settings {
        seed: args.seed,
        customers: 40,
        merchants: 8,
        operations: args.operations,
        concurrency: 16,
    };
    let progress = output::bar(args.operations.into(), "A day at the market");
    let played = tokio::try_join!(
        simulate::simulate(fleet, settings, &progress),
        poison::put(fleet, &progress, u64::from(args.operations) / 2),
        fraud::commit(fleet),
    );
    progress.finish_and_clear();
    let (market, put, visitor) = played?;

    let progress = output::spinner("Settling the merchants");
    let evening = evening(fleet, &market, (put, visitor), &progress).await;
    progress.finish_and_clear();
    let (holds, settlement, refund, poison, fraud, proof) = evening?;

    let milliseconds = millis_since(began);
    let report = Report {
        market,
        fraud,
        holds,
        settlement,
        refund,
        poison,
        proof,
        up_milliseconds,
        milliseconds,
    };
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(report.is_clean()))
}

/// What is left to do when the market has closed.
async fn evening(
    fleet: &Fleet,
    market: &simulate::Report,
    (put, visitor): (u64, WalletId),
    progress: &ProgressBar,
) -> anyhow::Result<(Holds, Settlement, Refund, Poison, Fraud, verify::Report)> {
    let (holds, rental) = holds::play(fleet).await?;
    let mut takings = market.merchants.clone();
    takings.push(rental);
    let settlement = settlement::settle(fleet, &takings).await?;
    let refund = refund::play(fleet, &market.merchants).await?;
    let poison = poison::settle(fleet, put).await?;
    progress.set_message("Waiting for every worker");
    Workers::of(fleet).await?.catch_up().await?;
    let fraud = fraud::found(fleet, visitor).await?;
    progress.set_message("Proving the books");
    let proof = verify::check(&fleet.endpoints.postgres).await?;
    Ok((holds, settlement, refund, poison, fraud, proof))
}

/// Opens a wallet for somebody of the story.
async fn opening(client: &ApiClient, name: &str, kind: WalletKind) -> Result<WalletId, ApiError> {
    let owner = name.to_lowercase().replace(' ', "-");
    let wallet = NewWallet {
        reference: Some(owner.clone()),
        kind,
        metadata: BTreeMap::from([("name".to_owned(), name.to_owned())]),
        owner,
    };
    let key = format!("demo-open-{}", wallet.owner);
    Ok(client.open_wallet(&key, &wallet).await?.body.id)
}

/// `florin up` with its defaults, but for the directory and the port.
async fn start(directory: &Path, reaper: &Reaper, progress: &ProgressBar) -> anyhow::Result<Up> {
    let mut args = Defaults::try_parse_from(["florin up"])
        .context("the defaults do not parse")?
        .up;
    directory.clone_into(&mut args.data);
    args.http = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    // A demonstration shows what everybody gets, wherever it is run.
    (args.database_url, args.nats_url) = (None, None);
    args.prefix.clear();
    let up = Up::start(&args, reaper, progress).await?;
    // As root the servers' data is elsewhere.
    let servers = &up.fleet().endpoints.servers;
    servers
        .postgres
        .iter()
        .for_each(|server| reaper.remove(&server.data));
    servers
        .nats
        .iter()
        .for_each(|server| reaper.remove(&server.store));
    Ok(up)
}

#[derive(Debug, clap::Parser)]
struct Defaults {
    #[command(flatten)]
    up: up::Args,
}

fn kept(fleet: &Fleet) -> String {
    let (http, data) = (&fleet.endpoints.http, up::data_flag(&fleet.dir));
    format!(
        "\nThe fleet stays up until Ctrl-C.\n\n  \
         HTTP API  {http}/v1   documentation {http}/docs\n  \
         try       florin simulate{data}\n            \
         curl -H \"Authorization: Bearer $(florin token --role operator{data})\" {http}/v1/wallets\n"
    )
}
