//! Wallets, the newest first: a statement of its own, so that each order has its index.

use contracts::WalletId;
use sqlx::PgPool;

use super::{super::StoreError, BalanceRow, JoinedRow, WalletRow, group};

/// Wallets in the opposite order of their ids, before `before`.
///
/// # Errors
/// When the server cannot be asked.
pub(super) async fn list(
    pool: &PgPool,
    owner: Option<&str>,
    reference: Option<&str>,
    before: Option<WalletId>,
    limit: u16,
) -> Result<Vec<(WalletRow, Vec<BalanceRow>)>, StoreError> {
    let rows = sqlx::query_as!(
        JoinedRow,
        r#"SELECT w.id, w.owner, w.kind, w.restrictions, w.reference, w.category, w.metadata,
                  w.created_at,
                  b.currency AS "currency?", b.posted AS "posted?", b.held AS "held?",
                  b.credit_limit AS "credit_limit?", b.version AS "version?",
                  b.restrictions AS "balance_restrictions?"
           FROM (SELECT * FROM ledger.wallets
                 WHERE kind <> 'system'
                   AND ($1::text IS NULL OR owner = $1)
                   AND ($2::text IS NULL OR reference = $2)
                   AND ($3::uuid IS NULL OR id < $3)
                 ORDER BY id DESC LIMIT $4) w
           LEFT JOIN ledger.balances b ON b.wallet_id = w.id AND b.account = 'main'
           ORDER BY w.id DESC, b.currency"#,
        owner,
        reference,
        before.map(WalletId::as_uuid),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    group(rows)
}
