//! SQL of the inbox row. Names are unqualified: the connection's `search_path` is the worker's
//! schema.

use contracts::chain::{GENESIS, Hash};
use sqlx::{PgConnection, Row as _, postgres::PgRow};

use super::SeqSet;

/// The inbox row of one consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// What is settled.
    pub done: SeqSet,
    /// The last link of the source's hash chain that was proven: position and hash.
    pub trusted: (u64, Hash),
}

/// Creates the row when it is missing.
///
/// # Errors
/// When the database fails.
pub async fn ensure(
    connection: &mut PgConnection,
    consumer: &str,
    source: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query("INSERT INTO inbox (consumer, source) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(consumer)
        .bind(source)
        .execute(connection)
        .await?;
    Ok(())
}

/// Reads the row without a lock.
///
/// # Errors
/// When the database fails or there is no such row.
pub async fn find(
    connection: &mut PgConnection,
    consumer: &str,
    source: &str,
) -> Result<Inbox, sqlx::Error> {
    sqlx::query(
        "SELECT done::text AS done, trusted_seq, trusted_hash FROM inbox
         WHERE consumer = $1 AND source = $2",
    )
    .bind(consumer)
    .bind(source)
    .try_map(|row: PgRow| read(&row))
    .fetch_one(connection)
    .await
}

/// How many events are marked and wait in the retry table for another try.
///
/// # Errors
/// When the database fails.
pub async fn count_retrying(
    connection: &mut PgConnection,
    consumer: &str,
    source: &str,
) -> Result<u64, sqlx::Error> {
    let count: i64 =
        sqlx::query_scalar("SELECT count(*) FROM retrying WHERE consumer = $1 AND source = $2")
            .bind(consumer)
            .bind(source)
            .fetch_one(connection)
            .await?;
    Ok(count.unsigned_abs())
}

/// Locks the row to the end of the transaction: instances of one consumer take turns per commit.
///
/// # Errors
/// When the database fails or there is no such row.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    consumer: &str,
    source: &str,
) -> Result<Inbox, sqlx::Error> {
    sqlx::query(
        "SELECT done::text AS done, trusted_seq, trusted_hash FROM inbox
         WHERE consumer = $1 AND source = $2 FOR UPDATE",
    )
    .bind(consumer)
    .bind(source)
    .try_map(|row: PgRow| read(&row))
    .fetch_one(tx)
    .await
}

/// Writes the locked row.
///
/// # Errors
/// When the database fails.
pub async fn mark_in_tx(
    tx: &mut PgConnection,
    consumer: &str,
    source: &str,
    inbox: &Inbox,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE inbox SET done = $3::text::int8multirange, trusted_seq = $4, trusted_hash = $5
         WHERE consumer = $1 AND source = $2",
    )
    .bind(consumer)
    .bind(source)
    .bind(inbox.done.to_string())
    .bind(inbox.trusted.0.cast_signed())
    .bind(inbox.trusted.1.as_slice())
    .execute(tx)
    .await?;
    Ok(())
}

fn read(row: &PgRow) -> Result<Inbox, sqlx::Error> {
    let done: String = row.try_get("done")?;
    let seq: i64 = row.try_get("trusted_seq")?;
    let bytes: Vec<u8> = row.try_get("trusted_hash")?;
    let mut hash = GENESIS;
    if bytes.len() != hash.len() {
        return Err(sqlx::Error::Decode(
            "inbox.trusted_hash is not 32 bytes".into(),
        ));
    }
    hash.copy_from_slice(&bytes);
    let done = done
        .parse()
        .map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Inbox {
        done,
        trusted: (seq.cast_unsigned(), hash),
    })
}
