//! Quotes: prices that were given, and whether they were executed.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contracts::{Currency, Money, QuoteId, TransactionId, WalletId};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::{StoreError, error::money};
use crate::domain::exchange::{Conversion, Price, Quote};

/// A quote to insert.
#[derive(Debug, Clone)]
pub struct NewQuote {
    /// The quote.
    pub quote: Quote,
    /// The event that gives it.
    pub seq: u64,
}

/// Inserts quotes.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(tx: &mut PgConnection, quotes: &[NewQuote]) -> Result<(), StoreError> {
    for NewQuote { quote, seq } in quotes {
        let (from, to) = (quote.from.currency(), quote.to.amount.currency());
        // One by one: a batch with several quotes is rare, and twelve arrays read worse.
        sqlx::query!(
            "INSERT INTO ledger.quotes
                    (id, wallet_id, from_currency, from_amount, to_currency, to_value, to_amount,
                     mid_rate, rate, spread, rate_as_of, created_at, expires_at, seq)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            quote.id.as_uuid(),
            quote.wallet.as_uuid(),
            from.code(),
            quote.from.amount(),
            to.code(),
            quote.to.value.amount(),
            quote.to.amount.amount(),
            quote.price.mid_rate,
            quote.price.rate,
            quote.price.spread,
            quote.price.as_of,
            quote.created_at,
            quote.expires_at,
            i64::try_from(*seq).unwrap_or(i64::MAX),
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Locks quotes for the rest of the transaction, in the order of their ids, and says of each
/// whether it was executed. Unknown ids are missing from the result.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    ids: &[QuoteId],
) -> Result<HashMap<QuoteId, bool>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT q.id, q.transaction_id IS NOT NULL AS "is_used!"
           FROM unnest($1::uuid[]) AS wanted(id)
           CROSS JOIN LATERAL (
               SELECT * FROM ledger.quotes own WHERE own.id = wanted.id LIMIT 1 FOR UPDATE) q"#,
        &ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (QuoteId::from_uuid(row.id), row.is_used))
        .collect())
}

/// Marks locked quotes as executed, each by its transaction.
///
/// # Errors
/// When the server refuses: then one of them was executed before.
pub async fn mark_executed_in_tx(
    tx: &mut PgConnection,
    executed: &[(QuoteId, TransactionId)],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = executed.iter().map(|(id, _)| id.as_uuid()).collect();
    let transactions: Vec<Uuid> = executed.iter().map(|(_, by)| by.as_uuid()).collect();
    sqlx::query!(
        "UPDATE ledger.quotes q SET transaction_id = new.transaction_id
         FROM unnest($1::uuid[], $2::uuid[]) AS new(id, transaction_id)
         WHERE q.id = new.id",
        &ids,
        &transactions,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A quote, and the transaction that executed it.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(
    pool: &PgPool,
    id: QuoteId,
) -> Result<Option<(Quote, Option<TransactionId>)>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        "SELECT wallet_id, from_currency, from_amount, to_currency, to_value, to_amount, mid_rate,
                rate, spread, rate_as_of, created_at, expires_at, transaction_id
         FROM ledger.quotes WHERE id = $1",
        id.as_uuid(),
    )
    .fetch_optional(pool)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let transaction = row.transaction_id.map(TransactionId::from_uuid);
    Ok(Some((row.quote(id)?, transaction)))
}

struct Row {
    wallet_id: Uuid,
    from_currency: String,
    from_amount: Decimal,
    to_currency: String,
    to_value: Decimal,
    to_amount: Decimal,
    mid_rate: Decimal,
    rate: Decimal,
    spread: Decimal,
    rate_as_of: DateTime<Utc>,
    created_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    transaction_id: Option<Uuid>,
}

impl Row {
    fn quote(self, id: QuoteId) -> Result<Quote, StoreError> {
        let currency = |code: &str, column| -> Result<Currency, StoreError> {
            let known = code.parse();
            known.map_err(|_| StoreError::inconsistent("quotes", column, id))
        };
        let from = currency(&self.from_currency, "from_currency")?;
        let to = currency(&self.to_currency, "to_currency")?;
        let exact = |amount, currency, column| -> Result<Money, StoreError> {
            money(amount, currency, column, id)
        };
        Ok(Quote {
            id,
            wallet: WalletId::from_uuid(self.wallet_id),
            from: exact(self.from_amount, from, "from_amount")?,
            to: Conversion {
                value: exact(self.to_value, to, "to_value")?,
                amount: exact(self.to_amount, to, "to_amount")?,
            },
            price: Price {
                mid_rate: self.mid_rate.normalize(),
                rate: self.rate.normalize(),
                spread: self.spread.normalize(),
                as_of: self.rate_as_of,
            },
            created_at: self.created_at,
            expires_at: self.expires_at,
        })
    }
}
