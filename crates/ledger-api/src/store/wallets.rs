//! Wallets.

mod facts;
mod newest_first;

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use contracts::{Currency, Money, WalletId, event::WalletKind};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{StoreError, error::money};
use crate::domain::Restrictions;

pub use facts::{Facts, facts, owners};

/// A wallet as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletRow {
    /// The wallet.
    pub id: WalletId,
    /// Whose tokens may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// What it may not do.
    pub restrictions: Restrictions,
    /// The creator's reference.
    pub reference: Option<String>,
    /// What a merchant deals in.
    pub category: Option<String>,
    /// The creator's own notes.
    pub metadata: BTreeMap<String, String>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
}

/// A wallet's balance in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalanceRow {
    /// The currency.
    pub currency: Currency,
    /// The sum of the postings.
    pub posted: Money,
    /// The part of it that is reserved.
    pub held: Money,
    /// How far below zero the available balance may go.
    pub credit_limit: Money,
    /// Counts every change.
    pub version: u64,
    /// What may not be done with it.
    pub restrictions: Restrictions,
}

/// A wallet to insert.
#[derive(Debug, Clone)]
pub struct NewWallet {
    /// The wallet.
    pub id: WalletId,
    /// Whose tokens may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// The creator's reference.
    pub reference: Option<String>,
    /// What a merchant deals in.
    pub category: Option<String>,
    /// The creator's own notes.
    pub metadata: BTreeMap<String, String>,
    /// What its account may not do.
    pub restrictions: Restrictions,
}

/// Inserts new wallets, all opened at `created_at`.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(
    tx: &mut PgConnection,
    wallets: &[NewWallet],
    created_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = wallets.iter().map(|wallet| wallet.id.as_uuid()).collect();
    let owners: Vec<String> = wallets.iter().map(|wallet| wallet.owner.clone()).collect();
    let kinds: Vec<String> = wallets
        .iter()
        .map(|wallet| wallet.kind.as_str().to_owned())
        .collect();
    let references: Vec<Option<String>> = wallets
        .iter()
        .map(|wallet| wallet.reference.clone())
        .collect();
    let categories: Vec<Option<String>> = wallets
        .iter()
        .map(|wallet| wallet.category.clone())
        .collect();
    let metadata: Vec<String> = wallets
        .iter()
        .map(|wallet| serde_json::to_string(&wallet.metadata).expect("a map of texts is JSON"))
        .collect();
    let bits: Vec<i16> = wallets
        .iter()
        .map(|wallet| wallet.restrictions.bits())
        .collect();
    let statuses: Vec<String> = wallets
        .iter()
        .map(|wallet| wallet.restrictions.status().to_owned())
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.wallets
                (id, owner, kind, reference, metadata, created_at, restrictions, status, category)
         SELECT id, owner, kind, reference, metadata, $6, restrictions, status, category
         FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $7::smallint[],
                     $8::text[], $9::text[])
              AS new(id, owner, kind, reference, metadata, restrictions, status, category)",
        &ids,
        &owners,
        &kinds,
        &references as &[Option<String>],
        &metadata,
        created_at,
        &bits,
        &statuses,
        &categories as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks wallets that are about to change for the rest of the transaction, in the order of their
/// ids, and reads their restrictions. Unknown ids and the system's own are missing from the
/// result.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    ids: &[WalletId],
) -> Result<HashMap<WalletId, Restrictions>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    // Not the stronger lock, which keeps foreign keys waiting: who places a hold in favour of the
    // wallet asks for one while the head is held, and we want the head next.
    let rows = sqlx::query!(
        "SELECT w.id, w.restrictions
         FROM unnest($1::uuid[]) AS wanted(id)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.wallets own
             WHERE own.id = wanted.id AND own.kind <> 'system' LIMIT 1 FOR NO KEY UPDATE) w",
        &ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let restrictions = Restrictions::from_bits(row.restrictions);
            (WalletId::from_uuid(row.id), restrictions)
        })
        .collect())
}

/// Writes what was decided about locked wallets.
///
/// # Errors
/// When the server refuses.
pub async fn write_in_tx(
    tx: &mut PgConnection,
    changes: &[(WalletId, Restrictions)],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = changes.iter().map(|(id, _)| id.as_uuid()).collect();
    let bits: Vec<i16> = changes.iter().map(|(_, own)| own.bits()).collect();
    let statuses: Vec<String> = changes
        .iter()
        .map(|(_, own)| own.status().to_owned())
        .collect();
    sqlx::query!(
        "UPDATE ledger.wallets w SET restrictions = new.restrictions, status = new.status
         FROM unnest($1::uuid[], $2::smallint[], $3::text[]) AS new(id, restrictions, status)
         WHERE w.id = new.id",
        &ids,
        &bits,
        &statuses,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// One wallet, without its balances.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, id: WalletId) -> Result<Option<WalletRow>, StoreError> {
    Ok(find_with_balances(pool, id)
        .await?
        .map(|(wallet, _)| wallet))
}

/// One wallet and its balances, as of one moment.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find_with_balances(
    pool: &PgPool,
    id: WalletId,
) -> Result<Option<(WalletRow, Vec<BalanceRow>)>, StoreError> {
    let rows = sqlx::query_as!(
        JoinedRow,
        r#"SELECT w.id, w.owner, w.kind, w.restrictions, w.reference, w.category, w.metadata,
                  w.created_at,
                  b.currency AS "currency?", b.posted AS "posted?", b.held AS "held?",
                  b.credit_limit AS "credit_limit?", b.version AS "version?",
                  b.restrictions AS "balance_restrictions?"
           FROM ledger.wallets w
           LEFT JOIN ledger.balances b ON b.wallet_id = w.id AND b.account = 'main'
           WHERE w.id = $1 AND w.kind <> 'system'
           ORDER BY b.currency"#,
        id.as_uuid(),
    )
    .fetch_all(pool)
    .await?;
    Ok(group(rows)?.pop())
}

/// Wallets in order of their ids, which is that of their opening, after `after`; with
/// `newest_first` in the opposite order.
///
/// # Errors
/// When the server cannot be asked.
pub async fn list(
    pool: &PgPool,
    owner: Option<&str>,
    reference: Option<&str>,
    after: Option<WalletId>,
    newest_first: bool,
    limit: u16,
) -> Result<Vec<(WalletRow, Vec<BalanceRow>)>, StoreError> {
    if newest_first {
        return newest_first::list(pool, owner, reference, after, limit).await;
    }
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
                   AND ($3::uuid IS NULL OR id > $3)
                 ORDER BY id LIMIT $4) w
           LEFT JOIN ledger.balances b ON b.wallet_id = w.id AND b.account = 'main'
           ORDER BY w.id, b.currency"#,
        owner,
        reference,
        after.map(WalletId::as_uuid),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    group(rows)
}

pub(super) struct JoinedRow {
    pub(super) id: Uuid,
    pub(super) owner: String,
    pub(super) kind: String,
    pub(super) restrictions: i16,
    pub(super) reference: Option<String>,
    pub(super) category: Option<String>,
    pub(super) metadata: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) currency: Option<String>,
    pub(super) posted: Option<Decimal>,
    pub(super) held: Option<Decimal>,
    pub(super) credit_limit: Option<Decimal>,
    pub(super) version: Option<i64>,
    pub(super) balance_restrictions: Option<i16>,
}

/// One wallet per id, from rows that are sorted by it.
pub(super) fn group(rows: Vec<JoinedRow>) -> Result<Vec<(WalletRow, Vec<BalanceRow>)>, StoreError> {
    let mut grouped: Vec<(WalletRow, Vec<BalanceRow>)> = Vec::new();
    for row in rows {
        let balance = balance(&row)?;
        if grouped
            .last()
            .is_none_or(|(wallet, _)| wallet.id.as_uuid() != row.id)
        {
            let metadata = serde_json::from_str(&row.metadata)
                .map_err(|_| StoreError::inconsistent("wallets", "metadata", row.id))?;
            let wallet = WalletRow {
                id: WalletId::from_uuid(row.id),
                kind: kind(row.id, &row.kind)?,
                restrictions: Restrictions::from_bits(row.restrictions),
                owner: row.owner,
                reference: row.reference,
                category: row.category,
                metadata,
                created_at: row.created_at,
            };
            grouped.push((wallet, Vec::new()));
        }
        if let (Some((_, balances)), Some(balance)) = (grouped.last_mut(), balance) {
            balances.push(balance);
        }
    }
    Ok(grouped)
}

fn balance(row: &JoinedRow) -> Result<Option<BalanceRow>, StoreError> {
    let (Some(code), Some(posted), Some(held), Some(version), Some(restrictions)) = (
        &row.currency,
        row.posted,
        row.held,
        row.version,
        row.balance_restrictions,
    ) else {
        return Ok(None);
    };
    let bad = |column| StoreError::inconsistent("balances", column, row.id);
    let currency: Currency = code.parse().map_err(|_| bad("currency"))?;
    let balance = BalanceRow {
        currency,
        posted: money(posted, currency, "posted", row.id)?,
        held: money(held, currency, "held", row.id)?,
        credit_limit: money(
            row.credit_limit.unwrap_or_default(),
            currency,
            "credit_limit",
            row.id,
        )?,
        version: u64::try_from(version).map_err(|_| bad("version"))?,
        restrictions: Restrictions::from_bits(restrictions),
    };
    // A row that was made for a command which was then decided against tells nothing.
    let untouched = balance.version == 0
        && balance.credit_limit.is_zero()
        && !balance.restrictions.has(Restrictions::CURRENCY_FROZEN);
    Ok((!untouched).then_some(balance))
}

fn kind(id: Uuid, text: &str) -> Result<WalletKind, StoreError> {
    match text {
        "customer" => Ok(WalletKind::Customer),
        "merchant" => Ok(WalletKind::Merchant),
        _ => Err(StoreError::inconsistent("wallets", "kind", id)),
    }
}
