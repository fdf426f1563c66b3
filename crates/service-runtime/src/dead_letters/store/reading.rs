//! SQL of what people read: dead letters without their data, and what they come to.

use contracts::{
    DeadLetterId, Totals,
    rpc::dead_letters::{DeadLetterFilter, DeadLetterState, DeadLetterSummary},
};
use sqlx::{
    PgConnection, Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
    types::Json,
};
use uuid::Uuid;

use super::{read_wallets, state};

/// Characters of a text in a list: a page fits a NATS message also when each of them is escaped
/// to six bytes.
const TEXT_CHARS_MAX: i32 = 250;

/// What a filter lets through; [`filtered`] binds its values.
macro_rules! filter {
    () => {
        "consumer = $1 AND ($2::text IS NULL OR state = $2)
         AND ($3::text IS NULL OR reason = $3) AND ($4::text IS NULL OR noun_verb = $4)
         AND ($5::uuid IS NULL OR wallets @> ARRAY[$5])
         AND ($6::timestamptz IS NULL OR last_at < $6)
         AND ($7::timestamptz IS NULL OR last_at >= $7)"
    };
}

/// What all that a filter lets through come to.
pub(crate) struct Sums {
    pub(crate) total: u64,
    pub(crate) at_stake: Totals,
    pub(crate) at_stake_unknown: u64,
}

/// Up to `limit` dead letters of a consumer in order of id, after `after`.
///
/// # Errors
/// When the database fails.
pub async fn list(
    connection: &mut PgConnection,
    consumer: &str,
    filter: &DeadLetterFilter,
    after: Option<DeadLetterId>,
    limit: u16,
) -> Result<Vec<DeadLetterSummary>, sqlx::Error> {
    let sql = concat!(
        "SELECT id, state, seq, noun_verb, left(subject, $8) AS subject, reason,
                left(error, $8) AS error, attempts, first_at, last_at, wallets, stake,
                (SELECT count(*) FROM dead_letter_history
                 WHERE dead_letter = letter.id AND action = 'replay failed') AS replays_failed
         FROM dead_letters letter
         WHERE ",
        filter!(),
        " AND ($9::uuid IS NULL OR id > $9) ORDER BY id LIMIT $10"
    );
    filtered(sql, consumer, filter)
        .bind(TEXT_CHARS_MAX)
        .bind(after.map(DeadLetterId::as_uuid))
        .bind(i64::from(limit))
        .try_map(|row: PgRow| read(&row))
        .fetch_all(connection)
        .await
}

/// Counts and money of all that a filter lets through; money only of what is parked.
pub(crate) async fn sum_up(
    connection: &mut PgConnection,
    consumer: &str,
    filter: &DeadLetterFilter,
) -> Result<Sums, sqlx::Error> {
    let sql = concat!(
        "WITH wanted AS (SELECT state = 'parked' AS open, stake FROM dead_letters WHERE ",
        filter!(),
        "), sums AS (SELECT key, sum(value::numeric)::text AS amount
                     FROM wanted, jsonb_each_text(stake) WHERE open GROUP BY key)
         SELECT count(*) AS total, count(*) FILTER (WHERE open AND stake IS NULL) AS unknown,
                coalesce((SELECT jsonb_object_agg(key, amount) FROM sums), '{}') AS at_stake
         FROM wanted"
    );
    filtered(sql, consumer, filter)
        .try_map(|row: PgRow| {
            let at_stake: Json<Totals> = row.try_get("at_stake")?;
            Ok(Sums {
                total: row.try_get::<i64, _>("total")?.cast_unsigned(),
                at_stake: at_stake.0,
                at_stake_unknown: row.try_get::<i64, _>("unknown")?.cast_unsigned(),
            })
        })
        .fetch_one(connection)
        .await
}

/// How often replaying it failed.
pub(crate) async fn count_failed_replays(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<u64, sqlx::Error> {
    let count: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM dead_letter_history
         WHERE dead_letter = $1 AND action = 'replay failed'",
    )
    .bind(id)
    .fetch_one(connection)
    .await?;
    Ok(count.cast_unsigned())
}

fn filtered<'q>(
    sql: &'static str,
    consumer: &str,
    filter: &DeadLetterFilter,
) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(sql)
        .bind(consumer.to_owned())
        .bind(filter.state.map(DeadLetterState::as_str))
        .bind(filter.reason.clone())
        .bind(filter.noun_verb.clone())
        .bind(filter.wallet.map(contracts::WalletId::as_uuid))
        .bind(filter.before)
        .bind(filter.since)
}

fn read(row: &PgRow) -> Result<DeadLetterSummary, sqlx::Error> {
    let stake: Option<Json<Totals>> = row.try_get("stake")?;
    Ok(DeadLetterSummary {
        id: DeadLetterId::from_uuid(row.try_get("id")?),
        state: state(row)?,
        seq: row
            .try_get::<Option<i64>, _>("seq")?
            .map(i64::cast_unsigned),
        noun_verb: row.try_get("noun_verb")?,
        subject: row.try_get("subject")?,
        reason: row.try_get("reason")?,
        error: row.try_get("error")?,
        attempts: row.try_get::<i32, _>("attempts")?.cast_unsigned(),
        first_at: row.try_get("first_at")?,
        last_at: row.try_get("last_at")?,
        wallets: read_wallets(row)?,
        stake: stake.map(|stake| stake.0),
        replays_failed: row.try_get::<i64, _>("replays_failed")?.cast_unsigned(),
    })
}
