//! SQL of what people did to dead letters, and of what they were answered.

use chrono::{DateTime, Utc};
use contracts::rpc::dead_letters::{DeadLetterAction, DeadLetterOutcome};
use sqlx::{PgConnection, Row as _, postgres::PgRow, types::Json};
use uuid::Uuid;

use crate::dead_letters::Order;

/// An outcome that was told under a key.
pub(crate) struct Answer {
    pub(crate) fingerprint: String,
    pub(crate) outcome: DeadLetterOutcome,
}

/// What was told under the key of an order.
pub(crate) async fn find_answer(
    connection: &mut PgConnection,
    order: &Order<'_>,
) -> Result<Option<Answer>, sqlx::Error> {
    sqlx::query(
        "SELECT fingerprint, outcome FROM dead_letter_answers WHERE caller = $1 AND key = $2",
    )
    .bind(order.by)
    .bind(order.key)
    .try_map(|row: PgRow| {
        let outcome: Json<DeadLetterOutcome> = row.try_get("outcome")?;
        Ok(Answer {
            fingerprint: row.try_get("fingerprint")?,
            outcome: outcome.0,
        })
    })
    .fetch_optional(connection)
    .await
}

/// Remembers an outcome under the order's key; false when the key was taken meanwhile, which can
/// only be for another dead letter: acting on one takes turns.
pub(crate) async fn insert_answer_in_tx(
    tx: &mut PgConnection,
    order: &Order<'_>,
    outcome: &DeadLetterOutcome,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query(
        "INSERT INTO dead_letter_answers (caller, key, fingerprint, dead_letter, outcome, at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
    )
    .bind(order.by)
    .bind(order.key)
    .bind(order.fingerprint)
    .bind(order.id)
    .bind(Json(outcome))
    .bind(order.at)
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes down who did what, and how it failed.
pub(crate) async fn insert_history_in_tx(
    tx: &mut PgConnection,
    order: &Order<'_>,
    action: &str,
    error: Option<&str>,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO dead_letter_history (dead_letter, at, action, by, role, note, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(order.id)
    .bind(order.at)
    .bind(action)
    .bind(order.by)
    .bind(order.role)
    .bind(order.reason)
    .bind(error)
    .execute(tx)
    .await?;
    Ok(())
}

/// Who settled a dead letter, and when.
pub(crate) async fn find_settler(
    connection: &mut PgConnection,
    id: Uuid,
) -> Result<Option<(String, DateTime<Utc>)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT by, at FROM dead_letter_history
         WHERE dead_letter = $1 AND action IN ('replayed', 'discarded') ORDER BY id DESC LIMIT 1",
    )
    .bind(id)
    .fetch_optional(connection)
    .await
}

/// The latest `limit` things that were done to a dead letter, oldest first.
pub(crate) async fn list_history(
    connection: &mut PgConnection,
    id: Uuid,
    limit: i64,
) -> Result<Vec<DeadLetterAction>, sqlx::Error> {
    sqlx::query(
        "SELECT * FROM (SELECT * FROM dead_letter_history WHERE dead_letter = $1
                        ORDER BY id DESC LIMIT $2) latest ORDER BY id",
    )
    .bind(id)
    .bind(limit)
    .try_map(|row: PgRow| {
        Ok(DeadLetterAction {
            at: row.try_get("at")?,
            action: row.try_get("action")?,
            by: row.try_get("by")?,
            role: row.try_get("role")?,
            reason: row.try_get("note")?,
            error: row.try_get("error")?,
        })
    })
    .fetch_all(connection)
    .await
}
