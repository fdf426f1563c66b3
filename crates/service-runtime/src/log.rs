//! A log: the tables `events` and `head` of any service that publishes. All read theirs here;
//! workers append to theirs here too, the ledger does that in the statement that posts. The
//! schema is chosen by the connection's search path, so this SQL is checked by tests, not by
//! the compiler.

mod append;

use chrono::{DateTime, Utc};
use contracts::{
    EventId,
    chain::Hash,
    limits,
    rpc::{EventsPage, Head, LoggedEvent},
};
use sqlx::{PgExecutor, PgPool, migrate::Migrator};
use uuid::Uuid;

pub use append::{Draft, append_in_tx, derived_id};

/// The tables of a worker's own log: events, head, relay. Unqualified names, as in
/// [`crate::worker::WORKER_MIGRATIONS`], and versions from 501 to 999.
pub const LOG_MIGRATIONS: Migrator = Migrator {
    ignore_missing: true,
    ..sqlx::migrate!("migrations/log")
};

type Row = (
    i64,
    Uuid,
    String,
    String,
    Vec<u8>,
    DateTime<Utc>,
    Option<String>,
);

/// The last sequence number and its hash; 0 and 32 zero bytes when the log is empty.
///
/// # Errors
/// When the database fails.
pub async fn head(executor: impl PgExecutor<'_>) -> Result<(u64, Hash), sqlx::Error> {
    let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT seq, hash FROM head")
        .fetch_optional(executor)
        .await?;
    let Some((seq, hash)) = row else {
        return Ok((0, contracts::chain::GENESIS));
    };
    Ok((position(seq)?, to_hash(hash)?))
}

/// Whole events of `from..=to` in order, as many as one answer may hold, and the head.
///
/// # Errors
/// When the database fails.
pub async fn page(pool: &PgPool, from: u64, to: u64) -> Result<EventsPage, sqlx::Error> {
    // The first event always fits; the sum is over bytes, before JSON escapes them.
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT seq, event_id, subject, data, hash, posted_at, traceparent
         FROM (SELECT *, row_number() OVER w AS number, sum(octet_length(data)) OVER w AS bytes
               FROM (SELECT * FROM events WHERE seq BETWEEN $1 AND $2 ORDER BY seq LIMIT $3) page
               WINDOW w AS (ORDER BY seq)) measured
         WHERE bytes <= $4 OR number = 1
         ORDER BY seq",
    )
    // Planned anew each time: a plan made while the log was short would read all of a long one.
    .persistent(false)
    .bind(i64::try_from(from).unwrap_or(i64::MAX))
    .bind(i64::try_from(to).unwrap_or(i64::MAX))
    .bind(i64::from(limits::RPC_EVENTS_MAX))
    .bind(i64::try_from(limits::RPC_EVENTS_BYTES_MAX).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await?;
    // Read after the events, so that no event is beyond the head.
    let (seq, hash) = head(pool).await?;
    let events = rows.into_iter().map(logged).collect::<Result<_, _>>()?;
    Ok(EventsPage {
        head: Head {
            seq,
            hash: hex::encode(hash),
        },
        events,
    })
}

fn logged(row: Row) -> Result<LoggedEvent, sqlx::Error> {
    let (seq, id, subject, data, hash, posted_at, traceparent) = row;
    Ok(LoggedEvent {
        seq: position(seq)?,
        id: EventId::from_uuid(id),
        subject,
        hash: hex::encode(hash),
        posted_at,
        data,
        traceparent,
    })
}

pub(crate) fn position(seq: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(seq).map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(crate) fn to_hash(bytes: Vec<u8>) -> Result<Hash, sqlx::Error> {
    Hash::try_from(bytes).map_err(|_| sqlx::Error::Decode("a hash is not of 32 bytes".into()))
}
