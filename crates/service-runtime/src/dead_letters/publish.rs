//! Announces dead letters on the worker's `DLQ_*` stream. It reads what Postgres has and the
//! stream has not been told, so a stream that was lost is told everything that is still parked.

use std::time::Duration;

use anyhow::Context as _;
use async_nats::{Client, HeaderMap, HeaderValue, jetstream};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use contracts::{
    headers,
    topology::{self, StreamSpec, Topology},
};
use metrics::gauge;
use sqlx::PgPool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::store::{self, DeadLetter};
use crate::{nats, worker::metrics::DEAD_LETTERS};

/// Dead letters of one round: they are few, and up to 256 KiB each.
const ROUND_MAX: i64 = 50;
/// Characters of an error in a header; the row has all of it.
const ERROR_CHARS_MAX: usize = 1_000;
/// The longest wait between rounds that fail.
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// What a message has beside its data and the texts of its headers: the version line, and per
/// header a colon, a space and a line's end.
const HEADERS_FRAME_BYTES: usize = 256;

/// Publishes one worker's dead letters.
pub(crate) struct Publisher {
    pub(crate) pool: PgPool,
    pub(crate) client: Client,
    pub(crate) topology: Topology,
    pub(crate) worker: topology::Worker,
    /// How often Postgres is looked at when nobody said that there is something new.
    pub(crate) every: Duration,
}

impl Publisher {
    /// Publishes until stopped. A failure is told once and tried again: a worker works without
    /// its announcements.
    pub(crate) async fn run(self, parked: &Notify, stop: CancellationToken) {
        let spec = self.topology.dlq_stream(self.worker);
        let mut wait = Duration::ZERO;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
                () = parked.notified() => {}
            }
            match self.round(&spec).await {
                Ok(true) => wait = Duration::ZERO,
                Ok(false) => wait = self.every,
                Err(error) => {
                    if wait <= self.every {
                        let error = format!("{error:#}");
                        tracing::warn!(error, "Could not announce dead letters, will retry");
                    }
                    wait = (wait * 2).clamp(Duration::from_millis(500), BACKOFF_MAX);
                }
            }
        }
    }

    /// Whether there may be more.
    async fn round(&self, spec: &StreamSpec) -> anyhow::Result<bool> {
        let consumer = self.worker.as_str();
        let mut connection = self.pool.acquire().await?;
        let open = store::count_parked(&mut connection, consumer).await?;
        gauge!(DEAD_LETTERS.name, "consumer" => consumer)
            .set(u32::try_from(open).unwrap_or(u32::MAX));
        drop(connection);
        let context = jetstream::new(self.client.clone());
        // Read again in each round: the creation time tells a stream from its successor.
        let stream = nats::ensure_stream(&context, spec).await?;
        let created_at = truncated(stream.get_info().await?.created);
        let mut connection = self.pool.acquire().await?;
        let letters =
            store::list_unpublished(&mut connection, consumer, created_at, ROUND_MAX).await?;
        drop(connection);
        let mut acks = Vec::with_capacity(letters.len());
        for letter in &letters {
            let subject = self.topology.dlq_subject(self.worker, &letter.noun_verb);
            let (headers, data) = self.message(letter, created_at);
            let ack = context.publish_with_headers(subject, headers, data).await?;
            acks.push((letter.id, ack));
        }
        let mut sent = Vec::with_capacity(acks.len());
        for (id, ack) in acks {
            ack.await
                .with_context(|| format!("no receipt for dead letter {id}"))?;
            sent.push(id);
        }
        if !sent.is_empty() {
            let mut connection = self.pool.acquire().await?;
            store::mark_published(&mut connection, &sent, created_at).await?;
        }
        Ok(i64::try_from(sent.len()).is_ok_and(|sent| sent == ROUND_MAX))
    }

    fn message(&self, letter: &DeadLetter, created_at: DateTime<Utc>) -> (HeaderMap, Bytes) {
        let mut message = HeaderMap::new();
        for (name, value) in &letter.headers {
            message.insert(name.as_str(), one_line(value).as_str());
        }
        let id = format!(
            "{}.{}",
            letter.id.as_simple(),
            created_at.timestamp_micros()
        );
        message.insert(headers::MSG_ID, id.as_str());
        message.insert(headers::DLQ_REASON, one_line(&letter.reason).as_str());
        message.insert(headers::DLQ_ERROR, one_line(&letter.error).as_str());
        message.insert(headers::DLQ_SUBJECT, one_line(&letter.subject).as_str());
        message.insert(headers::DLQ_ATTEMPTS, letter.attempts.to_string().as_str());
        message.insert(headers::DLQ_FIRST_AT, letter.first_at.to_rfc3339().as_str());
        message.insert(headers::DLQ_LAST_AT, letter.last_at.to_rfc3339().as_str());
        // A foreign message may have been as large as the server takes, without our headers.
        let headers_bytes = HEADERS_FRAME_BYTES + texts_bytes(&message);
        let fits = letter.data.len() + headers_bytes <= self.client.server_info().max_payload;
        let data = if fits {
            Bytes::copy_from_slice(&letter.data)
        } else {
            Bytes::new()
        };
        (message, data)
    }
}

fn texts_bytes(headers: &HeaderMap) -> usize {
    let texts = |name: &str, values: &[HeaderValue]| -> usize {
        let values = values.iter();
        values.map(|value| name.len() + value.as_str().len()).sum()
    };
    let each = headers.iter();
    each.map(|(name, values)| texts(name.as_ref(), values))
        .sum()
}

/// To what Postgres stores.
fn truncated(time: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(time.timestamp_micros()).unwrap_or(time)
}

/// A header holds one line.
fn one_line(text: &str) -> String {
    text.chars()
        .take(ERROR_CHARS_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect()
}
