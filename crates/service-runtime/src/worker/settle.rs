//! Settles events: together when nothing is known against them, else one by one. Each ends with
//! an effect, in the retry table, as a dead letter, or is left for later.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use metrics::counter;

use super::{
    Failure, Handler,
    apply::{Origin, Trouble, Verdict},
    engine::{Engine, Outage},
    handler::error_text,
    message::{Item, storable},
    metrics::EVENTS,
    policy::{self, Attempts, DEATHS_MAX, Next, PANICS_MAX},
    store::Due,
};
use crate::{entropy, inbox::SeqSet, telemetry};

/// How long an event is left alone that was not even tried because everything fails.
const STRUGGLE_WAIT: Duration = Duration::from_secs(1);

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is settled: acknowledge it.
    Done,
    /// Not yet: deliver it again after this.
    Later(Duration),
}

/// How events came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// Delivered: it is their turn.
    Delivered,
    /// Read from the log because they were missing: those that wait for their next try are
    /// missing for a reason.
    Missing,
}

impl<H: Handler> Engine<H> {
    /// Settles events that are in the log. Sorts them and drops repetitions.
    pub(crate) async fn settle(
        &mut self,
        items: &[Item],
        way: Way,
    ) -> Result<BTreeMap<u64, Fate>, Outage> {
        let by_seq: BTreeMap<u64, &Item> = items.iter().map(|item| (item.seq, item)).collect();
        let seqs: Vec<i64> = by_seq.keys().map(|seq| seq.cast_signed()).collect();
        let now = self.context.clock.now();
        let instance = self.instance().await?;
        instance.inherit(now).await?;
        let troubled: BTreeMap<u64, Attempts> =
            instance.attempts(&seqs).await?.into_iter().collect();
        let (mut alone, together): (Vec<&Item>, Vec<&Item>) = by_seq
            .values()
            .partition(|item| troubled.contains_key(&item.seq));
        let mut fates = BTreeMap::new();
        if !together.is_empty() {
            if self.run_together(&together).await? {
                fates.extend(together.iter().map(|item| (item.seq, Fate::Done)));
            } else {
                alone.extend(together);
            }
        }
        let mut failed = false;
        for item in alone {
            let next_at = troubled
                .get(&item.seq)
                .and_then(|attempts| attempts.next_at);
            let too_soon = way == Way::Missing && next_at.is_some_and(|next_at| next_at > now);
            // One try shows whether it still goes on; the others would only add to it.
            let fate = if too_soon || (failed && self.fleet.is_struggling()) {
                Fate::Later(STRUGGLE_WAIT)
            } else {
                self.run_alone(item, None).await?
            };
            failed |= fate != Fate::Done;
            fates.insert(item.seq, fate);
        }
        Ok(fates)
    }

    /// Tries what is due in the retry table.
    pub(crate) async fn sweep(&mut self) -> Result<(), Outage> {
        /// Few, because each has a transaction of its own and new events wait meanwhile.
        const ROUND_MAX: i64 = 20;
        /// Longer than a round can take, so that another instance does not start on them.
        const LEASE: TimeDelta = TimeDelta::seconds(300);
        let now = self.context.clock.now();
        let owner = self.context.owner;
        let mut connection = self.context.pool.acquire().await?;
        let due =
            super::store::claim_due(&mut connection, owner, now, now + LEASE, ROUND_MAX).await?;
        drop(connection);
        for due in due {
            self.run_alone(&due.item, Some(&due)).await?;
        }
        Ok(())
    }

    /// False when they must run alone.
    async fn run_together(&mut self, items: &[&Item]) -> Result<bool, Outage> {
        let seqs: SeqSet = items.iter().map(|item| item.seq).collect();
        let instance = self.instance().await?;
        let id = instance.id;
        instance.begin(&seqs).await?;
        match self.context.apply(id, items, Origin::Log).await {
            Ok(applied) => {
                self.went_through(applied.effects, applied.done);
                Ok(true)
            }
            Err(trouble) => {
                self.outage().await?;
                let why = trouble_text(&trouble);
                tracing::warn!(
                    events = items.len(),
                    error = why,
                    "A batch failed, isolating"
                );
                Ok(false)
            }
        }
    }

    /// What is logged meanwhile names the event's trace.
    async fn run_alone(&mut self, item: &Item, due: Option<&Due>) -> Result<Fate, Outage> {
        telemetry::within(item.raw.trail(), self.try_alone(item, due)).await
    }

    async fn try_alone(&mut self, item: &Item, due: Option<&Due>) -> Result<Fate, Outage> {
        let now = self.context.clock.now();
        let instance = self.instance().await?;
        let id = instance.id;
        let mut attempts = instance.begin_alone(item.seq, now).await?;
        if let Some(due) = due {
            (attempts.tries, attempts.first_at) = (due.tries, due.first_at);
        }
        let case = Case {
            item,
            due,
            id,
            attempts,
        };
        if case.attempts.deaths >= DEATHS_MAX {
            return self
                .park(&case, "crash_loop", "the process died with it in hand")
                .await;
        }
        let trouble = match self.context.apply(id, &[item], case.origin()).await {
            Ok(applied) => {
                self.went_through(applied.effects, applied.done);
                return Ok(Fate::Done);
            }
            Err(trouble) => trouble,
        };
        let error = trouble_text(&trouble);
        match trouble {
            Trouble::Failed(Failure::Park { reason, .. }) => self.park(&case, reason, &error).await,
            Trouble::Panicked(_) if case.attempts.panics + 1 >= PANICS_MAX => {
                self.park(&case, "panic", &error).await
            }
            Trouble::Panicked(_) => self.retry(&case, true, &error).await,
            Trouble::Failed(Failure::Retry(_)) | Trouble::Database(_) => {
                self.outage().await?;
                self.fleet.failed(item.seq);
                self.retry(&case, false, &error).await
            }
        }
    }

    async fn retry(
        &mut self,
        case: &Case<'_>,
        panicked: bool,
        error: &str,
    ) -> Result<Fate, Outage> {
        let (now, luck) = (self.context.clock.now(), entropy()[0]);
        let next = if case.due.is_some() {
            let budget = self.context.settings.timings.retry_budget;
            policy::after_table(&case.attempts, now, budget, &self.fleet, luck)
        } else {
            policy::after_stream(&case.attempts, now, &self.fleet, luck)
        };
        let (context, owner, seq) = (&self.context, self.context.owner, case.item.seq);
        counter!(EVENTS.name, "consumer" => owner.consumer, "outcome" => "retry").increment(1);
        let tries = case.attempts.tries;
        tracing::warn!(seq, tries, error, "Event {seq} failed, will retry");
        match next {
            Next::Park => self.park(case, "retries_exhausted", error).await,
            Next::Wait(delay) => {
                let at = later(now, delay);
                self.put_down(case, panicked, at, error).await?;
                Ok(Fate::Later(delay))
            }
            Next::Table(delay) if case.due.is_some() => {
                let at = later(now, delay);
                self.put_down(case, panicked, at, error).await?;
                let mut connection = context.pool.acquire().await?;
                super::store::reschedule(&mut connection, owner, seq, at, error).await?;
                Ok(Fate::Done)
            }
            Next::Table(delay) => {
                let at = later(now, delay);
                context
                    .postpone(case.id, case.item, &case.attempts, at, error)
                    .await?;
                Ok(Fate::Done)
            }
        }
    }

    /// Records how a try ended. The event is not in hand while it waits for the next one: an
    /// instance that stops meanwhile did not die of it.
    async fn put_down(
        &self,
        case: &Case<'_>,
        panicked: bool,
        next_at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), Outage> {
        let (owner, seq) = (self.context.owner, case.item.seq);
        let mut connection = self.context.pool.acquire().await?;
        super::store::record_failure(&mut connection, owner, seq, panicked, next_at, error).await?;
        super::store::clear_running_in_tx(&mut connection, owner, case.id).await?;
        Ok(())
    }

    async fn park(&mut self, case: &Case<'_>, reason: &str, error: &str) -> Result<Fate, Outage> {
        let (attempts, first_at) = (case.attempts.tries, case.attempts.first_at);
        let verdict = Verdict {
            reason,
            error,
            attempts,
            first_at,
        };
        self.context
            .park(case.id, case.item, case.origin(), &verdict)
            .await?;
        self.fleet.passed();
        Ok(Fate::Done)
    }
}

/// An event that runs alone.
struct Case<'a> {
    item: &'a Item,
    /// Its row, when it comes from the retry table.
    due: Option<&'a Due>,
    /// The instance that runs it.
    id: i64,
    attempts: Attempts,
}

impl Case<'_> {
    fn origin(&self) -> Origin {
        if self.due.is_some() {
            Origin::Table
        } else {
            Origin::Log
        }
    }
}

fn later(now: DateTime<Utc>, delay: Duration) -> DateTime<Utc> {
    now + TimeDelta::from_std(delay).unwrap_or_default()
}

fn trouble_text(trouble: &Trouble) -> String {
    let text = match trouble {
        Trouble::Failed(Failure::Retry(error) | Failure::Park { error, .. }) => error_text(error),
        Trouble::Panicked(text) => format!("the handler panicked: {text}"),
        Trouble::Database(error) => format!("{:#}", anyhow::anyhow!("{error}")),
    };
    storable(&text)
}

impl From<sqlx::Error> for Outage {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}
