//! One message on the ledger's stream that no relay sent, and what becomes of it.

use std::time::Duration;

use anyhow::Context as _;
use contracts::EventType;
use contracts::topology::Topology;
use indicatif::ProgressBar;
use serde::Serialize;
use service_runtime::retry::Policy;
use sqlx::{Connection as _, PgConnection};

use crate::exit::Failure;
use crate::fleet::Fleet;
use crate::topology;

/// How often the day's progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// A worker parks such a message when it meets it.
const PARKING: Policy = Policy {
    first: Duration::from_millis(20),
    longest: Duration::from_millis(250),
    give_up_after: Some(Duration::from_secs(30)),
};

/// What it says: no event.
const WORDS: &str = "{\"this\": \"is no event\"";

/// What became of the message.
#[derive(Debug, Clone, Serialize)]
pub struct Poison {
    /// Its place in the stream, among the events.
    pub stream_sequence: u64,
    /// The worker that met it.
    pub worker: &'static str,
    /// Why the worker gave it up, as a short code.
    pub reason: String,
    /// Why, in words.
    pub error: String,
}

/// Puts the message on the stream when the day is so far; its place in the stream.
///
/// # Errors
/// When NATS is out of reach.
pub async fn put(fleet: &Fleet, progress: &ProgressBar, when: u64) -> anyhow::Result<u64> {
    while progress.position() < when {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let topology = Topology::with_prefix(&fleet.endpoints.prefix);
    let js = topology::connect(&fleet.endpoints.nats).await?;
    let subject = topology.subject(&format!("{}.00", EventType::TransferPosted.subject_stem()));
    let sent = js
        .publish(subject, WORDS.into())
        .await
        .context("could not send the message")?;
    Ok(sent
        .await
        .context("the stream did not take the message")?
        .sequence)
}

/// Waits until the worker has parked it.
///
/// # Errors
/// When it does not.
pub async fn parked(fleet: &Fleet, stream_sequence: u64) -> anyhow::Result<Poison> {
    let mut connection = PgConnection::connect(&fleet.endpoints.postgres).await?;
    let mut delays = PARKING.delays();
    loop {
        let found: Option<(String, String)> = sqlx::query_as(
            "SELECT reason, error FROM analytics.dead_letters
             WHERE stream_seq = $1 AND state = 'parked'",
        )
        .bind(i64::try_from(stream_sequence)?)
        .fetch_optional(&mut connection)
        .await?;
        if let Some((reason, error)) = found {
            connection.close().await?;
            return Ok(Poison {
                stream_sequence,
                worker: "analytics",
                reason,
                error,
            });
        }
        if !delays.wait().await {
            let words = "the analytics worker did not park the message that is no event";
            return Err(Failure::out_of_reach(words).into());
        }
    }
}
