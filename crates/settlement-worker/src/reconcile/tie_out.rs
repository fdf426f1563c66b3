//! One tie-out after another, by one process at a time.

use std::time::Duration;

use contracts::{
    BreakId, LedgerEvent, WalletId,
    rpc::{PaymentsRequest, TieOut},
    settlement::BreakKind,
};
use service_runtime::{
    Clock, Process, Secret, entropy,
    postgres::{self, PostgresOptions},
};
use sqlx::{Connection as _, PgConnection};
use tokio::time::Instant;

use super::{Difference, Ours, Theirs, differences};
use crate::{PART, handlers::Sums, metrics, store, sweeps::Ledger};

/// The share of the time that tie-outs may take: they read all postings there are.
const SHARE: u32 = 50;
/// Before the next attempt when a tie-out was put off: what it waits for passes in a moment.
const SOON: Duration = Duration::from_secs(1);
/// Before the next attempt after an error.
const AFTER_ERROR: Duration = Duration::from_secs(5);
/// Adding up all items takes a second per some million of them.
const STATEMENT_TIMEOUT_MS: u32 = 120_000;
/// Events without effect that a tie-out reads: what was discarded stays among them for ever. All
/// their payments together take some ten megabytes. With more, an operator has other worries.
const WITHOUT_EFFECT_MAX: usize = 100_000;
/// As many of them are in memory at a time, up to 256 KiB each.
const WITHOUT_EFFECT_PAGE: usize = 100;
/// Differences of one tie-out that become breaks. When there are more, something is wrong with
/// everything, and a thousand show what.
const BREAKS_MAX: usize = 1_000;

/// What a tie-out came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was complete, as of this position, with so many differences.
    Complete(u64, usize),
    /// Another process does it.
    Elsewhere,
    /// It cannot be done now, because of this.
    PutOff(String),
}

/// Ties out, again and again.
pub struct TieOuts {
    url: Secret,
    ledger: Ledger,
    clock: Clock,
    every: Duration,
    /// The connection that holds the lock.
    leader: Option<PgConnection>,
    /// How long the last tie-out took.
    took: Duration,
    /// The last reason for putting off, so that it is told once.
    told: Option<String>,
}

impl TieOuts {
    /// Every so often, on a connection of its own to `url`.
    pub fn new(url: Secret, ledger: Ledger, clock: Clock, every: Duration) -> Self {
        Self {
            url,
            ledger,
            clock,
            every,
            leader: None,
            took: Duration::ZERO,
            told: None,
        }
    }

    /// Ties out until the process stops.
    ///
    /// # Errors
    /// Never: what fails is tried again.
    pub async fn run(mut self, process: Process) -> anyhow::Result<()> {
        let soft = process.soft();
        let mut wait = SOON;
        loop {
            tokio::select! {
                () = soft.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
            let outcome = self.once().await;
            wait = self.pause(outcome);
        }
    }

    fn pause(&mut self, outcome: anyhow::Result<Outcome>) -> Duration {
        let rest = self.took * SHARE;
        let pace = self.every.max(rest);
        let reason = match outcome {
            Ok(Outcome::Complete(..)) => {
                self.told = None;
                if pace > self.every {
                    let (ms, pace) = (self.took.as_millis(), pace.as_secs());
                    tracing::info!(ms, pace, "A tie-out took {ms} ms, the next is in {pace} s");
                }
                return pace;
            }
            Ok(Outcome::Elsewhere) => return self.every,
            Ok(Outcome::PutOff(reason)) => reason,
            Err(error) => format!("{error:#}"),
        };
        metrics::put_off();
        if self.told.as_ref() != Some(&reason) {
            tracing::warn!(reason, "Could not tie out, will retry: {reason}");
        }
        let pause = if self.leader.is_none() {
            AFTER_ERROR
        } else {
            SOON
        };
        self.told = Some(reason);
        pause.max(rest)
    }

    /// One tie-out.
    ///
    /// # Errors
    /// When the database or the ledger does not answer.
    pub async fn once(&mut self) -> anyhow::Result<Outcome> {
        self.took = Duration::ZERO;
        let leader = match self.leader.take() {
            Some(leader) => Some(leader),
            None => self.lead().await?,
        };
        let Some(mut leader) = leader else {
            // What this process found when it led is not the last word any more.
            metrics::elsewhere();
            return Ok(Outcome::Elsewhere);
        };
        let started = Instant::now();
        let outcome = self.tie_out(&mut leader, started).await;
        self.took = started.elapsed();
        // After an error the connection may be the reason: then the lock goes with it.
        if outcome.is_ok() {
            self.leader = Some(leader);
        }
        outcome
    }

    async fn tie_out(
        &self,
        leader: &mut PgConnection,
        started: Instant,
    ) -> anyhow::Result<Outcome> {
        let read = read(leader).await?;
        let (at, ours) = match read {
            Read::Sums(at, ours) => (at, ours),
            Read::Unfit(reason) => return Ok(Outcome::PutOff(reason)),
        };
        let theirs = ask(&self.ledger, at).await?;
        let now = self.clock.now();
        let found = differences(&ours, &theirs);
        write(leader, &found, &theirs.books, at, now).await?;
        metrics::tied_out(&counts(&found, &theirs.books), at, now, started.elapsed());
        Ok(Outcome::Complete(at, found.len()))
    }

    /// A connection that holds the lock, if nobody else does.
    async fn lead(&self) -> Result<Option<PgConnection>, sqlx::Error> {
        let options = PostgresOptions {
            schema: PART.schema,
            statement_timeout_ms: STATEMENT_TIMEOUT_MS,
            plans_anew: true,
            application_name: "florin settlement tie-out",
            ..PostgresOptions::default()
        };
        let mut connection = postgres::connect(&self.url, &options).await?;
        let leads = store::sums::lead(&mut connection).await?;
        Ok(leads.then_some(connection))
    }
}

enum Read {
    Sums(u64, Ours),
    Unfit(String),
}

/// Our sums as of a position, all of one snapshot.
async fn read(connection: &mut PgConnection) -> Result<Read, sqlx::Error> {
    let mut snapshot = connection
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let read = read_in_tx(&mut snapshot).await?;
    // A transaction that is only dropped stays open until the connection's next statement, which
    // comes after the ledger has answered: the server would end the session before that.
    snapshot.rollback().await?;
    Ok(read)
}

async fn read_in_tx(snapshot: &mut PgConnection) -> Result<Read, sqlx::Error> {
    let done = store::sums::done_in_tx(snapshot).await?;
    // The sums have every event that was handled, so they are of a position only without holes.
    if !done.is_complete_to(done.highest()) {
        let reason = "events are missing among those that were handled".to_owned();
        return Ok(Read::Unfit(reason));
    }
    let beside = match without_effect_in_tx(snapshot).await? {
        Ok(beside) => beside,
        Err(reason) => return Ok(Read::Unfit(reason)),
    };
    let ours = Ours {
        accounts: store::sums::accounts_in_tx(snapshot, &beside).await?,
        merchants: store::sums::merchants_in_tx(snapshot, &beside).await?,
    };
    Ok(Read::Sums(done.highest(), ours))
}

/// What the events without effect add up to, or why that cannot be told.
async fn without_effect_in_tx(
    snapshot: &mut PgConnection,
) -> Result<Result<Sums, String>, sqlx::Error> {
    let (mut beside, mut number, mut after) = (Sums::default(), 0, 0);
    let limit = i64::try_from(WITHOUT_EFFECT_PAGE).unwrap_or(i64::MAX);
    loop {
        let page = store::sums::without_effect_in_tx(snapshot, after, limit).await?;
        number += page.len();
        if number > WITHOUT_EFFECT_MAX {
            metrics::without_effect(number);
            let reason = format!("more than {WITHOUT_EFFECT_MAX} events have no effect");
            return Ok(Err(reason));
        }
        for (seq, data) in &page {
            let added = LedgerEvent::decode(data).map(|event| beside.add(&event));
            if !matches!(added, Ok(Ok(()))) {
                let reason = format!("event {seq}, which has no effect, cannot be read");
                return Ok(Err(reason));
            }
        }
        match page.last() {
            Some((seq, _)) if page.len() == WITHOUT_EFFECT_PAGE => after = *seq,
            _ => break,
        }
    }
    metrics::without_effect(number);
    Ok(Ok(beside))
}

/// The ledger's sums. What was posted up to a position never changes, so the answers fit
/// together although they are of several snapshots.
async fn ask(ledger: &Ledger, at: u64) -> anyhow::Result<Theirs> {
    let books = ledger.tie_out(at).await?;
    let mut payments = Vec::new();
    let mut after: Option<WalletId> = None;
    loop {
        let page = ledger.payments(&PaymentsRequest { at, after }).await?;
        payments.extend(page.totals);
        let Some(next) = page.next else {
            return Ok(Theirs { books, payments });
        };
        after = Some(next);
    }
}

async fn write(
    connection: &mut PgConnection,
    found: &[Difference],
    books: &TieOut,
    at: u64,
    now: chrono::DateTime<chrono::Utc>,
) -> Result<(), sqlx::Error> {
    let kept = &found[..found.len().min(BREAKS_MAX)];
    let rows: Vec<(BreakId, &Difference)> = kept
        .iter()
        .map(|one| (BreakId::mint(now, entropy()), one))
        .collect();
    let mut unsure = Vec::new();
    if kept.len() < found.len() {
        unsure.extend(BreakKind::ALL);
    } else if books.uneven > books.shown.len() as u64 {
        unsure.push(BreakKind::Balance);
    }
    let mut tx = connection.begin().await?;
    let new = store::breaks::found_in_tx(&mut tx, &rows, at, now).await?;
    let resolved = store::breaks::resolve_in_tx(&mut tx, kept, &unsure, now).await?;
    tx.commit().await?;
    if new > 0 {
        let first = kept.first().map(|one| format!("{one:?}"));
        tracing::error!(at, new, first, "The books do not tie out: {new} new breaks");
    }
    if resolved > 0 {
        tracing::info!(at, resolved, "{resolved} breaks are resolved");
    }
    Ok(())
}

/// How many of each kind, those too that are not shown one by one.
fn counts(found: &[Difference], books: &TieOut) -> Vec<(BreakKind, u64)> {
    let count = |kind: &BreakKind| match kind {
        BreakKind::Balance => books.uneven,
        _ => found.iter().filter(|one| one.kind == *kind).count() as u64,
    };
    BreakKind::ALL
        .iter()
        .map(|kind| (*kind, count(kind)))
        .collect()
}
