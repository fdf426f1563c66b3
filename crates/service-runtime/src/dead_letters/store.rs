//! SQL of dead letters: adding, settling and announcing them. What people read of them and what
//! they did to them is below.

pub(crate) mod actions;
pub(crate) mod reading;

use chrono::{DateTime, Utc};
use contracts::{Stake, Totals, WalletId, rpc::dead_letters::DeadLetterState};
use sqlx::{PgConnection, Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

/// A dead letter as it is stored.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Its id: a `UUIDv7`, so that a list by id is a list by time.
    pub id: Uuid,
    /// Position in the log; none on a foreign message.
    pub seq: Option<u64>,
    /// The subject it came on, without the prefix.
    pub subject: String,
    /// `<noun>.<verb>` of its type, or `unknown.unknown`.
    pub noun_verb: String,
    /// The headers worth keeping.
    pub headers: Vec<(String, String)>,
    /// The original bytes.
    pub data: Vec<u8>,
    /// Why, as a short code.
    pub reason: String,
    /// Why, in words.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: DateTime<Utc>,
    /// When it was given up.
    pub last_at: DateTime<Utc>,
    /// What became of it.
    pub state: DeadLetterState,
    /// The wallets that its event is about.
    pub wallets: Vec<WalletId>,
    /// The money that its event moved; nothing when nobody can tell.
    pub stake: Option<Totals>,
}

impl DeadLetter {
    /// A header that was kept.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let mut headers = self.headers.iter();
        let found = headers.find(|header| header.0 == name)?;
        Some(found.1.clone())
    }
}

/// What a new row is made of.
pub(crate) struct NewLetter<'a> {
    pub(crate) id: Uuid,
    pub(crate) consumer: &'a str,
    pub(crate) source: &'a str,
    pub(crate) place: Place<'a>,
    pub(crate) subject: &'a str,
    pub(crate) noun_verb: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) data: &'a [u8],
    pub(crate) reason: &'a str,
    pub(crate) error: &'a str,
    pub(crate) attempts: u32,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) last_at: DateTime<Utc>,
    /// Nothing when nobody can tell.
    pub(crate) stake: Option<Stake>,
}

/// Where a dead letter comes from.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// An event of the log.
    Log { seq: u64 },
    /// A message of a stream that the log does not know. The creation time tells one stream
    /// from the next of the same name.
    Stream {
        name: &'a str,
        created_at: DateTime<Utc>,
        seq: u64,
    },
}

/// Adds a dead letter; false when it is there already.
pub(crate) async fn insert_in_tx(
    tx: &mut PgConnection,
    new: &NewLetter<'_>,
) -> Result<bool, sqlx::Error> {
    let (seq, stream, created_at, stream_seq) = match new.place {
        Place::Log { seq } => (Some(seq.cast_signed()), None, None, None),
        Place::Stream {
            name,
            created_at,
            seq,
        } => (None, Some(name), Some(created_at), Some(seq.cast_signed())),
    };
    let done = sqlx::query(
        "INSERT INTO dead_letters (id, consumer, source, seq, stream, stream_created_at,
                                   stream_seq, subject, noun_verb, headers, data, reason, error,
                                   attempts, first_at, last_at, wallets, stake)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT DO NOTHING",
    )
    .bind(new.id)
    .bind(new.consumer)
    .bind(new.source)
    .bind(seq)
    .bind(stream)
    .bind(created_at)
    .bind(stream_seq)
    .bind(new.subject)
    .bind(new.noun_verb)
    .bind(Json(new.headers))
    .bind(new.data)
    .bind(new.reason)
    .bind(new.error)
    .bind(new.attempts.cast_signed())
    .bind(new.first_at)
    .bind(new.last_at)
    .bind(new.stake.as_ref().map(wallets).unwrap_or_default())
    .bind(new.stake.as_ref().map(|stake| Json(&stake.money)))
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// One dead letter of a consumer.
///
/// # Errors
/// When the database fails.
pub async fn find(
    connection: &mut PgConnection,
    consumer: &str,
    id: Uuid,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query("SELECT * FROM dead_letters WHERE consumer = $1 AND id = $2")
        .bind(consumer)
        .bind(id)
        .try_map(|row: PgRow| read(&row))
        .fetch_optional(connection)
        .await
}

/// The same, locked to the end of the transaction: who acts on it next sees what became of it.
pub(crate) async fn lock_in_tx(
    tx: &mut PgConnection,
    consumer: &str,
    id: Uuid,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query("SELECT * FROM dead_letters WHERE consumer = $1 AND id = $2 FOR UPDATE")
        .bind(consumer)
        .bind(id)
        .try_map(|row: PgRow| read(&row))
        .fetch_optional(tx)
        .await
}

/// Settles a parked dead letter; false when it is not parked (any more).
pub(crate) async fn settle_in_tx(
    tx: &mut PgConnection,
    id: Uuid,
    to: DeadLetterState,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query("UPDATE dead_letters SET state = $2 WHERE id = $1 AND state = 'parked'")
        .bind(id)
        .bind(to.as_str())
        .execute(tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Checks now what the schema would check at the commit.
pub(crate) async fn check_constraints_in_tx(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query("SET CONSTRAINTS ALL IMMEDIATE")
        .execute(tx)
        .await?;
    Ok(())
}

/// Dead letters of the log after `after` whose stake nobody knows, oldest first.
pub(crate) async fn list_without_stake(
    connection: &mut PgConnection,
    consumer: &str,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(Uuid, Vec<u8>)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, data FROM dead_letters
         WHERE consumer = $1 AND stake IS NULL AND seq IS NOT NULL
           AND ($2::uuid IS NULL OR id > $2)
         ORDER BY id LIMIT $3",
    )
    .bind(consumer)
    .bind(after)
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// Notes a stake that nobody knew.
pub(crate) async fn set_stake(
    connection: &mut PgConnection,
    id: Uuid,
    stake: &Stake,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE dead_letters SET wallets = $2, stake = $3 WHERE id = $1 AND stake IS NULL")
        .bind(id)
        .bind(wallets(stake))
        .bind(Json(&stake.money))
        .execute(connection)
        .await?;
    Ok(())
}

/// Parked dead letters that the stream created at `created_at` has not been told of.
pub(crate) async fn list_unpublished(
    connection: &mut PgConnection,
    consumer: &str,
    created_at: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query(
        "SELECT * FROM dead_letters
         WHERE consumer = $1 AND state = 'parked' AND published_to IS DISTINCT FROM $2
         ORDER BY id LIMIT $3",
    )
    .bind(consumer)
    .bind(created_at)
    .bind(limit)
    .try_map(|row: PgRow| read(&row))
    .fetch_all(connection)
    .await
}

/// The stream created at `created_at` has these.
pub(crate) async fn mark_published(
    connection: &mut PgConnection,
    ids: &[Uuid],
    created_at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "UPDATE dead_letters d SET published_to = $2
         FROM unnest($1::uuid[]) AS sent (id) WHERE d.id = sent.id",
    )
    .bind(ids)
    .bind(created_at)
    .execute(connection)
    .await?;
    Ok(())
}

/// How many wait for an operator.
pub(crate) async fn count_parked(
    connection: &mut PgConnection,
    consumer: &str,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT count(*) FROM dead_letters WHERE consumer = $1 AND state = 'parked'")
        .bind(consumer)
        .fetch_one(connection)
        .await
}

fn wallets(stake: &Stake) -> Vec<Uuid> {
    let wallets = stake.wallets.iter();
    wallets.map(|wallet| wallet.as_uuid()).collect()
}

fn read(row: &PgRow) -> Result<DeadLetter, sqlx::Error> {
    let headers: Json<Vec<(String, String)>> = row.try_get("headers")?;
    let stake: Option<Json<Totals>> = row.try_get("stake")?;
    Ok(DeadLetter {
        id: row.try_get("id")?,
        seq: row
            .try_get::<Option<i64>, _>("seq")?
            .map(i64::cast_unsigned),
        subject: row.try_get("subject")?,
        noun_verb: row.try_get("noun_verb")?,
        headers: headers.0,
        data: row.try_get("data")?,
        reason: row.try_get("reason")?,
        error: row.try_get("error")?,
        attempts: row.try_get::<i32, _>("attempts")?.cast_unsigned(),
        first_at: row.try_get("first_at")?,
        last_at: row.try_get("last_at")?,
        state: state(row)?,
        wallets: read_wallets(row)?,
        stake: stake.map(|stake| stake.0),
    })
}

fn state(row: &PgRow) -> Result<DeadLetterState, sqlx::Error> {
    let state: String = row.try_get("state")?;
    DeadLetterState::parse(&state)
        .ok_or_else(|| sqlx::Error::Decode("dead_letters.state is unknown".into()))
}

fn read_wallets(row: &PgRow) -> Result<Vec<WalletId>, sqlx::Error> {
    let wallets: Vec<Uuid> = row.try_get("wallets")?;
    Ok(wallets.into_iter().map(WalletId::from_uuid).collect())
}
