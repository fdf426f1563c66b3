//! Makes the cuts of the schedule.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{rpc::Cut, settlement::CutState};
use service_runtime::{Clock, Process};
use sqlx::PgPool;

use super::Ledger;
use crate::{
    batch::{Schedule, scheduled_cut},
    store::{self, cuts::Origin},
};

/// Between looks at the clock.
const EVERY: Duration = Duration::from_secs(1);
/// How long after an instant its position is asked for. What is written before it commits by
/// then: the ledger lets no statement run for more than five seconds and no transaction idle for
/// more than two, and clocks of replicas differ by less than the rest.
const GRACE: TimeDelta = TimeDelta::seconds(10);

/// Makes one cut per instant, whoever is first. When instants were missed because no worker ran,
/// the latest is enough: its cut takes what all of them would have.
pub struct Scheduler {
    pool: PgPool,
    ledger: Ledger,
    schedule: Schedule,
    clock: Clock,
    /// The latest instant that is known to have its cut.
    known: Option<DateTime<Utc>>,
}

impl Scheduler {
    /// With this schedule.
    pub fn new(pool: PgPool, ledger: Ledger, schedule: Schedule, clock: Clock) -> Self {
        Self {
            pool,
            ledger,
            schedule,
            clock,
            known: None,
        }
    }

    /// Makes cuts until the process stops.
    ///
    /// # Errors
    /// Never: what fails is tried again.
    pub async fn run(mut self, process: Process) -> anyhow::Result<()> {
        let soft = process.soft();
        let mut failing = false;
        loop {
            match self.look().await {
                Ok(()) => failing = false,
                Err(error) => {
                    if !failing {
                        let error = format!("{error:#}");
                        tracing::warn!(error, "Could not make a scheduled cut, will retry");
                    }
                    failing = true;
                }
            }
            tokio::select! {
                () = soft.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
        }
    }

    /// Makes the cut that is due, if one is.
    ///
    /// # Errors
    /// When the ledger or the database does not answer.
    pub async fn look(&mut self) -> anyhow::Result<()> {
        let now = self.clock.now();
        let instant = self.schedule.latest(now - GRACE);
        let Some(instant) = instant.filter(|instant| self.known != Some(*instant)) else {
            return Ok(());
        };
        if !store::cuts::has_instant(&self.pool, instant).await? {
            let cut = Cut {
                id: scheduled_cut(instant),
                seq: self.ledger.last_before(instant).await?,
                cut_off: instant,
                scheduled: true,
                merchant: None,
                currency: None,
                state: CutState::Waiting,
                waits_for: None,
                closed_at: None,
            };
            // False when another process was first: its position is the same.
            if store::cuts::insert(&self.pool, &cut, Origin::Instant(instant), now).await? {
                let (at, seq) = (instant.to_rfc3339(), cut.seq);
                tracing::info!(
                    instant = at,
                    seq,
                    "Cut the log at {seq}, as scheduled for {at}"
                );
            }
        }
        self.known = Some(instant);
        Ok(())
    }
}
