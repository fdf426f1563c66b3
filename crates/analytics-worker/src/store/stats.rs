//! A wallet's statistics, as of one moment.

use chrono::{DateTime, Utc};
use contracts::WalletId;
use rust_decimal::Decimal;
use sqlx::PgPool;

/// One row per category that moved; a wallet that moved nothing has one row without a category.
#[derive(Debug)]
pub struct StatsRow {
    /// The end of the log's first part without a hole that was counted.
    pub as_of_seq: i64,
    /// Event time of the first movement.
    pub first_seen_at: Option<DateTime<Utc>>,
    /// Event time of the latest movement.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// The currency.
    pub currency: Option<String>,
    /// The category.
    pub category: Option<String>,
    /// How often.
    pub count: Option<i64>,
    /// How much.
    pub amount: Option<Decimal>,
}

/// Reads a wallet's statistics and the position they are of, in one statement: one snapshot.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, wallet: WalletId) -> Result<Vec<StatsRow>, sqlx::Error> {
    sqlx::query_as!(
        StatsRow,
        r#"SELECT coalesce(position.as_of_seq, 0) AS "as_of_seq!",
                  a.first_seen_at AS "first_seen_at?", a.last_activity_at AS "last_activity_at?",
                  t.currency AS "currency?", t.category AS "category?",
                  t.count AS "count?", t.amount AS "amount?"
           FROM (SELECT max(upper(settled) - 1) AS as_of_seq
                 FROM analytics.inbox, unnest(done) AS settled
                 WHERE consumer = 'analytics' AND settled @> 1::bigint) position
           LEFT JOIN analytics.activity a ON a.wallet_id = $1
           LEFT JOIN analytics.tallies t ON t.wallet_id = $1
           ORDER BY t.currency"#,
        wallet.as_uuid(),
    )
    .fetch_all(pool)
    .await
}
