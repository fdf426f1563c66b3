//! A wallet's transactions, read from the log itself.

use contracts::{LedgerEvent, Posted, WalletId};
use sqlx::PgPool;

use super::StoreError;

/// Transactions that touched `wallet`, newest first, before position `before`.
///
/// # Errors
/// When the server cannot be asked, or the log holds what is no event.
pub async fn page(
    pool: &PgPool,
    wallet: WalletId,
    before: Option<u64>,
    limit: u16,
) -> Result<Vec<Posted>, StoreError> {
    let before = before
        .and_then(|seq| i64::try_from(seq).ok())
        .unwrap_or(i64::MAX);
    // Both legs of a transaction may be the wallet's own (two currencies): one item still. A hold
    // that is placed or released moves nothing, and is no transaction.
    let rows = sqlx::query!(
        "SELECT e.seq, e.data
         FROM (SELECT DISTINCT seq FROM ledger.postings
               WHERE wallet_id = $1 AND seq < $2 AND amount <> 0
               ORDER BY seq DESC LIMIT $3) own
         JOIN ledger.events e ON e.seq = own.seq
         ORDER BY e.seq DESC",
        wallet.as_uuid(),
        before,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| match LedgerEvent::decode(row.data.as_bytes()) {
            Ok(LedgerEvent::Posted(posted)) => Ok(posted),
            _ => Err(StoreError::inconsistent("events", "data", row.seq)),
        })
        .collect()
}
