//! Tallies: added to, never set.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::projections::Changes;

/// Adds a batch's changes in one statement, in order of the key, so that two consumers that
/// ever shared this table would wait for each other in one order.
///
/// # Errors
/// When the server refuses.
pub async fn add_in_tx(tx: &mut PgConnection, changes: &Changes) -> Result<(), sqlx::Error> {
    if changes.tallies.is_empty() {
        return Ok(());
    }
    let size = changes.tallies.len();
    let mut wallets: Vec<Uuid> = Vec::with_capacity(size);
    let mut currencies: Vec<String> = Vec::with_capacity(size);
    let mut categories: Vec<String> = Vec::with_capacity(size);
    let mut counts: Vec<i64> = Vec::with_capacity(size);
    let mut amounts: Vec<Decimal> = Vec::with_capacity(size);
    for ((wallet, currency, category), (count, amount)) in &changes.tallies {
        wallets.push(wallet.as_uuid());
        currencies.push(currency.code().to_owned());
        categories.push(category.as_str().to_owned());
        counts.push(i64::try_from(*count).unwrap_or(i64::MAX));
        amounts.push(*amount);
    }
    sqlx::query!(
        "INSERT INTO analytics.tallies AS t (wallet_id, currency, category, count, amount)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::numeric[])
         ON CONFLICT (wallet_id, currency, category) DO UPDATE
         SET count = t.count + excluded.count, amount = t.amount + excluded.amount",
        &wallets,
        &currencies,
        &categories,
        &counts,
        &amounts,
    )
    .execute(tx)
    .await?;
    Ok(())
}
