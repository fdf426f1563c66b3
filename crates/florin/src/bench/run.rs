//! One load after another on a fleet, and what everybody else did meanwhile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::{Connection as _, PgConnection};

use super::load::Target;
use super::report::{self, Load, Worker};
use super::scenario::Scenario;
use super::yardstick::Yardstick;
use super::{effect, processes};
use crate::fleet::Fleet;
use crate::workers::Workers;

/// When the settlement worker has added up all postings for the first time; 0 before that.
const TIED_OUT: &str = "florin_settlement_tie_out_timestamp_seconds ";
/// Some ten million postings take seconds, also beside other work.
const TIE_OUT_PATIENCE: Duration = Duration::from_mins(5);
/// How often we look.
const TIE_OUT_POLL: Duration = Duration::from_millis(100);

/// A fleet that is measured.
pub struct Run<'a> {
    workers: Workers,
    server: PgConnection,
    fleet: &'a Fleet,
    target: Target,
    time: Duration,
    /// What loads are compared with.
    pub yardstick: Option<Yardstick>,
}

impl<'a> Run<'a> {
    /// Loads of so much time each; waits until the workers have nothing left to do. A fleet that has
    /// just started adds up all postings once, which costs an old ledger much more than a young one;
    /// afterwards it may take a fiftieth of the time.
    ///
    /// # Errors
    /// When the fleet's database is out of reach.
    pub async fn new(fleet: &'a Fleet, target: Target, time: Duration) -> anyhow::Result<Self> {
        let mut workers = Workers::of(fleet).await?;
        workers.catch_up().await?;
        tied_out(fleet).await?;
        Ok(Self {
            workers,
            server: PgConnection::connect(&fleet.endpoints.postgres).await?,
            fleet,
            target,
            time,
            yardstick: None,
        })
    }

    /// Measures one load.
    ///
    /// # Errors
    /// When a connection breaks or a worker does not catch up.
    pub async fn load(
        &mut self,
        scenario: Scenario,
        wallets: &Arc<[String]>,
        connections: usize,
    ) -> anyhow::Result<Load> {
        self.checkpoint().await?;
        let ages = effect::of_workers(self.fleet).await?;
        let (began, before) = (Instant::now(), processes::usage(&self.fleet.endpoints));
        let measured = self
            .target
            .measure(scenario, wallets, connections, self.time)
            .await?;
        let (took, after) = (began.elapsed(), processes::usage(&self.fleet.endpoints));
        let behind = self.workers.behind().await?;
        let caught_up = self.workers.catch_up().await?;

        let yardstick = self.yardstick.as_ref().map(|it| it.per_second);
        let mut load = Load::of(scenario, connections, &measured, yardstick);
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

    /// A young server fills every file of its write-ahead log with zeros before it first uses it, one
    /// a second under load, and everybody waits. After a checkpoint it uses old ones again, as a
    /// server does that has been up for an hour.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn checkpoint(&mut self) -> anyhow::Result<()> {
        let done = sqlx::query("CHECKPOINT").execute(&mut self.server).await;
        done.context("cannot make a checkpoint")?;
        Ok(())
    }
}

async fn tied_out(fleet: &Fleet) -> anyhow::Result<()> {
    let started = Instant::now();
    loop {
        let metrics = effect::metrics(fleet.endpoints.services["settlement-worker"].admin).await?;
        let at = metrics.lines().find_map(|line| line.strip_prefix(TIED_OUT));
        if at.is_some_and(|at| at.trim() != "0") {
            return Ok(());
        }
        if started.elapsed() > TIE_OUT_PATIENCE {
            bail!("the books were not tied out: see the settlement worker's log");
        }
        tokio::time::sleep(TIE_OUT_POLL).await;
    }
}
