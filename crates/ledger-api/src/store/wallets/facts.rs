//! What never changes about wallets.

use std::collections::HashMap;

use contracts::{WalletId, event::WalletKind};
use sqlx::PgPool;
use uuid::Uuid;

use super::{super::StoreError, kind};

/// What never changes about a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Whose tokens may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// What a merchant deals in.
    pub category: Option<String>,
}

/// The owners of wallets; unknown ids and the system's own are missing from the result.
///
/// # Errors
/// When the server cannot be asked.
pub async fn owners(
    pool: &PgPool,
    wallets: &[WalletId],
) -> Result<HashMap<WalletId, String>, StoreError> {
    let ids: Vec<Uuid> = wallets.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT w.id, w.owner
         FROM unnest($1::uuid[]) AS wanted(id) JOIN ledger.wallets w ON w.id = wanted.id
         WHERE w.kind <> 'system'",
        &ids,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (WalletId::from_uuid(row.id), row.owner))
        .collect())
}

/// What never changes about wallets; unknown ids and the system's own are missing from the
/// result.
///
/// # Errors
/// When the server cannot be asked.
pub async fn facts(
    pool: &PgPool,
    wallets: &[WalletId],
) -> Result<HashMap<WalletId, Facts>, StoreError> {
    let ids: Vec<Uuid> = wallets.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT w.id, w.owner, w.kind, w.category
         FROM unnest($1::uuid[]) AS wanted(id) JOIN ledger.wallets w ON w.id = wanted.id
         WHERE w.kind <> 'system'",
        &ids,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let facts = Facts {
                kind: kind(row.id, &row.kind)?,
                owner: row.owner,
                category: row.category,
            };
            Ok((WalletId::from_uuid(row.id), facts))
        })
        .collect()
}
