//! What was taken back of transactions.

use std::collections::HashMap;

use contracts::TransactionId;
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::StoreError;
use crate::domain::Correction;

/// What became of a transaction, for those who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Corrected {
    /// How much was paid back.
    pub refunded: Decimal,
    /// What undid it.
    pub reversed_by: Option<TransactionId>,
}

/// What is to be written about a locked row.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The transaction that is corrected.
    pub transaction: TransactionId,
    /// How much of it was paid back by now.
    pub refunded: Decimal,
    /// What undoes it now; `None` leaves the column as it is.
    pub reversed_by: Option<TransactionId>,
}

/// Locks what was taken back of transactions for the rest of the transaction, in the order of
/// their ids, and reads it. Rows that are not there are made. `ids` must be sorted.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    ids: &[TransactionId],
) -> Result<HashMap<TransactionId, Correction>, StoreError> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    // A transaction is corrected once, rarely twice: most rows are new.
    sqlx::query!(
        "INSERT INTO ledger.corrections (transaction_id)
         SELECT id FROM unnest($1::uuid[]) WITH ORDINALITY AS wanted(id, position)
         ORDER BY position
         ON CONFLICT (transaction_id) DO NOTHING",
        &uuids,
    )
    .execute(&mut *tx)
    .await?;
    let rows = sqlx::query!(
        "SELECT c.transaction_id, c.refunded, c.reversed_by
         FROM unnest($1::uuid[]) AS wanted(id)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.corrections own
             WHERE own.transaction_id = wanted.id LIMIT 1 FOR UPDATE) c",
        &uuids,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let correction = Correction {
                refunded: row.refunded,
                reversed: row.reversed_by.is_some(),
            };
            (TransactionId::from_uuid(row.transaction_id), correction)
        })
        .collect())
}

/// Writes what was decided about locked rows.
///
/// # Errors
/// When the server refuses: then a rule of `decide` and a constraint disagree.
pub async fn write_in_tx(tx: &mut PgConnection, changes: &[Change]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = changes
        .iter()
        .map(|change| change.transaction.as_uuid())
        .collect();
    let refunded: Vec<Decimal> = changes.iter().map(|change| change.refunded).collect();
    let reversals: Vec<Option<Uuid>> = changes
        .iter()
        .map(|change| change.reversed_by.map(TransactionId::as_uuid))
        .collect();
    sqlx::query!(
        "UPDATE ledger.corrections c
         SET refunded = new.refunded, reversed_by = coalesce(new.reversed_by, c.reversed_by)
         FROM unnest($1::uuid[], $2::numeric[], $3::uuid[])
              AS new(transaction_id, refunded, reversed_by)
         WHERE c.transaction_id = new.transaction_id",
        &ids,
        &refunded,
        &reversals as &[Option<Uuid>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What became of transactions; those that nothing was taken back of are missing from the
/// result.
///
/// # Errors
/// When the server cannot be asked.
pub async fn of(
    pool: &PgPool,
    ids: &[TransactionId],
) -> Result<HashMap<TransactionId, Corrected>, StoreError> {
    let uuids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT transaction_id, refunded, reversed_by FROM ledger.corrections
         WHERE transaction_id = ANY ($1) AND (refunded > 0 OR reversed_by IS NOT NULL)",
        &uuids,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let corrected = Corrected {
                refunded: row.refunded,
                reversed_by: row.reversed_by.map(TransactionId::from_uuid),
            };
            (TransactionId::from_uuid(row.transaction_id), corrected)
        })
        .collect())
}
