//! A lane: one connection that runs one batch after the other, and what it does when a batch
//! fails.

use std::{collections::HashMap, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use service_runtime::{Clock, Process, Secret};
use sqlx::PgConnection;
use tokio::{
    sync::{Mutex, mpsc},
    time::Instant,
};
use uuid::Uuid;

use super::{
    Render, SubmitError,
    batch::{self, BatchError},
    pending::{Outcome, Pending},
};
use crate::{
    domain::SystemShard,
    metrics, store,
    store::{Fault, StoreError, fault, fee_rules::ActiveRules},
};

/// Requests of one batch. At 512, one commit's fixed cost is below a percent of each; larger
/// ones only make their callers wait for each other. What came in one request stays together, so
/// a batch may have more commands: as many as there is room for in the queue.
const BATCH_MAX: usize = 512;
/// How long a batch is tried before its callers are told that the database is away.
const GIVE_UP_AFTER: Duration = Duration::from_secs(5);
/// Between two tries of the same batch: a deadlock or a restart needs a moment, not more.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// A connection attempt that takes longer has met a black hole.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the log's partitions are looked at. One holds five million events and the next
/// ones are there already: an hour's work at full speed is far less.
const PARTITION_CHECK: Duration = Duration::from_mins(1);
/// Partitions are kept ready for this many events ahead of the head.
const PARTITIONS_AHEAD: u64 = 10_000_000;

/// One lane's belongings.
pub(super) struct Lane {
    pub(super) shard: SystemShard,
    pub(super) render: Arc<dyn Render>,
    clock: Clock,
    /// The latest moment that this lane saw in the log.
    reached: DateTime<Utc>,
    url: Secret,
    connection: Option<PgConnection>,
    /// The fee rules as they were last read.
    rules: Option<ActiveRules>,
}

impl Lane {
    pub(super) fn new(number: u8, url: Secret, render: Arc<dyn Render>, process: &Process) -> Self {
        Self {
            shard: SystemShard::of_lane(number),
            render,
            clock: process.clock().clone(),
            reached: DateTime::UNIX_EPOCH,
            url,
            connection: None,
            rules: None,
        }
    }

    /// The fee rules to decide by. They are read once, and again when they changed.
    pub(super) async fn rules(
        &mut self,
        connection: &mut PgConnection,
    ) -> Result<ActiveRules, StoreError> {
        if let Some(rules) = &self.rules {
            return Ok(rules.clone());
        }
        let rules = store::fee_rules::active(connection).await?;
        Ok(self.rules.insert(rules).clone())
    }

    /// Forgets the rules when the batch itself changes them.
    pub(super) fn keep_rules(&mut self, version: i64) {
        self.rules.take_if(|rules| rules.version != version);
    }

    /// Did the batch decide by the rules that hold where it stands in the log?
    pub(super) fn check_rules(&mut self, decided_by: i64, hold: i64) -> Result<(), BatchError> {
        if decided_by == hold {
            return Ok(());
        }
        self.rules = None;
        Err(BatchError::RulesChanged)
    }

    /// The moment to decide at: never before what is in the log, whatever the clocks of replicas
    /// say.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now().max(self.reached)
    }

    /// The log has reached this moment.
    pub(super) fn reached(&mut self, posted_at: DateTime<Utc>) {
        self.reached = posted_at;
    }

    /// Runs a batch to the end: every command in it is answered. A rehearsal is a batch of its
    /// own, because it is rolled back.
    async fn settle(&mut self, batch: Vec<Pending>) {
        let (rehearsals, batch): (Vec<_>, Vec<_>) =
            batch.into_iter().partition(Pending::is_rehearsal);
        let mut work: Vec<Vec<Pending>> = rehearsals.into_iter().map(|one| vec![one]).collect();
        work.extend((!batch.is_empty()).then_some(batch));
        while let Some(batch) = work.pop() {
            match self.run_until_clear(&batch).await {
                Ok(outcomes) => {
                    for (pending, outcomes) in batch.into_iter().zip(outcomes) {
                        pending.answer(outcomes);
                    }
                }
                Err(Verdict::All(error)) => {
                    for pending in batch {
                        pending.answer_all(error);
                    }
                }
                Err(Verdict::Without(refused)) => {
                    let refused: HashMap<Uuid, SubmitError> = refused.into_iter().collect();
                    let rest = answer_refused(batch, &refused);
                    work.extend((!rest.is_empty()).then_some(rest));
                }
                Err(Verdict::Halve) => {
                    let mut first = batch;
                    let second = first.split_off(first.len() / 2);
                    work.push(second);
                    work.push(first);
                }
            }
        }
    }

    /// Tries a batch until its outcome is certain or time is up.
    async fn run_until_clear(&mut self, batch: &[Pending]) -> Result<Vec<Vec<Outcome>>, Verdict> {
        let deadline = Instant::now() + GIVE_UP_AFTER;
        // Once a COMMIT was sent and not answered, only the keys can tell.
        let mut unknown = false;
        loop {
            let error = match self.attempt(batch).await {
                Ok(answers) => return Ok(answers),
                Err(error) => error,
            };
            match error {
                // Decided again at once, by the rules and on the day that the log has reached: at
                // most once for each change of either.
                BatchError::RulesChanged | BatchError::AnotherDay => continue,
                BatchError::Without(commands) => return Err(Verdict::Without(commands)),
                BatchError::Store { source, committing } => {
                    let fault = fault(&source);
                    unknown |= committing;
                    if fault == Fault::Data && !committing {
                        return Err(self.blame(batch, &source));
                    }
                    metrics::batch_retried(fault);
                    tracing::warn!(
                        error = &source as &dyn std::error::Error,
                        committing,
                        commands = batch.len(),
                        "A batch failed and is run again"
                    );
                    // A connection that failed in any way is not asked to explain itself.
                    self.connection = None;
                }
            }
            if Instant::now() >= deadline {
                let error = if unknown {
                    SubmitError::OutcomeUnknown
                } else {
                    SubmitError::Unavailable
                };
                return Err(Verdict::All(error));
            }
            tokio::time::sleep(RETRY_PAUSE).await;
        }
    }

    fn blame(&mut self, batch: &[Pending], source: &StoreError) -> Verdict {
        self.connection = None;
        if batch.len() > 1 {
            return Verdict::Halve;
        }
        tracing::error!(
            error = source as &dyn std::error::Error,
            "The database refused a command that was decided to be right"
        );
        Verdict::All(SubmitError::Refused)
    }

    async fn attempt(&mut self, batch: &[Pending]) -> Result<Vec<Vec<Outcome>>, BatchError> {
        let mut connection = if let Some(connection) = self.connection.take() {
            connection
        } else {
            connect(&self.url)
                .await
                .map_err(BatchError::before_commit)?
        };
        let answers = batch::run(self, &mut connection, batch).await?;
        self.connection = Some(connection);
        Ok(answers)
    }
}

/// Answers the groups that have a refused command, and returns the others.
fn answer_refused(batch: Vec<Pending>, refused: &HashMap<Uuid, SubmitError>) -> Vec<Pending> {
    let mut rest = Vec::with_capacity(batch.len());
    for pending in batch {
        let hit = |item: &super::pending::Item| refused.get(&item.answer_id).copied();
        if pending.items.iter().any(|item| hit(item).is_some()) {
            let outcome = |item| Err(hit(item).unwrap_or(SubmitError::LinkedRefused));
            let outcomes = pending.items.iter().map(outcome).collect();
            pending.answer(outcomes);
        } else {
            rest.push(pending);
        }
    }
    rest
}

/// What follows from a failed batch.
enum Verdict {
    /// Everybody in it gets this answer.
    All(SubmitError),
    /// These are refused, with those they are linked to; the others are run again.
    Without(Vec<(Uuid, SubmitError)>),
    /// Somebody's data is at fault: look closer.
    Halve,
}

/// A connection with the limits of a lane's session.
pub(super) async fn connect(url: &Secret) -> Result<PgConnection, StoreError> {
    let options = service_runtime::postgres::PostgresOptions {
        schema: "ledger",
        statement_timeout_ms: 5_000,
        // Below the statement's limit, so that the cause is named.
        lock_timeout_ms: 3_000,
        // A paused process must not hold the head against every replica.
        idle_in_transaction_ms: 2_000,
        application_name: "florin-lane",
        ..service_runtime::postgres::PostgresOptions::default()
    };
    let connecting = async {
        let mut connection = service_runtime::postgres::connect(url, &options).await?;
        store::server::plan_by_index(&mut connection).await?;
        Ok(connection)
    };
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(connected) => connected,
        Err(_) => Err(StoreError::Database(sqlx::Error::PoolTimedOut)),
    }
}

/// Runs batches until nobody can submit any more: at a soft shutdown the requests that are in
/// hand are still answered.
pub(super) async fn run(
    mut lane: Lane,
    waiting: Arc<Mutex<mpsc::Receiver<Vec<Pending>>>>,
) -> anyhow::Result<()> {
    loop {
        let mut entries = Vec::new();
        // The lock is held while nothing waits: the next lane takes over when this one has its
        // batch.
        if waiting
            .lock()
            .await
            .recv_many(&mut entries, BATCH_MAX)
            .await
            == 0
        {
            return Ok(());
        }
        let mut batch: Vec<Pending> = entries.into_iter().flatten().collect();
        for pending in &mut batch {
            pending.leave_queue();
        }
        metrics::batch_size(batch.iter().map(|pending| pending.items.len()).sum());
        lane.settle(batch).await;
    }
}

/// Sees to it that the log never runs out of partitions.
pub(super) async fn keep_partitions(url: Secret, process: Process) -> anyhow::Result<()> {
    let soft = process.soft();
    let mut due = tokio::time::interval(PARTITION_CHECK);
    loop {
        tokio::select! {
            _ = due.tick() => {}
            () = soft.cancelled() => return Ok(()),
        }
        if let Err(error) = ensure_partitions(&url).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "The log's partitions could not be looked at; the next look is in a minute"
            );
        }
    }
}

async fn ensure_partitions(url: &Secret) -> Result<(), StoreError> {
    let mut connection = connect(url).await?;
    let head = store::journal::head(&mut connection).await?;
    store::server::ensure_event_partitions(&mut connection, head + PARTITIONS_AHEAD).await
}
