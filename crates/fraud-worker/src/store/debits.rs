//! Debits: written once, and read by windows.

use chrono::{DateTime, Utc};
use contracts::{Currency, EventId, Money, TransactionId, WalletId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::foreign;
use crate::rules::{
    Flow, Movement,
    rapid_withdrawals::{NEIGHBOURS, Span},
};

/// Stores debits; those that are there stay as they are.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(tx: &mut PgConnection, debits: &[Movement]) -> Result<(), sqlx::Error> {
    if debits.is_empty() {
        return Ok(());
    }
    let ids = |id: fn(&Movement) -> Uuid| -> Vec<Uuid> { debits.iter().map(id).collect() };
    let times = |time: fn(&Movement) -> DateTime<Utc>| -> Vec<DateTime<Utc>> {
        debits.iter().map(time).collect()
    };
    let seqs: Vec<i64> = debits
        .iter()
        .map(|debit| i64::try_from(debit.seq).unwrap_or(i64::MAX))
        .collect();
    let codes: Vec<String> = debits
        .iter()
        .map(|debit| debit.money.currency().code().to_owned())
        .collect();
    let amounts: Vec<Decimal> = debits.iter().map(|debit| debit.money.amount()).collect();
    sqlx::query!(
        "INSERT INTO fraud.debits (wallet_id, effective_at, event_id, seq, transaction_id,
                                   currency, amount, posted_at)
         SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::bigint[], $5::uuid[],
                              $6::text[], $7::numeric[], $8::timestamptz[])
         ON CONFLICT DO NOTHING",
        &ids(|debit| debit.wallet.as_uuid()),
        &times(|debit| debit.effective_at),
        &ids(|debit| debit.event.as_uuid()),
        &seqs,
        &ids(|debit| debit.transaction.as_uuid()),
        &codes,
        &amounts,
        &times(|debit| debit.posted_at),
    )
    .execute(tx)
    .await?;
    Ok(())
}

struct Row {
    wallet_id: Uuid,
    effective_at: DateTime<Utc>,
    event_id: Uuid,
    seq: i64,
    transaction_id: Uuid,
    currency: String,
    amount: Decimal,
    posted_at: DateTime<Utc>,
}

/// The debits of the spans and their nearest neighbours on each side, which is all that can
/// matter: a wallet in a hurry costs no more than a quiet one.
///
/// # Errors
/// When the server cannot be asked, or has what nobody wrote.
pub async fn list_in_tx(
    tx: &mut PgConnection,
    spans: &[Span],
) -> Result<Vec<Movement>, sqlx::Error> {
    if spans.is_empty() {
        return Ok(Vec::new());
    }
    let times = |time: fn(&Span) -> DateTime<Utc>| -> Vec<DateTime<Utc>> {
        spans.iter().map(time).collect()
    };
    let wallets: Vec<Uuid> = spans.iter().map(|span| span.wallet.as_uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT d.wallet_id AS "wallet_id!", d.effective_at AS "effective_at!",
                  d.event_id AS "event_id!", d.seq AS "seq!",
                  d.transaction_id AS "transaction_id!", d.currency AS "currency!",
                  d.amount AS "amount!", d.posted_at AS "posted_at!"
           FROM unnest($1::uuid[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[],
                       $5::timestamptz[])
                AS span (wallet_id, after, first_at, last_at, before)
           CROSS JOIN LATERAL (
               (SELECT * FROM fraud.debits own WHERE own.wallet_id = span.wallet_id
                   AND own.effective_at > span.after AND own.effective_at < span.first_at
                ORDER BY own.effective_at DESC, own.event_id DESC LIMIT $6)
               UNION ALL
               (SELECT * FROM fraud.debits own WHERE own.wallet_id = span.wallet_id
                   AND own.effective_at BETWEEN span.first_at AND span.last_at)
               UNION ALL
               (SELECT * FROM fraud.debits own WHERE own.wallet_id = span.wallet_id
                   AND own.effective_at > span.last_at AND own.effective_at < span.before
                ORDER BY own.effective_at, own.event_id LIMIT $6)) d"#,
        &wallets,
        &times(Span::after),
        &times(|span| span.first),
        &times(|span| span.last),
        &times(Span::before),
        i64::try_from(NEIGHBOURS).unwrap_or(i64::MAX),
    )
    .fetch_all(tx)
    .await?;
    rows.iter().map(movement).collect()
}

fn movement(row: &Row) -> Result<Movement, sqlx::Error> {
    let currency: Currency = row.currency.parse().map_err(foreign)?;
    Ok(Movement {
        flow: Flow::Debit,
        wallet: WalletId::from_uuid(row.wallet_id),
        money: Money::exact(row.amount, currency).map_err(foreign)?,
        effective_at: row.effective_at,
        event: EventId::from_uuid(row.event_id),
        seq: u64::try_from(row.seq).map_err(foreign)?,
        transaction: TransactionId::from_uuid(row.transaction_id),
        posted_at: row.posted_at,
    })
}
