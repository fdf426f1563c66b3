//! Merchants' orders that were paid: each once.

use std::collections::HashSet;

use contracts::WalletId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::StoreError;
use crate::domain::OrderKey;

/// The key that two payments of one order in two currencies meet at.
pub(super) const PAID_ONCE: &str = "an_order_is_paid_once";

/// Those of `orders` that are paid. What is read stays true for orders whose merchant's balance
/// is locked.
///
/// # Errors
/// When the server refuses.
pub async fn paid_in_tx(
    tx: &mut PgConnection,
    orders: &[OrderKey],
) -> Result<HashSet<OrderKey>, StoreError> {
    let (merchants, references) = columns(orders.iter());
    let rows = sqlx::query!(
        "SELECT o.merchant_id, o.order_reference
         FROM unnest($1::uuid[], $2::text[]) AS wanted(merchant_id, order_reference)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.orders own
             WHERE own.merchant_id = wanted.merchant_id
               AND own.order_reference = wanted.order_reference LIMIT 1) o",
        &merchants,
        &references,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| OrderKey {
            merchant: WalletId::from_uuid(row.merchant_id),
            reference: row.order_reference,
        })
        .collect())
}

/// Marks orders as paid by the payments of these answers. `orders` must be sorted: two lanes that
/// mark the same ones wait for each other in one order.
///
/// # Errors
/// When the server refuses. Another lane may have been faster, with another currency of the same
/// merchant: `fault` then says that the same again may work.
pub async fn pay_in_tx(
    tx: &mut PgConnection,
    orders: &[(OrderKey, Uuid)],
) -> Result<(), StoreError> {
    let (merchants, references) = columns(orders.iter().map(|(order, _)| order));
    let answers: Vec<Uuid> = orders.iter().map(|(_, answer)| *answer).collect();
    sqlx::query!(
        "INSERT INTO ledger.orders (merchant_id, order_reference, answer_id)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])",
        &merchants,
        &references,
        &answers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn columns<'a>(orders: impl Iterator<Item = &'a OrderKey>) -> (Vec<Uuid>, Vec<String>) {
    orders
        .map(|order| (order.merchant.as_uuid(), order.reference.clone()))
        .unzip()
}
