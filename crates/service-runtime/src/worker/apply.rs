//! The one transaction in which events have their effect.
//!
//! Order: lock the inbox row, see what is new, **mark it, and only then apply the effects**.
//! Were it marked last, two instances with read-then-write effects would both read the old
//! state; so they take turns from the lock to the commit, and a change of the order makes the
//! turn-taking depend on the handler.

use std::{any::Any, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use contracts::{DecodeError, Stake};
use futures_util::FutureExt as _;
use metrics::{counter, histogram};
use sqlx::{Connection as _, PgConnection, PgPool};
use tokio::{sync::Notify, time::Instant};

use super::{
    Delivery, Event, Failure, Handler, WorkerSettings,
    handler::unreadable,
    message::{Item, Raw, posted_at},
    metrics::{AGE, EVENTS, HANDLING},
    policy::Attempts,
    store::{self, Owner},
};
use crate::{
    Clock,
    dead_letters::store::{self as letters, NewLetter, Place},
    entropy,
    inbox::{self, SeqSet, store::Inbox},
    telemetry,
};

/// What every part of a worker needs.
pub(crate) struct Context<H> {
    pub(crate) handler: H,
    pub(crate) settings: WorkerSettings,
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    pub(crate) owner: Owner,
    /// Says that there is a new dead letter.
    pub(crate) parked: Arc<Notify>,
}

/// Where events come from, which says how it is known that they are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The stream or the log: new when the inbox does not have them.
    Log,
    /// The retry table: new while the row is there; the inbox has them since they went in.
    Table,
}

/// What a transaction did.
pub(crate) struct Applied {
    /// Events with an effect.
    pub(crate) effects: usize,
    /// What is settled, after it.
    pub(crate) done: SeqSet,
}

/// Why a transaction did nothing.
pub(crate) enum Trouble {
    /// The handler says so.
    Failed(Failure),
    /// The handler panicked.
    Panicked(String),
    /// Anything around the handler failed.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

/// Why an event is given up, with its history.
pub(crate) struct Verdict<'a> {
    pub(crate) reason: &'a str,
    pub(crate) error: &'a str,
    pub(crate) attempts: u32,
    pub(crate) first_at: DateTime<Utc>,
}

impl<H: Handler> Context<H> {
    /// Applies events in order of `seq`, all or none. Those that this version cannot read are
    /// parked in the same transaction.
    pub(crate) async fn apply(
        &self,
        instance: i64,
        items: &[&Item],
        origin: Origin,
    ) -> Result<Applied, Trouble> {
        let started = Instant::now();
        let mut connection = self.pool.acquire().await?;
        let mut tx = connection.begin().await?;
        let (fresh, inbox) = self.mark_in_tx(&mut tx, items, origin).await?;
        let (deliveries, unreadable) = decode::<H>(&fresh);
        for (item, error) in &unreadable {
            let parking = self.park_unreadable_in_tx(&mut tx, item, error);
            telemetry::within(item.raw.trail(), parking).await?;
        }
        if !deliveries.is_empty() {
            let handled = AssertUnwindSafe(self.handler.handle(&mut tx, &deliveries));
            match handled.catch_unwind().await {
                Ok(Ok(())) => {}
                Ok(Err(failure)) => return Err(Trouble::Failed(failure)),
                Err(panic) => {
                    // It may have been amid a statement: nobody else shall have the connection.
                    drop(tx);
                    connection.close_on_drop();
                    return Err(Trouble::Panicked(panic_text(&*panic).to_owned()));
                }
            }
        }
        store::clear_running_in_tx(&mut tx, self.owner, instance).await?;
        if let [only] = items {
            store::forget_attempts_in_tx(&mut tx, self.owner, only.seq).await?;
        }
        tx.commit().await?;
        self.tell(
            started.elapsed(),
            items.len() - fresh.len(),
            &deliveries,
            unreadable.len(),
        );
        Ok(Applied {
            effects: deliveries.len(),
            done: inbox.done,
        })
    }

    /// Gives up one event: its dead letter and its mark commit together.
    pub(crate) async fn park(
        &self,
        instance: i64,
        item: &Item,
        origin: Origin,
        verdict: &Verdict<'_>,
    ) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        let (fresh, _) = self.mark_in_tx(&mut tx, &[item], origin).await?;
        if !fresh.is_empty() {
            self.insert_letter_in_tx(&mut tx, item, verdict).await?;
        }
        store::forget_attempts_in_tx(&mut tx, self.owner, item.seq).await?;
        store::clear_running_in_tx(&mut tx, self.owner, instance).await?;
        tx.commit().await?;
        if !fresh.is_empty() {
            self.told_parked(1);
            let (seq, reason, error) = (item.seq, verdict.reason, verdict.error);
            tracing::error!(seq, reason, error, "Parked event {seq}: {reason}");
        }
        Ok(())
    }

    /// Moves one event to the retry table: marked here, tried from there.
    pub(crate) async fn postpone(
        &self,
        instance: i64,
        item: &Item,
        attempts: &Attempts,
        next_at: DateTime<Utc>,
        error: &str,
    ) -> Result<(), sqlx::Error> {
        let mut tx = self.pool.begin().await?;
        let (fresh, _) = self.mark_in_tx(&mut tx, &[item], Origin::Log).await?;
        if !fresh.is_empty() {
            let at = (self.clock.now(), next_at);
            store::insert_retrying_in_tx(&mut tx, self.owner, item, attempts, at, error).await?;
        }
        store::forget_attempts_in_tx(&mut tx, self.owner, item.seq).await?;
        store::clear_running_in_tx(&mut tx, self.owner, instance).await?;
        tx.commit().await
    }

    /// Parks messages that no relay published, under their places in the stream.
    pub(crate) async fn park_foreign(
        &self,
        messages: &[(&Raw, &str, u64, &str)],
        created_at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let now = self.clock.now();
        let mut tx = self.pool.begin().await?;
        for (raw, stream, seq, error) in messages {
            let place = Place::Stream {
                name: stream,
                created_at,
                seq: *seq,
            };
            let verdict = Verdict {
                reason: "foreign",
                error,
                attempts: 0,
                first_at: now,
            };
            if letters::insert_in_tx(&mut tx, &self.letter(raw, place, &verdict)).await? {
                tracing::error!(stream, stream_seq = seq, error, "Parked a foreign message");
                counter!(EVENTS.name, "consumer" => self.owner.consumer, "outcome" => "foreign")
                    .increment(1);
            }
        }
        tx.commit().await?;
        self.parked.notify_one();
        Ok(())
    }

    async fn mark_in_tx<'i>(
        &self,
        tx: &mut PgConnection,
        items: &[&'i Item],
        origin: Origin,
    ) -> Result<(Vec<&'i Item>, Inbox), sqlx::Error> {
        let Owner { consumer, source } = self.owner;
        let mut inbox = inbox::store::lock_in_tx(tx, consumer, source).await?;
        let mut fresh = Vec::with_capacity(items.len());
        for item in items {
            let new = match origin {
                Origin::Log => inbox.done.add(item.seq),
                Origin::Table => store::take_retrying_in_tx(tx, self.owner, item.seq).await?,
            };
            if new {
                fresh.push(*item);
            }
            if let Some(hash) = item.hash.filter(|_| item.seq > inbox.trusted.0) {
                inbox.trusted = (item.seq, hash);
            }
        }
        if origin == Origin::Log && !fresh.is_empty() {
            inbox::store::mark_in_tx(tx, consumer, source, &inbox).await?;
        }
        Ok((fresh, inbox))
    }

    async fn park_unreadable_in_tx(
        &self,
        tx: &mut PgConnection,
        item: &Item,
        error: &DecodeError,
    ) -> Result<(), sqlx::Error> {
        let reason = unreadable(error);
        let error = format!("{:#}", anyhow::anyhow!("{error}"));
        let verdict = Verdict {
            reason,
            error: &error,
            attempts: 1,
            first_at: self.clock.now(),
        };
        let seq = item.seq;
        tracing::error!(seq, reason, "Cannot read event {seq}, parking it");
        self.insert_letter_in_tx(tx, item, &verdict).await
    }

    async fn insert_letter_in_tx(
        &self,
        tx: &mut PgConnection,
        item: &Item,
        verdict: &Verdict<'_>,
    ) -> Result<(), sqlx::Error> {
        let place = Place::Log { seq: item.seq };
        letters::insert_in_tx(tx, &self.letter(&item.raw, place, verdict)).await?;
        Ok(())
    }

    fn letter<'a>(
        &self,
        raw: &'a Raw,
        place: Place<'a>,
        verdict: &'a Verdict<'a>,
    ) -> NewLetter<'a> {
        let now = self.clock.now();
        let stake = match place {
            Place::Log { .. } => stake::<H>(&raw.data),
            // What is not in the log moved no money, whatever it says.
            Place::Stream { .. } => Some(Stake::default()),
        };
        NewLetter {
            id: contracts::ids::uuid_v7(now, entropy()),
            consumer: self.owner.consumer,
            source: self.owner.source,
            place,
            subject: &raw.subject,
            noun_verb: raw.noun_verb(),
            headers: &raw.headers,
            data: &raw.data,
            reason: verdict.reason,
            error: verdict.error,
            attempts: verdict.attempts,
            first_at: verdict.first_at,
            last_at: now,
            stake,
        }
    }

    fn tell(
        &self,
        took: Duration,
        repeats: usize,
        deliveries: &[Delivery<H::Event>],
        unreadable: usize,
    ) {
        let consumer = self.owner.consumer;
        histogram!(HANDLING.name, "consumer" => consumer).record(took);
        let count = |outcome: &'static str, number: usize| {
            counter!(EVENTS.name, "consumer" => consumer, "outcome" => outcome)
                .increment(number as u64);
        };
        count("effect", deliveries.len());
        count("repeat", repeats);
        if unreadable > 0 {
            self.told_parked(unreadable);
        }
        let (now, age) = (
            self.clock.now(),
            histogram!(AGE.name, "consumer" => consumer),
        );
        for delivery in deliveries {
            age.record((now - delivery.posted_at).to_std().unwrap_or_default());
        }
    }

    fn told_parked(&self, number: usize) {
        counter!(EVENTS.name, "consumer" => self.owner.consumer, "outcome" => "parked")
            .increment(number as u64);
        self.parked.notify_one();
    }
}

type Decoded<'i, E> = (Vec<Delivery<E>>, Vec<(&'i Item, DecodeError)>);

fn decode<'i, H: Handler>(items: &[&'i Item]) -> Decoded<'i, H::Event> {
    let (mut deliveries, mut unreadable) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        match H::Event::decode(&item.raw.data) {
            Ok(event) => deliveries.push(Delivery {
                seq: item.seq,
                event,
                posted_at: item
                    .posted_at
                    .or_else(|| posted_at(&item.raw.data))
                    .unwrap_or_default(),
                traceparent: item
                    .raw
                    .header(contracts::headers::TRACEPARENT)
                    .map(str::to_owned),
            }),
            Err(error) => unreadable.push((*item, error)),
        }
    }
    (deliveries, unreadable)
}

/// What an event is about, if this version can read it.
pub(crate) fn stake<H: Handler>(data: &[u8]) -> Option<Stake> {
    H::Event::decode(data).ok()?.stake()
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}
