//! Batches and what is in them: inserted once, never changed.

use chrono::{DateTime, Utc};
use contracts::{
    CutId, SettlementId, TransactionId, WalletId,
    rpc::{Batch, BatchItem, BatchesRequest, Cut},
};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{bigint, currency, exact, position, total};
use crate::batch::{Due, batch_id};

/// What a cut settles: the items up to its position that no batch has, by merchant and
/// currency.
///
/// # Errors
/// When the server cannot be asked.
pub async fn due_in_tx(tx: &mut PgConnection, cut: &Cut) -> Result<Vec<Due>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT i.merchant_id, i.currency, sum(i.amount)::text AS "gross!",
                  count(*) AS "count!"
           FROM settlement.items i
           WHERE i.arrival >= (SELECT arrival FROM settlement.item_floor)
             AND i.seq <= $1 AND ($2::uuid IS NULL OR i.merchant_id = $2)
             AND ($3::text IS NULL OR i.currency = $3)
             AND NOT EXISTS (SELECT FROM settlement.batch_items b
                             WHERE b.transaction_id = i.transaction_id)
           GROUP BY i.merchant_id, i.currency ORDER BY i.merchant_id, i.currency"#,
        bigint(cut.seq),
        cut.merchant.map(WalletId::as_uuid),
        cut.currency.as_ref().map(contracts::Currency::code),
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(&row.currency)?;
            Ok(Due {
                merchant: WalletId::from_uuid(row.merchant_id),
                currency,
                gross: total(row.gross, currency),
                count: row.count,
            })
        })
        .collect()
}

/// Makes the batches of a cut and puts the same items in; says how many.
///
/// # Errors
/// When the server refuses: an item that is in a batch is in it for ever.
pub async fn insert_in_tx(
    tx: &mut PgConnection,
    cut: &Cut,
    due: &[Due],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let ids: Vec<Uuid> = due
        .iter()
        .map(|due| batch_id(cut.id, cut.cut_off, due.merchant, due.currency).as_uuid())
        .collect();
    let merchants: Vec<Uuid> = due.iter().map(|due| due.merchant.as_uuid()).collect();
    let currencies: Vec<String> = due
        .iter()
        .map(|due| due.currency.code().to_owned())
        .collect();
    let gross: Vec<String> = due.iter().map(|due| due.gross.clone()).collect();
    let counts: Vec<i64> = due.iter().map(|due| due.count).collect();
    sqlx::query!(
        "INSERT INTO settlement.batches (id, cut_id, merchant_id, currency, gross, count, closed_at)
         SELECT id, $6, merchant_id, currency, gross::numeric, count, $7
         FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bigint[])
              AS new (id, merchant_id, currency, gross, count)",
        &ids,
        &merchants,
        &currencies,
        &gross,
        &counts,
        cut.id.as_uuid(),
        now,
    )
    .execute(&mut *tx)
    .await?;
    let done = sqlx::query!(
        "INSERT INTO settlement.batch_items (transaction_id, batch_id, seq)
         SELECT i.transaction_id, new.id, i.seq
         FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS new (id, merchant_id, currency)
         JOIN settlement.items i USING (merchant_id, currency)
         WHERE i.arrival >= (SELECT arrival FROM settlement.item_floor) AND i.seq <= $4
           AND NOT EXISTS (SELECT FROM settlement.batch_items b
                           WHERE b.transaction_id = i.transaction_id)
         ORDER BY i.seq",
        &ids,
        &merchants,
        &currencies,
        bigint(cut.seq),
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

/// Moves the floor up to the first item without a batch, or past all that are there.
///
/// # Errors
/// When the server refuses.
pub async fn raise_floor_in_tx(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    // One snapshot: an item that arrives meanwhile has a higher arrival than all that it sees.
    sqlx::query!(
        "UPDATE settlement.item_floor f SET arrival = coalesce(
             (SELECT i.arrival FROM settlement.items i
              WHERE i.arrival >= f.arrival
                AND NOT EXISTS (SELECT FROM settlement.batch_items b
                                WHERE b.transaction_id = i.transaction_id)
              ORDER BY i.arrival LIMIT 1),
             (SELECT i.arrival + 1 FROM settlement.items i ORDER BY i.arrival DESC LIMIT 1),
             f.arrival)"
    )
    .execute(tx)
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    merchant_id: Uuid,
    currency: String,
    gross: String,
    count: i64,
    cut_id: Uuid,
    cut_seq: i64,
    cut_off: DateTime<Utc>,
    closed_at: DateTime<Utc>,
}

fn read(row: Row) -> Result<Batch, sqlx::Error> {
    let currency = currency(&row.currency)?;
    Ok(Batch {
        id: SettlementId::from_uuid(row.id),
        merchant: WalletId::from_uuid(row.merchant_id),
        currency,
        gross: total(row.gross, currency),
        count: position(row.count)?,
        cut: CutId::from_uuid(row.cut_id),
        cut_seq: position(row.cut_seq)?,
        cut_off: row.cut_off,
        closed_at: row.closed_at,
    })
}

/// Batches, newest first.
///
/// # Errors
/// When the server cannot be asked.
pub async fn list(
    executor: impl PgExecutor<'_>,
    wanted: &BatchesRequest,
) -> Result<Vec<Batch>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT b.id, b.merchant_id, b.currency, b.gross::text AS "gross!", b.count, b.cut_id,
                  c.seq AS cut_seq, c.cut_off, b.closed_at
           FROM settlement.batches b JOIN settlement.cuts c ON c.id = b.cut_id
           WHERE ($1::uuid IS NULL OR b.merchant_id = $1)
             AND ($2::text IS NULL OR b.currency = $2)
             AND ($3::uuid IS NULL OR b.cut_id = $3) AND ($4::uuid IS NULL OR b.id < $4)
           ORDER BY b.id DESC LIMIT $5"#,
        wanted.merchant.map(WalletId::as_uuid),
        wanted.currency.as_ref().map(contracts::Currency::code),
        wanted.cut.map(CutId::as_uuid),
        wanted.after.map(SettlementId::as_uuid),
        i64::from(wanted.limit),
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(read).collect()
}

/// A batch.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(
    executor: impl PgExecutor<'_>,
    id: SettlementId,
) -> Result<Option<Batch>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT b.id, b.merchant_id, b.currency, b.gross::text AS "gross!", b.count, b.cut_id,
                  c.seq AS cut_seq, c.cut_off, b.closed_at
           FROM settlement.batches b JOIN settlement.cuts c ON c.id = b.cut_id
           WHERE b.id = $1"#,
        id.as_uuid()
    )
    .fetch_optional(executor)
    .await?;
    row.map(read).transpose()
}

struct ItemRow {
    transaction_id: Uuid,
    seq: i64,
    currency: String,
    amount: Decimal,
    order_reference: Option<String>,
    customer_id: Uuid,
    posted_at: DateTime<Utc>,
}

/// Items of a batch in order of their positions, after `after`.
///
/// # Errors
/// When the server cannot be asked.
pub async fn items(
    executor: impl PgExecutor<'_>,
    batch: SettlementId,
    after: Option<u64>,
    limit: u16,
) -> Result<Vec<BatchItem>, sqlx::Error> {
    let rows = sqlx::query_as!(
        ItemRow,
        "SELECT i.transaction_id, i.seq, i.currency, i.amount, i.order_reference, i.customer_id,
                i.posted_at
         FROM (SELECT transaction_id, seq FROM settlement.batch_items
               WHERE batch_id = $1 AND seq > $2 ORDER BY seq LIMIT $3) own
         JOIN settlement.items i USING (transaction_id)
         ORDER BY i.seq",
        batch.as_uuid(),
        bigint(after.unwrap_or_default()),
        i64::from(limit),
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(BatchItem {
                transaction: TransactionId::from_uuid(row.transaction_id),
                seq: position(row.seq)?,
                amount: exact(row.amount, currency(&row.currency)?)?,
                order_reference: row.order_reference,
                customer: WalletId::from_uuid(row.customer_id),
                posted_at: row.posted_at,
            })
        })
        .collect()
}
