//! What a wallet held at a moment. A balance at a moment is that after its last posting by then,
//! found by halving (`ledger.seq_before`, `ledger.version_at`), and, by the time when movements
//! count, what was backdated to before the moment and written after it.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Currency, WalletId, total_at_scale};
use sqlx::PgPool;

use super::StoreError;

/// What a wallet held of one currency. Amounts are texts at the currency's scale: in the order
/// in which movements count, a sum may exceed what a balance can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The currency.
    pub currency: Currency,
    /// The sum of what was posted.
    pub posted: String,
    /// What else only the ledger's own time tells: absent by the time when movements count.
    pub written: Option<Written>,
}

/// What the ledger had written about a balance by a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The part that was reserved.
    pub held: String,
    /// What could be spent: what was posted less what was reserved.
    pub available: String,
    /// Counts the changes up to the moment.
    pub version: u64,
}

/// What `wallet` held at `at`, with everything that the ledger had written by then. Currencies
/// that had not moved yet are missing.
///
/// # Errors
/// When the server cannot be asked.
pub async fn posted(
    pool: &PgPool,
    wallet: WalletId,
    at: DateTime<Utc>,
) -> Result<Vec<Held>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH cut AS MATERIALIZED (SELECT ledger.seq_before($2) AS seq)
           SELECT b.currency, p.balance_after::text AS "posted!", p.held_after::text AS "held!",
                  (p.balance_after - p.held_after)::text AS "available!", p.version
           FROM cut CROSS JOIN ledger.balances b CROSS JOIN LATERAL (
               SELECT balance_after, held_after, version FROM ledger.postings own
               WHERE own.wallet_id = b.wallet_id AND own.account = b.account
                 AND own.currency = b.currency
                 AND own.version = ledger.version_at(b.wallet_id, b.account, b.currency, cut.seq)
               LIMIT 1) p
           WHERE b.wallet_id = $1 AND b.account = 'main'
           ORDER BY b.currency"#,
        wallet.as_uuid(),
        just_after(at),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(&row.currency, wallet)?;
            let bad = |_| StoreError::inconsistent("postings", "version", wallet);
            Ok(Held {
                currency,
                posted: total(&row.posted, currency, wallet)?,
                written: Some(Written {
                    held: total(&row.held, currency, wallet)?,
                    available: total(&row.available, currency, wallet)?,
                    version: u64::try_from(row.version).map_err(bad)?,
                }),
            })
        })
        .collect()
}

/// What `wallet` held at `at`, with every movement that counts from then or before, whenever
/// the ledger wrote it. Currencies of which nothing counted yet are missing.
///
/// # Errors
/// When the server cannot be asked.
pub async fn effective(
    pool: &PgPool,
    wallet: WalletId,
    at: DateTime<Utc>,
) -> Result<Vec<Held>, StoreError> {
    // Whatever was written by then counts by then. Of what was written later, only what is
    // backdated can.
    let rows = sqlx::query!(
        r#"WITH cut AS MATERIALIZED (SELECT ledger.seq_before($2) AS seq)
           SELECT b.currency,
                  (coalesce(written.balance_after, 0) + coalesce(late.amount, 0))::text AS "posted!"
           FROM cut CROSS JOIN ledger.balances b
           CROSS JOIN LATERAL (
               SELECT ledger.version_at(b.wallet_id, b.account, b.currency, cut.seq) AS version
               OFFSET 0) upto
           LEFT JOIN LATERAL (
               SELECT balance_after FROM ledger.postings own
               WHERE own.wallet_id = b.wallet_id AND own.account = b.account
                 AND own.currency = b.currency AND own.version = upto.version
               LIMIT 1) written ON true
           CROSS JOIN LATERAL (
               SELECT sum(amount) AS amount, count(*) AS number FROM ledger.postings own
               WHERE own.wallet_id = b.wallet_id AND own.account = 'main' AND own.backdated
                 AND own.currency = b.currency AND own.effective_at < $2
                 AND own.version > upto.version) late
           WHERE b.wallet_id = $1 AND b.account = 'main' AND (upto.version > 0 OR late.number > 0)
           ORDER BY b.currency"#,
        wallet.as_uuid(),
        just_after(at),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(&row.currency, wallet)?;
            Ok(Held {
                currency,
                posted: total(&row.posted, currency, wallet)?,
                written: None,
            })
        })
        .collect()
}

/// The first moment after `at` that Postgres can tell from it.
fn just_after(at: DateTime<Utc>) -> DateTime<Utc> {
    at.checked_add_signed(TimeDelta::microseconds(1))
        .unwrap_or(at)
}

pub(super) fn currency(code: &str, id: impl std::fmt::Display) -> Result<Currency, StoreError> {
    let known = code.parse();
    known.map_err(|_| StoreError::inconsistent("balances", "currency", id))
}

/// A sum at its currency's scale.
pub(super) fn total(
    text: &str,
    currency: Currency,
    id: impl std::fmt::Display,
) -> Result<String, StoreError> {
    total_at_scale(text, currency).map_err(|_| StoreError::inconsistent("postings", "amount", id))
}
