//! Payments: inserted once, never changed.

use chrono::{DateTime, Utc};
use contracts::{EventId, Money, TransactionId, WalletId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::bigint;

/// A payment to settle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its transaction.
    pub transaction: TransactionId,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// Its event.
    pub event: EventId,
    /// Who was paid.
    pub merchant: WalletId,
    /// Who paid.
    pub customer: WalletId,
    /// How much.
    pub amount: Money,
    /// The merchant's order.
    pub order_reference: Option<String>,
    /// When it counts.
    pub effective_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

/// Stores payments. One that is there already is refused: the inbox lets none through twice.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(tx: &mut PgConnection, items: &[Item]) -> Result<(), sqlx::Error> {
    if items.is_empty() {
        return Ok(());
    }
    let ids = |id: fn(&Item) -> Uuid| -> Vec<Uuid> { items.iter().map(id).collect() };
    let times = |time: fn(&Item) -> DateTime<Utc>| -> Vec<DateTime<Utc>> {
        items.iter().map(time).collect()
    };
    let seqs: Vec<i64> = items.iter().map(|item| bigint(item.seq)).collect();
    let currencies: Vec<String> = items
        .iter()
        .map(|item| item.amount.currency().code().to_owned())
        .collect();
    let amounts: Vec<Decimal> = items.iter().map(|item| item.amount.amount()).collect();
    let orders: Vec<Option<String>> = items
        .iter()
        .map(|item| item.order_reference.clone())
        .collect();
    sqlx::query!(
        "INSERT INTO settlement.items (transaction_id, seq, event_id, merchant_id, customer_id,
                                       currency, amount, order_reference, effective_at, posted_at)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::uuid[], $5::uuid[],
                              $6::text[], $7::numeric[], $8::text[], $9::timestamptz[],
                              $10::timestamptz[])",
        &ids(|item| item.transaction.as_uuid()),
        &seqs,
        &ids(|item| item.event.as_uuid()),
        &ids(|item| item.merchant.as_uuid()),
        &ids(|item| item.customer.as_uuid()),
        &currencies,
        &amounts,
        &orders as &[Option<String>],
        &times(|item| item.effective_at),
        &times(|item| item.posted_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}
