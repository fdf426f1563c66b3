//! SQL of what instances have in hand, of attempts and of the retry table. Lists of numbers are
//! joined as `unnest`: a plan for `= ANY` that was made while a table was empty stays a scan.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::{
    message::{Item, Raw},
    policy::Attempts,
};
use crate::inbox::SeqSet;

/// Whose rows: a consumer of a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner {
    pub(crate) consumer: &'static str,
    pub(crate) source: &'static str,
}

/// What a dead instance had in hand.
pub(crate) struct Remains {
    pub(crate) seqs: SeqSet,
    /// It ran one event by itself, and Postgres has not been restarted since: the death counts.
    pub(crate) counts: bool,
}

/// A due row of the retry table, already counted.
pub(crate) struct Due {
    pub(crate) item: Item,
    pub(crate) tries: u32,
    pub(crate) first_at: DateTime<Utc>,
}

/// Whether the database answers.
pub(crate) async fn ping(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT 1").execute(connection).await?;
    Ok(())
}

/// Says what the instance has in hand.
pub(crate) async fn mark_running(
    connection: &mut PgConnection,
    owner: Owner,
    instance: i64,
    seqs: &SeqSet,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO running (consumer, instance, source, seqs, alone)
         VALUES ($1, $2, $3, $4::text::int8multirange, false)
         ON CONFLICT (consumer, instance)
         DO UPDATE SET source = excluded.source, seqs = excluded.seqs, alone = false,
                       server_started_at = excluded.server_started_at",
    )
    .bind(owner.consumer)
    .bind(instance)
    .bind(owner.source)
    .bind(seqs.to_string())
    .execute(connection)
    .await?;
    Ok(())
}

/// Says that the instance has one event in hand, and counts the try before it is made.
pub(crate) async fn mark_running_alone(
    connection: &mut PgConnection,
    owner: Owner,
    instance: i64,
    seq: u64,
    now: DateTime<Utc>,
) -> Result<Attempts, sqlx::Error> {
    sqlx::query(
        "WITH marked AS (
             INSERT INTO running (consumer, instance, source, seqs, alone)
             VALUES ($1, $2, $3, int8multirange(int8range($4, $4 + 1)), true)
             ON CONFLICT (consumer, instance)
             DO UPDATE SET source = excluded.source, seqs = excluded.seqs, alone = true,
                           server_started_at = excluded.server_started_at
         )
         INSERT INTO attempts (consumer, source, seq, tries, first_at, last_at)
         VALUES ($1, $3, $4, 1, $5, $5)
         ON CONFLICT (consumer, source, seq)
         DO UPDATE SET tries = attempts.tries + 1, last_at = excluded.last_at
         RETURNING seq, suspect, tries, panics, deaths, first_at, next_at",
    )
    .bind(owner.consumer)
    .bind(instance)
    .bind(owner.source)
    .bind(seq.cast_signed())
    .bind(now)
    .try_map(|row: PgRow| Ok(attempts(&row)?.1))
    .fetch_one(connection)
    .await
}

/// The instance has nothing in hand any more.
pub(crate) async fn clear_running_in_tx(
    tx: &mut PgConnection,
    owner: Owner,
    instance: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM running WHERE consumer = $1 AND instance = $2")
        .bind(owner.consumer)
        .bind(instance)
        .execute(tx)
        .await?;
    Ok(())
}

/// Other instances with events in hand whose lock is free, and takes their locks. The list is
/// made first: a volatile function among other conditions may be called for any row.
pub(crate) async fn lock_dead_instances(
    connection: &mut PgConnection,
    owner: Owner,
    instance: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "WITH others AS MATERIALIZED (
             SELECT instance FROM running WHERE consumer = $1 AND instance <> $2
         )
         SELECT instance FROM others WHERE pg_try_advisory_lock(instance)",
    )
    .bind(owner.consumer)
    .bind(instance)
    .fetch_all(connection)
    .await
}

/// Takes away what a dead instance had in hand.
pub(crate) async fn take_running_in_tx(
    tx: &mut PgConnection,
    owner: Owner,
    instance: i64,
) -> Result<Option<Remains>, sqlx::Error> {
    sqlx::query(
        "DELETE FROM running WHERE consumer = $1 AND instance = $2
         RETURNING seqs::text AS seqs,
                   alone AND server_started_at = pg_postmaster_start_time() AS counts",
    )
    .bind(owner.consumer)
    .bind(instance)
    .try_map(|row: PgRow| {
        let seqs: String = row.try_get("seqs")?;
        let seqs = seqs
            .parse()
            .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
        Ok(Remains {
            seqs,
            counts: row.try_get("counts")?,
        })
    })
    .fetch_optional(tx)
    .await
}

/// Which of these are in the retry table.
pub(crate) async fn list_retrying(
    connection: &mut PgConnection,
    owner: Owner,
    seqs: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT r.seq FROM unnest($3::bigint[]) AS wanted (seq)
         JOIN retrying r ON r.consumer = $1 AND r.source = $2 AND r.seq = wanted.seq",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(seqs)
    .fetch_all(connection)
    .await
}

/// Makes these events suspects, which run alone from now on.
pub(crate) async fn mark_suspects_in_tx(
    tx: &mut PgConnection,
    owner: Owner,
    seqs: &[i64],
    deaths: i32,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO attempts (consumer, source, seq, suspect, deaths, first_at, last_at)
         SELECT $1, $2, seq, true, $4, $5, $5 FROM unnest($3::bigint[]) AS dead (seq)
         ON CONFLICT (consumer, source, seq)
         DO UPDATE SET suspect = true, deaths = attempts.deaths + excluded.deaths",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(seqs)
    .bind(deaths)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

/// What is recorded about these events; most have nothing.
pub(crate) async fn list_attempts(
    connection: &mut PgConnection,
    owner: Owner,
    seqs: &[i64],
) -> Result<Vec<(u64, Attempts)>, sqlx::Error> {
    sqlx::query(
        "SELECT a.seq, a.suspect, a.tries, a.panics, a.deaths, a.first_at, a.next_at
         FROM unnest($3::bigint[]) AS wanted (seq)
         JOIN attempts a ON a.consumer = $1 AND a.source = $2 AND a.seq = wanted.seq",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(seqs)
    .try_map(|row: PgRow| attempts(&row))
    .fetch_all(connection)
    .await
}

/// Records how a try ended.
pub(crate) async fn record_failure(
    connection: &mut PgConnection,
    owner: Owner,
    seq: u64,
    panicked: bool,
    next_at: DateTime<Utc>,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE attempts SET panics = panics + $4, next_at = $5, error = $6
         WHERE consumer = $1 AND source = $2 AND seq = $3",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(seq.cast_signed())
    .bind(i32::from(panicked))
    .bind(next_at)
    .bind(error)
    .execute(connection)
    .await?;
    Ok(())
}

/// The event is settled: nothing about it needs to be remembered.
pub(crate) async fn forget_attempts_in_tx(
    tx: &mut PgConnection,
    owner: Owner,
    seq: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM attempts WHERE consumer = $1 AND source = $2 AND seq = $3")
        .bind(owner.consumer)
        .bind(owner.source)
        .bind(seq.cast_signed())
        .execute(tx)
        .await?;
    Ok(())
}

/// Removes attempts at events that were settled by another way.
pub(crate) async fn sweep_attempts(
    connection: &mut PgConnection,
    owner: Owner,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "DELETE FROM attempts a USING inbox i
         WHERE a.consumer = $1 AND a.source = $2
           AND i.consumer = a.consumer AND i.source = a.source AND i.done @> a.seq
           AND NOT EXISTS (SELECT 1 FROM retrying r WHERE r.consumer = a.consumer
                           AND r.source = a.source AND r.seq = a.seq)",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts an event into the retry table.
pub(crate) async fn insert_retrying_in_tx(
    tx: &mut PgConnection,
    owner: Owner,
    item: &Item,
    attempts: &Attempts,
    at: (DateTime<Utc>, DateTime<Utc>),
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO retrying (consumer, source, seq, subject, headers, data, tries,
                               first_at, last_at, next_at, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(item.seq.cast_signed())
    .bind(&item.raw.subject)
    .bind(sqlx::types::Json(&item.raw.headers))
    .bind(item.raw.data.as_ref())
    .bind(attempts.tries.cast_signed())
    .bind(attempts.first_at)
    .bind(at.0)
    .bind(at.1)
    .bind(error)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes an event out of the retry table; false when somebody else did.
pub(crate) async fn take_retrying_in_tx(
    tx: &mut PgConnection,
    owner: Owner,
    seq: u64,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("DELETE FROM retrying WHERE consumer = $1 AND source = $2 AND seq = $3")
        .bind(owner.consumer)
        .bind(owner.source)
        .bind(seq.cast_signed())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Counts a try of up to `limit` due events and keeps them from other instances until `lease`.
pub(crate) async fn claim_due(
    connection: &mut PgConnection,
    owner: Owner,
    now: DateTime<Utc>,
    lease: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query(
        "UPDATE retrying r SET tries = r.tries + 1, last_at = $3, next_at = $4
         FROM (SELECT seq FROM retrying
               WHERE consumer = $1 AND source = $2 AND next_at <= $3
               ORDER BY next_at LIMIT $5 FOR UPDATE SKIP LOCKED) due
         WHERE r.consumer = $1 AND r.source = $2 AND r.seq = due.seq
         RETURNING r.seq, r.subject, r.headers, r.data, r.tries, r.first_at",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(now)
    .bind(lease)
    .bind(limit)
    .try_map(|row: PgRow| due(&row))
    .fetch_all(connection)
    .await
}

/// Says when an event of the retry table is tried again.
pub(crate) async fn reschedule(
    connection: &mut PgConnection,
    owner: Owner,
    seq: u64,
    next_at: DateTime<Utc>,
    error: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE retrying SET next_at = $4, error = $5
         WHERE consumer = $1 AND source = $2 AND seq = $3",
    )
    .bind(owner.consumer)
    .bind(owner.source)
    .bind(seq.cast_signed())
    .bind(next_at)
    .bind(error)
    .execute(connection)
    .await?;
    Ok(())
}

fn attempts(row: &PgRow) -> Result<(u64, Attempts), sqlx::Error> {
    let seq: i64 = row.try_get("seq")?;
    let count = |column| row.try_get::<i32, _>(column).map(i32::cast_unsigned);
    let attempts = Attempts {
        suspect: row.try_get("suspect")?,
        tries: count("tries")?,
        panics: count("panics")?,
        deaths: count("deaths")?,
        first_at: row.try_get("first_at")?,
        next_at: row.try_get("next_at")?,
    };
    Ok((seq.cast_unsigned(), attempts))
}

fn due(row: &PgRow) -> Result<Due, sqlx::Error> {
    let headers: sqlx::types::Json<Vec<(String, String)>> = row.try_get("headers")?;
    let data: Vec<u8> = row.try_get("data")?;
    let raw = Raw {
        subject: row.try_get("subject")?,
        data: Bytes::from(data),
        headers: headers.0,
    };
    let seq: i64 = row.try_get("seq")?;
    Ok(Due {
        item: Item {
            seq: seq.cast_unsigned(),
            hash: None,
            posted_at: None,
            raw,
        },
        tries: row.try_get::<i32, _>("tries")?.cast_unsigned(),
        first_at: row.try_get("first_at")?,
    })
}
