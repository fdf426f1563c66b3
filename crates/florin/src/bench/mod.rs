//! `florin bench`: a fleet of its own in a temporary directory, transfers over HTTP, and
//! pgbench on the same server as a yardstick. A second fleet, whose ledger is old before it starts,
//! tells what age and size cost.
//!
//! Everything shares one machine, so the load generator is lean: prepared requests over plain
//! sockets. Every number comes from this run; nothing is assumed.

mod connection;
mod effect;
mod histogram;
mod load;
mod preload;
mod processes;
mod report;
mod request;
mod run;
mod scenario;
mod yardstick;

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use local_servers::{PostgresBinaries, Reaper, find_postgres};
use reqwest::Url;

pub use report::{Load, Machine, Preloaded, Report, Worker};
pub use scenario::Scenario;
pub use yardstick::Yardstick;

use self::load::Target;
use self::preload::History;
use self::request::Requests;
use self::run::Run;
use self::scenario::{BULK_CONNECTIONS, HOT_WALLETS};
use crate::exit::Code;
use crate::fleet::Fleet;
use crate::output::{self, Output};
use crate::token::{self, Grant, Role};
use crate::up::{self, Signals, Up};
use crate::verify;

/// Files beside connections that the ledger and this process hold open.
const OTHER_FILES: u64 = 256;

/// Measures a fleet.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// How long each load and the yardstick are measured.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600), value_name = "N")]
    pub seconds: u64,

    /// Connections of each load, separated by commas.
    #[arg(long, default_value = "64,1024", value_delimiter = ',', value_parser = clap::value_parser!(u16).range(1..=4_000), value_name = "N,N")]
    pub connections: Vec<u16>,

    /// Wallets that money moves between.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000), value_name = "N")]
    pub wallets: u32,

    /// What is measured, separated by commas: all of it when it is not said. What others are
    /// compared with is measured with them.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "LOAD,LOAD")]
    pub only: Vec<Scenario>,

    /// Entries that the old ledger has before it is measured, two for each transaction; it has a
    /// tenth as many wallets. Ten million need 10 GB in the temporary directory and some minutes.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(20..=100_000_000), value_name = "N")]
    pub preload: u64,

    /// Where randomness begins: the same number, the same transfers.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,

    /// How to answer.
    #[command(flatten)]
    pub output: Output,
}

/// Measures and prints; leaves nothing behind.
///
/// # Errors
/// When the fleet does not start, or the ledger does not do as it is told.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let mut signals = Signals::listen()?;
    let most = args.connections.iter().copied().max().unwrap_or_default();
    allow_files(u64::from(most) + OTHER_FILES)?;
    let reaper = Reaper::start()?;
    let progress = output::spinner("Starting a fleet to measure");
    let outcome = tokio::select! {
        outcome = on_fleets(&args, &reaper, &progress) => outcome,
        () = signals.next() => Err(anyhow::anyhow!("stopped")),
    };
    progress.finish_and_clear();
    // Ends what is left, and removes the directory.
    reaper.finish().await?;
    let report = outcome?;
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(report.is_good()))
}

impl Args {
    fn measures(&self, scenario: Scenario) -> bool {
        self.only.is_empty() || self.only.contains(&scenario)
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

async fn on_fleets(args: &Args, reaper: &Reaper, progress: &ProgressBar) -> anyhow::Result<Report> {
    let up = Up::start(&settings(reaper)?, reaper, progress).await?;
    let report = measure(args, up.fleet(), progress).await;
    up.stop().await;
    let mut report = report?;
    if args.measures(Scenario::Preloaded) {
        let history = preload::history(args.preload);
        let started = Instant::now();
        let prepare = async |url: &str| {
            progress.set_message(format!("Writing {}", preload::told(&history)));
            preload::write(url, &history).await
        };
        let up = Up::start_after(&settings(reaper)?, reaper, progress, prepare).await?;
        report.preloaded = Some(Preloaded {
            entries: history.entries(),
            wallets: history.wallets(),
            seconds: started.elapsed().as_secs(),
        });
        let measured = measure_old(args, up.fleet(), &history, &mut report, progress).await;
        up.stop().await;
        measured?;
    }
    report.compare();
    Ok(report)
}

fn settings(reaper: &Reaper) -> anyhow::Result<up::Args> {
    Ok(up::Args {
        data: directory(reaper)?,
        http: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        database_url: None,
        nats_url: None,
        prefix: String::new(),
        ledger_api: 1,
        analytics_worker: 1,
        fraud_worker: 1,
        settlement_worker: 1,
    })
}

/// Not a `TempDir`: it is the reaper that removes it, after the servers are gone. Everybody may
/// pass through it, because as root the servers run under another account.
fn directory(reaper: &Reaper) -> anyhow::Result<PathBuf> {
    let dir = tempfile::Builder::new()
        .prefix("florin-bench-")
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir()
        .context("cannot make a temporary directory")?
        .keep();
    reaper.remove(&dir);
    Ok(dir)
}

/// Everything but what needs an old ledger.
async fn measure(args: &Args, fleet: &Fleet, progress: &ProgressBar) -> anyhow::Result<Report> {
    let binaries = find_postgres()?;
    let target = target(fleet, args.seed)?;
    progress.set_message("Opening wallets");
    let started = Instant::now();
    let wallets = target.open_wallets(args.wallets as usize).await?;
    let opening = started.elapsed().as_millis().max(1);
    let wallets: Arc<[String]> = wallets.into();
    let mut run = Run::new(fleet, target, args.time()).await?;

    run.checkpoint().await?;
    progress.set_message("Measuring the yardstick, pgbench");
    run.yardstick = measure_yardstick(&binaries, &fleet.endpoints.postgres, args.time()).await?;
    let mut loads = Vec::new();
    for (scenario, connections) in young_loads(args) {
        progress.set_message(scenario.described(connections));
        let few = wallets.len().min(HOT_WALLETS);
        let wallets = match scenario {
            Scenario::Hot => wallets[..few].into(),
            _ => wallets.clone(),
        };
        loads.push(run.load(scenario, &wallets, connections).await?);
    }
    progress.set_message("Proving the books");
    let proof = verify::check(&fleet.endpoints.postgres).await?;
    Ok(Report {
        machine: Machine {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            postgres: format!("PostgreSQL {}", binaries.version),
            is_release: !cfg!(debug_assertions),
        },
        seed: args.seed,
        wallets: wallets.len(),
        wallets_per_second: u64::try_from(u128::from(args.wallets) * 1_000 / opening)?,
        preloaded: None,
        yardstick: run.yardstick,
        loads,
        is_clean: proof.clean,
    })
}

/// What is measured in a young ledger. The uniform load is what others are compared with.
fn young_loads(args: &Args) -> Vec<(Scenario, usize)> {
    let connections = args.connections.iter().copied().map(usize::from);
    let compared = [Scenario::Uniform, Scenario::Hot, Scenario::Preloaded];
    let mut loads = Vec::new();
    for connections in connections {
        if compared.iter().any(|scenario| args.measures(*scenario)) {
            loads.push((Scenario::Uniform, connections));
        }
        if args.measures(Scenario::Hot) {
            loads.push((Scenario::Hot, connections));
        }
    }
    if args.measures(Scenario::Bulk) {
        loads.push((Scenario::Bulk, BULK_CONNECTIONS));
    }
    loads
}

/// The uniform load in an old ledger: between as many wallets, from all over its table.
async fn measure_old(
    args: &Args,
    fleet: &Fleet,
    history: &History,
    report: &mut Report,
    progress: &ProgressBar,
) -> anyhow::Result<()> {
    let count = history.wallets().min(report.wallets as u64);
    let numbers = (0..count).map(|number| number * history.wallets() / count);
    let wallets: Vec<String> = numbers.map(|it| history.wallet(it).to_string()).collect();
    let wallets: Arc<[String]> = wallets.into();
    let mut run = Run::new(fleet, target(fleet, args.seed)?, args.time()).await?;
    run.yardstick.clone_from(&report.yardstick);
    for connections in args.connections.iter().copied().map(usize::from) {
        progress.set_message(Scenario::Preloaded.described(connections));
        let load = run.load(Scenario::Preloaded, &wallets, connections).await?;
        report.loads.push(load);
    }
    progress.set_message("Proving the books");
    let proof = verify::check(&fleet.endpoints.postgres).await?;
    report.is_clean &= proof.clean;
    Ok(())
}

async fn measure_yardstick(
    binaries: &PostgresBinaries,
    url: &str,
    time: Duration,
) -> anyhow::Result<Option<Yardstick>> {
    let Some(pgbench) = binaries
        .pgbench
        .as_deref()
        .filter(|path: &&Path| path.is_file())
    else {
        output::note("florin: pgbench is not installed, so there is no yardstick");
        return Ok(None);
    };
    yardstick::measure(pgbench, url, time).await.map(Some)
}

fn target(fleet: &Fleet, seed: u64) -> anyhow::Result<Target> {
    let http: Url = fleet
        .endpoints
        .http
        .parse()
        .context("the API's address is not a URL")?;
    let address = http
        .socket_addrs(|| None)?
        .into_iter()
        .next()
        .context("the API's address leads nowhere")?;
    let token = Grant::staff(Role::Service, "bench").sign(&token::signing_key(&fleet.dir)?)?;
    Ok(Target {
        address,
        requests: Requests::new(address, &token),
        seed,
    })
}

/// A connection is a file, and many systems allow a process 1,024 of them unless it asks. What
/// we start inherits what we are allowed.
fn allow_files(needed: u64) -> anyhow::Result<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let allowed = getrlimit(Resource::Nofile);
    if allowed.current.is_none_or(|current| current >= needed) {
        return Ok(());
    }
    let current = allowed
        .maximum
        .map_or(needed, |maximum| needed.min(maximum));
    if current < needed {
        bail!("{needed} open files are needed, {current} are allowed: raise `ulimit -n`");
    }
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: Some(current),
            maximum: allowed.maximum,
        },
    )
    .context("cannot raise the number of open files")
}
