//! Appending to a worker's own log, in the transaction of its effect.
//!
//! The head is locked **last** and until the commit: that makes the positions gapless and in
//! commit order, over all instances, and nothing else is waited for while it is held.
//!
//! Ids are derived from what an event follows from, and what the log has it does not take
//! again. So a handler may be run anew over the whole source, and nothing is published twice.

use std::collections::HashSet;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use contracts::{EventId, chain};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{position, to_hash};

/// An event that has no place in the log yet.
pub struct Draft {
    /// The event id; see [`derived_id`].
    pub id: EventId,
    /// The subject, without a prefix.
    pub subject: String,
    /// W3C trace context of the request that caused it, as far as it is known.
    pub traceparent: Option<String>,
    /// The data, once position and time are known. It must hold both, and the id.
    pub data: Box<dyn FnOnce(u64, DateTime<Utc>) -> String + Send>,
}

/// The id of an event that follows from the event `seq` of `source`, as `consumer` saw it: the
/// same whenever it is derived. `what` tells several events that follow from one apart. Like all
/// ids it sorts by time: `at` is that of the source's event.
pub fn derived_id(
    consumer: &str,
    source: &str,
    seq: u64,
    what: &str,
    at: DateTime<Utc>,
) -> EventId {
    // None of the names has a line break, so no two inputs look the same.
    let digest = Sha256::digest(format!("{consumer}\n{source}\n{seq}\n{what}"));
    let mut entropy = [0; 10];
    entropy.copy_from_slice(&digest[..10]);
    EventId::mint(at, entropy)
}

/// Appends the drafts that the log does not have, in their order, and says how many. The
/// caller's last statement before the commit.
///
/// # Errors
/// When the database fails.
pub async fn append_in_tx(
    tx: &mut PgConnection,
    now: DateTime<Utc>,
    drafts: Vec<Draft>,
) -> Result<usize, sqlx::Error> {
    if drafts.is_empty() {
        return Ok(0);
    }
    let (seq, hash, latest): (i64, Vec<u8>, DateTime<Utc>) =
        sqlx::query_as("SELECT seq, hash, posted_at FROM head FOR UPDATE")
            .fetch_one(&mut *tx)
            .await?;
    // A statement of its own, after the lock: it sees what those before us have committed.
    let ids: Vec<Uuid> = drafts.iter().map(|draft| draft.id.as_uuid()).collect();
    let mut known = known_in_tx(tx, &ids).await?;
    // Time in the log never runs backwards, and Postgres keeps microseconds.
    let posted_at = micros(now).max(latest);
    let (mut seq, mut hash) = (position(seq)?, to_hash(hash)?);
    let mut rows = Columns::default();
    for draft in drafts {
        if !known.insert(draft.id.as_uuid()) {
            continue;
        }
        seq += 1;
        let data = (draft.data)(seq, posted_at);
        hash = chain::link(&hash, data.as_bytes());
        rows.seqs.push(i64::try_from(seq).unwrap_or(i64::MAX));
        rows.ids.push(draft.id.as_uuid());
        rows.subjects.push(draft.subject);
        rows.data.push(data);
        rows.hashes.push(hash.to_vec());
        rows.traceparents.push(draft.traceparent);
    }
    if !rows.seqs.is_empty() {
        insert_in_tx(tx, &rows, posted_at).await?;
    }
    Ok(rows.seqs.len())
}

#[derive(Default)]
struct Columns {
    seqs: Vec<i64>,
    ids: Vec<Uuid>,
    subjects: Vec<String>,
    data: Vec<String>,
    hashes: Vec<Vec<u8>>,
    traceparents: Vec<Option<String>>,
}

async fn known_in_tx(tx: &mut PgConnection, ids: &[Uuid]) -> Result<HashSet<Uuid>, sqlx::Error> {
    let known: Vec<Uuid> = sqlx::query_scalar(
        "SELECT event_id FROM unnest($1::uuid[]) AS wanted (event_id) JOIN events USING (event_id)",
    )
    .bind(ids)
    // Planned anew each time: a plan made while the log was short would read all of a long one.
    .persistent(false)
    .fetch_all(tx)
    .await?;
    Ok(known.into_iter().collect())
}

/// One statement, because the head is locked and everybody waits.
async fn insert_in_tx(
    tx: &mut PgConnection,
    rows: &Columns,
    posted_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "WITH appended AS (
             INSERT INTO events (seq, event_id, subject, data, hash, posted_at, traceparent)
             SELECT seq, event_id, subject, data, hash, $6, traceparent
             FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $7::text[])
                  AS new (seq, event_id, subject, data, hash, traceparent)
         )
         UPDATE head SET seq = $8, hash = $9, posted_at = $6",
    )
    .bind(&rows.seqs)
    .bind(&rows.ids)
    .bind(&rows.subjects)
    .bind(&rows.data)
    .bind(&rows.hashes)
    .bind(posted_at)
    .bind(&rows.traceparents)
    .bind(rows.seqs.last())
    .bind(rows.hashes.last())
    .execute(tx)
    .await?;
    Ok(())
}

fn micros(time: DateTime<Utc>) -> DateTime<Utc> {
    time.duration_trunc(TimeDelta::microseconds(1))
        .unwrap_or(time)
}
