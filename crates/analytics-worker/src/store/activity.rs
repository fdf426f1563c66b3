//! First and last activity: they only ever move apart.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projections::Changes;

/// Widens the wallets' spans of activity. An event that comes late does not turn time back.
///
/// # Errors
/// When the server refuses.
pub async fn widen_in_tx(tx: &mut PgConnection, changes: &Changes) -> Result<(), sqlx::Error> {
    if changes.seen.is_empty() {
        return Ok(());
    }
    let wallets: Vec<Uuid> = changes.seen.keys().map(|wallet| wallet.as_uuid()).collect();
    let first: Vec<DateTime<Utc>> = changes.seen.values().map(|seen| seen.first).collect();
    let last: Vec<DateTime<Utc>> = changes.seen.values().map(|seen| seen.last).collect();
    sqlx::query!(
        "INSERT INTO analytics.activity AS a (wallet_id, first_seen_at, last_activity_at)
         SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[])
         ON CONFLICT (wallet_id) DO UPDATE
         SET first_seen_at = least(a.first_seen_at, excluded.first_seen_at),
             last_activity_at = greatest(a.last_activity_at, excluded.last_activity_at)",
        &wallets,
        &first,
        &last,
    )
    .execute(tx)
    .await?;
    Ok(())
}
