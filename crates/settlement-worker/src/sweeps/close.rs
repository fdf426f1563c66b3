//! Closes cuts: puts the items up to a position into batches, for ever.
//!
//! A cut is closed only when the inbox has every event up to it and none of them is parked or
//! tried again. From then on no item up to it can appear: an event has its effect or was
//! discarded, and neither is undone.

use std::{sync::Arc, time::Duration};

use contracts::{CutId, rpc::Cut, settlement::CutState};
use service_runtime::{Clock, Process, log};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::sync::Mutex;

use crate::{
    batch::{self, Due},
    metrics, store,
};

/// Between looks at what waits: settlement is no race, and the look is one indexed read.
const EVERY: Duration = Duration::from_secs(1);

/// What came of an attempt to close a cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// It made so many batches.
    Now(usize),
    /// It was closed before, or there is no such cut.
    Before,
    /// It waits for this.
    Waits(String),
}

/// Closes cuts, one at a time over all processes.
#[derive(Clone)]
pub struct Closer {
    pool: PgPool,
    /// Connections on which a statement may take long.
    patient: PgPool,
    clock: Clock,
    /// Within a process the turn is waited for here, not on a connection of the pool.
    turn: Arc<Mutex<()>>,
}

impl Closer {
    /// Reads through `pool`, closes through `patient`.
    pub fn new(pool: PgPool, patient: PgPool, clock: Clock) -> Self {
        Self {
            pool,
            patient,
            clock,
            turn: Arc::default(),
        }
    }

    /// For reads.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The process's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Closes cuts that wait, whenever they can be, until the process stops.
    ///
    /// # Errors
    /// Never: what fails is tried again.
    pub async fn run(self, process: Process) -> anyhow::Result<()> {
        let soft = process.soft();
        let mut failing = false;
        loop {
            tokio::select! {
                () = soft.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
            match self.sweep().await {
                Ok(()) => failing = false,
                Err(error) if failing => tracing::debug!(error = error.to_string(), "Again"),
                Err(error) => {
                    failing = true;
                    tracing::warn!(
                        error = error.to_string(),
                        "Could not close cuts, will retry"
                    );
                }
            }
        }
    }

    async fn sweep(&self) -> Result<(), sqlx::Error> {
        let waiting = store::cuts::waiting(&self.pool).await?;
        let oldest = waiting.iter().map(|(_, asked_at)| *asked_at).min();
        let age = oldest.and_then(|oldest| (self.clock.now() - oldest).to_std().ok());
        metrics::waiting(waiting.len(), age.unwrap_or_default());
        for (id, _) in waiting {
            self.close(id).await?;
        }
        Ok(())
    }

    /// Closes a cut if it can be closed, and before it those that wait with lower positions: what
    /// is theirs must not go into its batches.
    ///
    /// # Errors
    /// When the database fails; then the cut waits, or, if the commit got lost, is closed.
    pub async fn close(&self, id: CutId) -> Result<Closed, sqlx::Error> {
        let _turn = self.turn.lock().await;
        let mut connection = self.patient.acquire().await?;
        loop {
            if let Some(closed) = self.step(&mut connection, id).await? {
                return Ok(closed);
            }
        }
    }

    /// One transaction on the way to closing a cut; nothing when it closed an earlier one.
    async fn step(
        &self,
        connection: &mut PgConnection,
        id: CutId,
    ) -> Result<Option<Closed>, sqlx::Error> {
        let mut tx = connection.begin().await?;
        store::cuts::take_turns_in_tx(&mut tx).await?;
        let cut = store::cuts::find(&mut *tx, id).await?;
        let Some(cut) = cut.filter(|cut| cut.state == CutState::Waiting) else {
            tx.rollback().await?;
            return Ok(Some(Closed::Before));
        };
        let blockers = store::cuts::blockers_in_tx(&mut tx, cut.seq).await?;
        if let Some(reason) = blockers.reason() {
            let is_news = store::cuts::say_in_tx(&mut tx, id, &reason).await?;
            tx.commit().await?;
            if is_news {
                tell_waiting(&cut, &reason);
            }
            return Ok(Some(Closed::Waits(reason)));
        }
        // What does not keep this one keeps none before it, whatever its last look said.
        let first = store::cuts::first_waiting_in_tx(&mut tx).await?;
        let cut = first.unwrap_or(cut);
        let due = self.close_in_tx(&mut tx, &cut).await?;
        tx.commit().await?;
        metrics::batches_closed(due.len());
        let closed = cut.id.to_string();
        tracing::info!(
            cut = closed,
            seq = cut.seq,
            batches = due.len(),
            "Closed cut {closed} at {}",
            cut.seq
        );
        Ok((cut.id == id).then_some(Closed::Now(due.len())))
    }

    async fn close_in_tx(&self, tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Due>, sqlx::Error> {
        let now = self.clock.now();
        let due = store::batches::due_in_tx(tx, cut).await?;
        let taken = store::batches::insert_in_tx(tx, cut, &due, now).await?;
        let counted: u64 = due.iter().map(|due| due.count.unsigned_abs()).sum();
        if taken != counted {
            // Nothing can appear up to a cut that can be closed, unless by hand.
            let words = format!("{counted} items were due and {taken} went into batches");
            return Err(sqlx::Error::Protocol(words));
        }
        store::cuts::close_in_tx(tx, cut.id, now).await?;
        store::batches::raise_floor_in_tx(tx).await?;
        let mut drafts = Vec::with_capacity(due.len());
        for due in &due {
            let draft = batch::draft(cut.id, cut.seq, cut.cut_off, due);
            drafts.push(draft.map_err(|error| sqlx::Error::Decode(error.into()))?);
        }
        // Last: the head of the log is locked until the commit.
        log::append_in_tx(tx, now, drafts).await?;
        Ok(due)
    }
}

fn tell_waiting(cut: &Cut, reason: &str) {
    let (id, seq) = (cut.id.to_string(), cut.seq);
    tracing::warn!(cut = id, seq, reason, "Cut {id} at {seq} waits: {reason}");
}
