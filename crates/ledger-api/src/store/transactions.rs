//! Transactions by their id.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{LedgerEvent, Posted, TransactionId};
use sqlx::PgPool;

use super::StoreError;

/// The transaction, as its event tells it. Its id is a UUIDv7 of the millisecond in which the
/// ledger wrote it.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, id: TransactionId) -> Result<Option<Posted>, StoreError> {
    let Some(from) = minted_at(id) else {
        return Ok(None);
    };
    let rows = sqlx::query!(
        "SELECT data FROM ledger.events
         WHERE posted_at >= $1 AND posted_at < $2 AND position($3 IN data) > 0",
        from,
        from + TimeDelta::milliseconds(1),
        id.to_string(),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .iter()
        .find_map(|row| match LedgerEvent::decode(row.data.as_bytes()) {
            Ok(LedgerEvent::Posted(posted)) if posted.transaction == id => Some(posted),
            _ => None,
        }))
}

/// The millisecond of a UUIDv7; none for an id that the ledger did not mint.
fn minted_at(id: TransactionId) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.as_uuid().get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}
