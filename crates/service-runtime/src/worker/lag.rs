//! How far the worker is behind the log, watched beside the loop: a handler that hangs, a lock
//! that is never given and a stream that brings nothing all look the same from here, and all
//! grow older.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_nats::{Client, connection};
use chrono::{DateTime, Utc};
use contracts::rpc::{EventsPage, EventsRequest};
use metrics::gauge;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use super::{
    metrics::{LAG, LAG_SECONDS, MISSING_RANGES, RETRYING},
    store::Owner,
};
use crate::{Clock, Process, inbox, rpc};

/// When the oldest event that is not settled was posted; nothing while there is none.
type Oldest = Arc<Mutex<Option<DateTime<Utc>>>>;

/// Looks at the inbox and the log, and shows the difference.
pub(super) struct Lag {
    pub(super) pool: PgPool,
    pub(super) client: Client,
    /// Where the log answers.
    pub(super) subject: String,
    pub(super) rpc_timeout: Duration,
    pub(super) owner: Owner,
    pub(super) every: Duration,
}

impl Lag {
    /// Looks until stopped. What cannot be read now keeps its last value; the age goes on.
    pub(super) async fn run(self, process: &Process, stop: CancellationToken) {
        let oldest = Oldest::default();
        let (shown, clock, consumer) = (
            Arc::clone(&oldest),
            process.clock().clone(),
            self.owner.consumer,
        );
        process.gauge(move || show_age(consumer, &shown, &clock));
        loop {
            if let Err(error) = self.look(&oldest).await {
                tracing::debug!(error = error.to_string(), "Cannot read the inbox now");
            }
            show_age(consumer, &oldest, process.clock());
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn look(&self, oldest: &Oldest) -> Result<(), sqlx::Error> {
        let Owner { consumer, source } = self.owner;
        let mut connection = self.pool.acquire().await?;
        inbox::store::ensure(&mut connection, consumer, source).await?;
        // The inbox before the log: what is written in between counts as not settled yet.
        let done = inbox::store::find(&mut connection, consumer, source)
            .await?
            .done;
        let retrying = inbox::store::count_retrying(&mut connection, consumer, source).await?;
        drop(connection);
        let gaps = done.count_ranges().saturating_sub(1);
        set(MISSING_RANGES.name, consumer, gaps as u64);
        set(RETRYING.name, consumer, retrying);

        // A request without a connection would lie in the client until there is one.
        if self.client.connection_state() != connection::State::Connected {
            return Ok(());
        }
        let first = done.contiguous() + 1;
        let request = EventsRequest {
            from: first,
            to: first,
        };
        let answer: Result<EventsPage, _> = rpc::call(
            &self.client,
            self.subject.clone(),
            &request,
            self.rpc_timeout,
        )
        .await;
        if let Ok(page) = answer {
            set(
                LAG.name,
                consumer,
                page.head.seq.saturating_sub(done.count()),
            );
            let found = page.events.iter().find(|event| event.seq == first);
            *oldest.lock().unwrap_or_else(PoisonError::into_inner) =
                found.map(|event| event.posted_at);
        }
        Ok(())
    }
}

fn show_age(consumer: &'static str, oldest: &Oldest, clock: &Clock) {
    let oldest = *oldest.lock().unwrap_or_else(PoisonError::into_inner);
    let age = oldest.map(|at| (clock.now() - at).to_std().unwrap_or_default());
    gauge!(LAG_SECONDS.name, "consumer" => consumer).set(age.map_or(0.0, |age| age.as_secs_f64()));
}

fn set(name: &'static str, consumer: &'static str, value: u64) {
    gauge!(name, "consumer" => consumer).set(u32::try_from(value).unwrap_or(u32::MAX));
}
