//! Holds: the one door to their locks, what is written of them, and reads.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use contracts::{Currency, HoldId, Kind, Money, WalletId, event::HoldState};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::StoreError;
use crate::domain::{Hold, HoldTerms};

/// A hold as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldRow {
    /// What was said when it was placed.
    pub terms: HoldTerms,
    /// What it is at.
    pub hold: Hold,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
}

/// Inserts new holds.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(tx: &mut PgConnection, holds: &[HoldRow]) -> Result<(), StoreError> {
    let terms = || holds.iter().map(|row| &row.terms);
    let text = |of: fn(&HoldTerms) -> &Option<String>| -> Vec<Option<String>> {
        terms().map(|terms| of(terms).clone()).collect()
    };
    let counterparties: Vec<Option<Uuid>> = terms()
        .map(|terms| terms.counterparty.map(WalletId::as_uuid))
        .collect();
    let metadata: Vec<String> = terms()
        .map(|terms| serde_json::to_string(&terms.metadata).expect("a map of texts is JSON"))
        .collect();
    sqlx::query!(
        "INSERT INTO ledger.holds
                (id, wallet_id, kind, counterparty_id, currency, amount, expires_at, placed_at,
                 reference, order_reference, description, metadata)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[],
                              $6::numeric[], $7::timestamptz[], $8::timestamptz[], $9::text[],
                              $10::text[], $11::text[], $12::text[])",
        &terms().map(|terms| terms.id.as_uuid()).collect::<Vec<_>>(),
        &terms()
            .map(|terms| terms.wallet.as_uuid())
            .collect::<Vec<_>>(),
        &terms()
            .map(|terms| terms.kind.as_str().to_owned())
            .collect::<Vec<_>>(),
        &counterparties as &[Option<Uuid>],
        &terms()
            .map(|terms| terms.amount.currency().code().to_owned())
            .collect::<Vec<_>>(),
        &terms()
            .map(|terms| terms.amount.amount())
            .collect::<Vec<_>>(),
        &holds
            .iter()
            .map(|row| row.hold.expires_at)
            .collect::<Vec<_>>(),
        &holds.iter().map(|row| row.placed_at).collect::<Vec<_>>(),
        &text(|terms| &terms.reference) as &[Option<String>],
        &text(|terms| &terms.order_reference) as &[Option<String>],
        &text(|terms| &terms.description) as &[Option<String>],
        &metadata,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks holds for the rest of the transaction, in the order of their ids, and reads them. The
/// only way to lock a hold. Unknown ids are missing from the result.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    ids: &[HoldId],
) -> Result<HashMap<HoldId, Hold>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT h.id, h.currency, h.amount, h.captured, h.state, h.expires_at
         FROM unnest($1::uuid[]) AS wanted(id)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.holds own WHERE own.id = wanted.id LIMIT 1 FOR UPDATE) h",
        &ids,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(row.id, &row.currency)?;
            let hold = Hold {
                state: state(row.id, &row.state)?,
                amount: money(row.id, row.amount, currency, "amount")?,
                captured: money(row.id, row.captured, currency, "captured")?,
                expires_at: row.expires_at,
            };
            Ok((HoldId::from_uuid(row.id), hold))
        })
        .collect()
}

/// Writes what was decided about locked holds.
///
/// # Errors
/// When the server refuses: then a rule of `decide` and a trigger disagree.
pub async fn write_in_tx(
    tx: &mut PgConnection,
    changes: &[(HoldId, Hold)],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = changes.iter().map(|(id, _)| id.as_uuid()).collect();
    let captured: Vec<Decimal> = changes.iter().map(|(_, h)| h.captured.amount()).collect();
    let states: Vec<String> = changes
        .iter()
        .map(|(_, hold)| hold.state.as_str().to_owned())
        .collect();
    sqlx::query!(
        "UPDATE ledger.holds h SET captured = new.captured, state = new.state
         FROM unnest($1::uuid[], $2::numeric[], $3::text[]) AS new(id, captured, state)
         WHERE h.id = new.id",
        &ids,
        &captured,
        &states,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// One hold.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, id: HoldId) -> Result<Option<HoldRow>, StoreError> {
    sqlx::query_as!(
        Row,
        "SELECT id, wallet_id, kind, counterparty_id, currency, amount, captured, state, expires_at,
                placed_at, reference, order_reference, description, metadata
         FROM ledger.holds WHERE id = $1",
        id.as_uuid(),
    )
    .fetch_optional(pool)
    .await?
    .map(Row::parse)
    .transpose()
}

/// Holds of money of `wallet`, and those in its favour, newest first, before `before`.
///
/// # Errors
/// When the server cannot be asked.
pub async fn of_wallet(
    pool: &PgPool,
    wallet: WalletId,
    state: Option<HoldState>,
    before: Option<HoldId>,
    limit: u16,
) -> Result<Vec<HoldRow>, StoreError> {
    // Each side by its own index; no hold is on both, because nobody pays himself.
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id AS "id!", wallet_id AS "wallet_id!", kind AS "kind!", counterparty_id,
                  currency AS "currency!", amount AS "amount!", captured AS "captured!",
                  state AS "state!", expires_at AS "expires_at!", placed_at AS "placed_at!",
                  reference, order_reference, description, metadata AS "metadata!"
           FROM ((SELECT * FROM ledger.holds
                  WHERE wallet_id = $1 AND ($2::text IS NULL OR state = $2)
                    AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4)
                 UNION ALL
                 (SELECT * FROM ledger.holds
                  WHERE counterparty_id = $1 AND ($2::text IS NULL OR state = $2)
                    AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4)) own
           ORDER BY id DESC LIMIT $4"#,
        wallet.as_uuid(),
        state.map(HoldState::as_str),
        before.map(HoldId::as_uuid),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::parse).collect()
}

/// Holds of every wallet, newest first, before `before`.
///
/// # Errors
/// When the server cannot be asked.
pub async fn list(
    pool: &PgPool,
    state: Option<HoldState>,
    before: Option<HoldId>,
    limit: u16,
) -> Result<Vec<HoldRow>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, wallet_id, kind, counterparty_id, currency, amount, captured, state, expires_at,
                placed_at, reference, order_reference, description, metadata
         FROM ledger.holds
         WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR id < $2)
         ORDER BY id DESC LIMIT $3",
        state.map(HoldState::as_str),
        before.map(HoldId::as_uuid),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::parse).collect()
}

/// Open holds that have run out at `now`, the longest overdue first.
///
/// # Errors
/// When the server cannot be asked.
pub async fn due(
    pool: &PgPool,
    now: DateTime<Utc>,
    limit: u16,
) -> Result<Vec<HoldRow>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT id, wallet_id, kind, counterparty_id, currency, amount, captured, state, expires_at,
                placed_at, reference, order_reference, description, metadata
         FROM ledger.holds WHERE state = 'open' AND expires_at <= $1
         ORDER BY expires_at, id LIMIT $2",
        now,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(Row::parse).collect()
}

struct Row {
    id: Uuid,
    wallet_id: Uuid,
    kind: String,
    counterparty_id: Option<Uuid>,
    currency: String,
    amount: Decimal,
    captured: Decimal,
    state: String,
    expires_at: DateTime<Utc>,
    placed_at: DateTime<Utc>,
    reference: Option<String>,
    order_reference: Option<String>,
    description: Option<String>,
    metadata: String,
}

impl Row {
    fn parse(self) -> Result<HoldRow, StoreError> {
        let bad = |column| StoreError::inconsistent("holds", column, self.id);
        let currency = currency(self.id, &self.currency)?;
        let amount = money(self.id, self.amount, currency, "amount")?;
        let kind = Kind::ALL.iter().find(|kind| kind.as_str() == self.kind);
        Ok(HoldRow {
            hold: Hold {
                state: state(self.id, &self.state)?,
                amount,
                captured: money(self.id, self.captured, currency, "captured")?,
                expires_at: self.expires_at,
            },
            terms: HoldTerms {
                id: HoldId::from_uuid(self.id),
                wallet: WalletId::from_uuid(self.wallet_id),
                kind: *kind.ok_or_else(|| bad("kind"))?,
                counterparty: self.counterparty_id.map(WalletId::from_uuid),
                amount,
                metadata: serde_json::from_str(&self.metadata).map_err(|_| bad("metadata"))?,
                reference: self.reference,
                order_reference: self.order_reference,
                description: self.description,
            },
            placed_at: self.placed_at,
        })
    }
}

fn state(id: Uuid, text: &str) -> Result<HoldState, StoreError> {
    let known = HoldState::ALL.iter().find(|state| state.as_str() == text);
    known
        .copied()
        .ok_or_else(|| StoreError::inconsistent("holds", "state", id))
}

fn currency(id: Uuid, code: &str) -> Result<Currency, StoreError> {
    let known = code.parse();
    known.map_err(|_| StoreError::inconsistent("holds", "currency", id))
}

fn money(
    id: Uuid,
    amount: Decimal,
    currency: Currency,
    column: &'static str,
) -> Result<Money, StoreError> {
    let exact = Money::exact(amount, currency);
    exact.map_err(|_| StoreError::inconsistent("holds", column, id))
}
