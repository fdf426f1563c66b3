//! `florin bench`: a fleet of its own in a temporary directory, transfers over HTTP, and
//! pgbench on the same server as a yardstick.
//!
//! Everything shares one machine, so the load generator is lean: prepared requests over plain
//! sockets. Every number comes from this run; nothing is assumed.

mod connection;
mod effect;
mod histogram;
mod load;
mod processes;
mod report;
mod request;
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
use sqlx::{Connection as _, PgConnection};

pub use report::{Load, Machine, Report, Worker};
pub use yardstick::Yardstick;

use self::load::Target;
use self::request::Requests;
use crate::exit::Code;
use crate::fleet::Fleet;
use crate::output::{self, Output};
use crate::token::{self, Grant, Role};
use crate::up::{self, Signals, Up};
use crate::verify;
use crate::workers::Workers;

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
        outcome = on_a_fleet(&args, &reaper, &progress) => outcome,
        () = signals.next() => Err(anyhow::anyhow!("stopped")),
    };
    progress.finish_and_clear();
    // Ends what is left, and removes the directory.
    reaper.finish().await?;
    let report = outcome?;
    args.output.answer(&report, || report.to_string())?;
    Ok(Code::of_check(report.is_good()))
}

async fn on_a_fleet(
    args: &Args,
    reaper: &Reaper,
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    let dir = directory(reaper)?;
    let settings = up::Args {
        data: dir,
        http: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        database_url: None,
        nats_url: None,
        prefix: String::new(),
        ledger_api: 1,
        analytics_worker: 1,
        fraud_worker: 1,
        settlement_worker: 1,
    };
    let up = Up::start(&settings, reaper, progress).await?;
    let report = measure(args, up.fleet(), progress).await;
    up.stop().await;
    report
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

async fn measure(args: &Args, fleet: &Fleet, progress: &ProgressBar) -> anyhow::Result<Report> {
    let time = Duration::from_secs(args.seconds);
    let binaries = find_postgres()?;
    let target = target(fleet, args.seed)?;
    progress.set_message("Opening wallets");
    let started = Instant::now();
    let wallets = target.open_wallets(args.wallets as usize).await?;
    let opening = started.elapsed().as_millis().max(1);
    let wallets: Arc<[String]> = wallets.into();
    let mut workers = Workers::of(fleet).await?;
    workers.catch_up().await?;

    let mut server = PgConnection::connect(&fleet.endpoints.postgres).await?;
    checkpoint(&mut server).await?;
    progress.set_message("Measuring the yardstick, pgbench");
    let yardstick = measure_yardstick(&binaries, &fleet.endpoints.postgres, time).await?;

    let mut run = Run {
        workers,
        server,
        fleet,
        target,
        wallets,
        time,
        yardstick: yardstick.as_ref().map(|yardstick| yardstick.per_second),
    };
    let mut loads = Vec::new();
    for connections in &args.connections {
        progress.set_message(format!("Transferring over {connections} connections"));
        loads.push(run.load(usize::from(*connections)).await?);
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
        wallets: run.wallets.len(),
        wallets_per_second: u64::try_from(u128::from(args.wallets) * 1_000 / opening)?,
        yardstick,
        loads,
        is_clean: proof.clean,
    })
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

struct Run<'a> {
    workers: Workers,
    server: PgConnection,
    fleet: &'a Fleet,
    target: Target,
    wallets: Arc<[String]>,
    time: Duration,
    yardstick: Option<u64>,
}

impl Run<'_> {
    async fn load(&mut self, connections: usize) -> anyhow::Result<Load> {
        checkpoint(&mut self.server).await?;
        let ages = effect::of_workers(self.fleet).await?;
        let (began, before) = (Instant::now(), processes::usage(&self.fleet.endpoints));
        let measured = self
            .target
            .transfer(&self.wallets, connections, self.time)
            .await?;
        let (took, after) = (began.elapsed(), processes::usage(&self.fleet.endpoints));
        let behind = self.workers.behind().await?;
        let caught_up = self.workers.catch_up().await?;

        let mut load = Load::of(connections, &measured, self.yardstick);
        for (name, later) in effect::of_workers(self.fleet).await? {
            let seen = later.since(&ages[&name]);
            let worker = Worker::of(&seen, behind[&name], caught_up[&name]);
            load.workers.insert(name, worker);
        }
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        for (name, usage) in after {
            let earlier = before.get(&name).map_or(0, |earlier| earlier.cpu_millis);
            let used = usage.cpu_millis.saturating_sub(earlier);
            load.cores.insert(name.clone(), report::ratio(used, millis));
            load.memory_mib
                .insert(name, report::mebibytes(usage.memory_kib));
        }
        Ok(load)
    }
}

/// A young server fills every file of its write-ahead log with zeros before it first uses it, one
/// a second under load, and everybody waits. After a checkpoint it uses old ones again, as a
/// server does that has been up for an hour.
async fn checkpoint(server: &mut PgConnection) -> anyhow::Result<()> {
    let done = sqlx::query("CHECKPOINT").execute(server).await;
    done.context("cannot make a checkpoint")?;
    Ok(())
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
