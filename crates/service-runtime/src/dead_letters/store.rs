//! SQL of dead letters and their history.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _, postgres::PgRow};
use uuid::Uuid;

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LetterState {
    /// It waits for an operator.
    Parked,
    /// Its event was applied after all.
    Replayed,
    /// An operator decided that it stays without effect.
    Discarded,
}

impl LetterState {
    /// The state as the database spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Parked, Self::Replayed, Self::Discarded]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

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
    pub state: LetterState,
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
                                   attempts, first_at, last_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
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
    .bind(sqlx::types::Json(new.headers))
    .bind(new.data)
    .bind(new.reason)
    .bind(new.error)
    .bind(new.attempts.cast_signed())
    .bind(new.first_at)
    .bind(new.last_at)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Up to `limit` dead letters of a consumer in order of id, after `after`.
///
/// # Errors
/// When the database fails.
pub async fn list(
    connection: &mut PgConnection,
    consumer: &str,
    state: Option<LetterState>,
    after: Option<Uuid>,
    limit: u16,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    sqlx::query(
        "SELECT * FROM dead_letters
         WHERE consumer = $1 AND ($2::text IS NULL OR state = $2) AND ($3::uuid IS NULL OR id > $3)
         ORDER BY id LIMIT $4",
    )
    .bind(consumer)
    .bind(state.map(LetterState::as_str))
    .bind(after)
    .bind(i64::from(limit))
    .try_map(|row: PgRow| read(&row))
    .fetch_all(connection)
    .await
}

/// One dead letter.
///
/// # Errors
/// When the database fails.
pub async fn show(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query("SELECT * FROM dead_letters WHERE id = $1")
        .bind(id)
        .try_map(|row: PgRow| read(&row))
        .fetch_optional(connection)
        .await
}

/// Settles a parked dead letter and returns it; nothing when it is not parked (any more).
pub(crate) async fn settle_in_tx(
    tx: &mut PgConnection,
    id: Uuid,
    to: LetterState,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    sqlx::query("UPDATE dead_letters SET state = $2 WHERE id = $1 AND state = 'parked' RETURNING *")
        .bind(id)
        .bind(to.as_str())
        .try_map(|row: PgRow| read(&row))
        .fetch_optional(tx)
        .await
}

/// Writes down who did what.
pub(crate) async fn insert_history(
    connection: &mut PgConnection,
    id: Uuid,
    at: DateTime<Utc>,
    action: &str,
    by: &str,
    note: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letter_history (dead_letter, at, action, by, note)
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(id)
    .bind(at)
    .bind(action)
    .bind(by)
    .bind(note)
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

fn read(row: &PgRow) -> Result<DeadLetter, sqlx::Error> {
    let headers: sqlx::types::Json<Vec<(String, String)>> = row.try_get("headers")?;
    let state: String = row.try_get("state")?;
    let state = LetterState::parse(&state)
        .ok_or_else(|| sqlx::Error::Decode("dead_letters.state is unknown".into()))?;
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
        state,
    })
}
