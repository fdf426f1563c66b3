//! A wallet's transactions: found among its postings, read from the log itself.

use chrono::{DateTime, Utc};
use contracts::{Currency, Kind, Money, Posted, WalletId};
use rust_decimal::Decimal;
use sqlx::PgPool;

use super::{
    StoreError,
    moments::{currency, total},
    period::{By, Period, Span},
    transactions::{json_text, posted, signed},
};

/// Which transactions of a wallet: those with a posting of its own that is all of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of this period.
    pub period: Period,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// In this currency.
    pub currency: Option<Currency>,
    /// Of at least so much, in or out.
    pub min: Option<Money>,
    /// Of at most so much, in or out.
    pub max: Option<Money>,
    /// With a posting of this other wallet.
    pub counterparty: Option<WalletId>,
    /// With this sender's reference.
    pub reference: Option<String>,
}

impl Filter {
    /// Does every transaction pass?
    pub fn is_open(&self) -> bool {
        let open = Self {
            period: Period::always(self.period.by),
            kind: None,
            currency: None,
            min: None,
            max: None,
            counterparty: None,
            reference: None,
        };
        *self == open
    }
}

/// Transactions that touched `wallet`, newest first, at the positions of `span`.
///
/// # Errors
/// When the server cannot be asked, or the log holds what is no event.
pub async fn page(
    pool: &PgPool,
    wallet: WalletId,
    span: Span,
    limit: u16,
) -> Result<Vec<Posted>, StoreError> {
    // Several legs of a transaction may be the wallet's own: one item still.
    let rows = sqlx::query!(
        "SELECT e.seq, e.data
         FROM (SELECT DISTINCT seq FROM ledger.postings
               WHERE wallet_id = $1 AND account = 'main' AND seq > $2 AND seq <= $3 AND amount <> 0
               ORDER BY seq DESC LIMIT $4) own
         JOIN ledger.events e ON e.seq = own.seq
         ORDER BY e.seq DESC",
        wallet.as_uuid(),
        signed(span.first),
        signed(span.last),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| posted(row.seq, &row.data))
        .collect()
}

/// The columns of a filter.
struct Bound {
    kind: Option<&'static str>,
    currency: Option<String>,
    min: Option<Decimal>,
    max: Option<Decimal>,
    counterparty: Option<uuid::Uuid>,
    reference: Option<String>,
    reference_in_data: Option<String>,
    /// Set when the period is one of the time when movements count: then positions bound it from
    /// below only.
    effective: Option<(DateTime<Utc>, DateTime<Utc>)>,
}

impl Bound {
    fn of(filter: &Filter) -> Self {
        let period = filter.period;
        Self {
            kind: filter.kind.map(Kind::as_str),
            currency: filter.currency.map(|currency| currency.code().to_owned()),
            min: filter.min.map(Money::amount),
            max: filter.max.map(Money::amount),
            counterparty: filter.counterparty.map(WalletId::as_uuid),
            reference: filter.reference.clone(),
            reference_in_data: filter.reference.as_deref().map(json_text),
            effective: (period.by == By::Effective && !period.is_always())
                .then_some((period.from, period.to)),
        }
    }
}

/// Transactions of `wallet` that pass `filter`, newest first, at the positions of `span`, among
/// the `examined` newest postings there.
///
/// # Errors
/// When the server cannot be asked, or the log holds what is no event.
pub async fn filtered(
    pool: &PgPool,
    wallet: WalletId,
    filter: &Filter,
    span: Span,
    (examined, limit): (u32, u16),
) -> Result<Vec<Posted>, StoreError> {
    let bound = Bound::of(filter);
    // What is not backdated counts from when it was posted, so its position tells. The other
    // wallet and the reference are looked for only where all else fits.
    let rows = sqlx::query!(
        "SELECT e.seq, e.data
         FROM (SELECT DISTINCT seq
               FROM (SELECT * FROM ledger.postings
                     WHERE wallet_id = $1 AND account = 'main' AND seq > $2 AND seq <= $3
                       AND amount <> 0
                     ORDER BY seq DESC LIMIT $4) p
               WHERE ($5::text IS NULL OR kind = $5) AND ($6::text IS NULL OR currency = $6)
                 AND ($7::numeric IS NULL OR abs(amount) >= $7)
                 AND ($8::numeric IS NULL OR abs(amount) <= $8)
                 AND ($9::timestamptz IS NULL
                      OR CASE WHEN backdated THEN effective_at >= $9 AND effective_at < $10
                         ELSE seq <= (SELECT ledger.seq_before($10)) END)
                 AND ($11::uuid IS NULL OR EXISTS (
                      SELECT FROM ledger.postings other
                      WHERE other.wallet_id = $11 AND other.seq = p.seq
                        AND other.account = 'main' AND other.amount <> 0))
                 AND ($12::text IS NULL OR EXISTS (
                      SELECT FROM ledger.events said
                      WHERE said.seq = p.seq AND CASE WHEN position($13 IN said.data) > 0
                            THEN said.data::jsonb ->> 'reference' = $12 END))
               ORDER BY seq DESC LIMIT $14) own
         JOIN ledger.events e ON e.seq = own.seq
         ORDER BY e.seq DESC",
        wallet.as_uuid(),
        signed(span.first),
        signed(span.last),
        i64::from(examined),
        bound.kind,
        bound.currency,
        bound.min,
        bound.max,
        bound.effective.map(|(from, _)| from),
        bound.effective.map(|(_, to)| to),
        bound.counterparty,
        bound.reference,
        bound.reference_in_data,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| posted(row.seq, &row.data))
        .collect()
}

/// The position of the last of the `examined` newest postings of `wallet` in `span`; `None` when
/// there are fewer.
///
/// # Errors
/// When the server cannot be asked.
pub async fn last_examined(
    pool: &PgPool,
    wallet: WalletId,
    span: Span,
    examined: u32,
) -> Result<Option<u64>, StoreError> {
    let seq = sqlx::query_scalar!(
        "SELECT seq FROM ledger.postings
         WHERE wallet_id = $1 AND account = 'main' AND seq > $2 AND seq <= $3 AND amount <> 0
         ORDER BY seq DESC OFFSET $4 LIMIT 1",
        wallet.as_uuid(),
        signed(span.first),
        signed(span.last),
        i64::from(examined) - 1,
    )
    .fetch_optional(pool)
    .await?;
    Ok(seq.map(i64::unsigned_abs))
}

/// What went in and out in one currency, as texts at its scale: sums may exceed an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// The currency.
    pub currency: Currency,
    /// The sum of what came in.
    pub incoming: String,
    /// The sum of what went out, without a sign.
    pub outgoing: String,
}

/// Everything that passes a filter.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Totals {
    /// How many transactions.
    pub transactions: u64,
    /// The sums of the wallet's own postings that pass, by currency.
    pub flows: Vec<Flow>,
}

/// Adds up the postings of `wallet` that pass `filter` at the positions of `span`. `None` when
/// more than `examined` postings are there: their sum would be one of a part.
///
/// # Errors
/// When the server cannot be asked.
pub async fn totals(
    pool: &PgPool,
    wallet: WalletId,
    filter: &Filter,
    span: Span,
    examined: u32,
) -> Result<Option<Totals>, StoreError> {
    let bound = Bound::of(filter);
    let rows = sqlx::query!(
        r#"WITH there AS MATERIALIZED (
               SELECT seq, currency, amount, kind, backdated, effective_at FROM ledger.postings
               WHERE wallet_id = $1 AND account = 'main' AND seq > $2 AND seq <= $3
                 AND amount <> 0
               ORDER BY seq DESC LIMIT $4
           ), passed AS MATERIALIZED (
               SELECT seq, currency, amount FROM there p
               WHERE ($5::text IS NULL OR kind = $5) AND ($6::text IS NULL OR currency = $6)
                 AND ($7::numeric IS NULL OR abs(amount) >= $7)
                 AND ($8::numeric IS NULL OR abs(amount) <= $8)
                 AND ($9::timestamptz IS NULL
                      OR CASE WHEN backdated THEN effective_at >= $9 AND effective_at < $10
                         ELSE seq <= (SELECT ledger.seq_before($10)) END)
                 AND ($11::uuid IS NULL OR EXISTS (
                      SELECT FROM ledger.postings other
                      WHERE other.wallet_id = $11 AND other.seq = p.seq
                        AND other.account = 'main' AND other.amount <> 0))
                 AND ($12::text IS NULL OR EXISTS (
                      SELECT FROM ledger.events said
                      WHERE said.seq = p.seq AND CASE WHEN position($13 IN said.data) > 0
                            THEN said.data::jsonb ->> 'reference' = $12 END))
           )
           SELECT NULL AS "currency?", '' AS "incoming!", '' AS "outgoing!",
                  (SELECT count(*) FROM there) AS "there!",
                  (SELECT count(DISTINCT seq) FROM passed) AS "transactions!"
           UNION ALL
           SELECT currency, coalesce(sum(amount) FILTER (WHERE amount > 0), 0)::text,
                  coalesce(-sum(amount) FILTER (WHERE amount < 0), 0)::text, 0, 0
           FROM passed GROUP BY currency
           ORDER BY 1 NULLS FIRST"#,
        wallet.as_uuid(),
        signed(span.first),
        signed(span.last),
        i64::from(examined) + 1,
        bound.kind,
        bound.currency,
        bound.min,
        bound.max,
        bound.effective.map(|(from, _)| from),
        bound.effective.map(|(_, to)| to),
        bound.counterparty,
        bound.reference,
        bound.reference_in_data,
    )
    .fetch_all(pool)
    .await?;
    let mut totals = Totals::default();
    for row in rows {
        let Some(code) = row.currency else {
            if row.there > i64::from(examined) {
                return Ok(None);
            }
            totals.transactions = row.transactions.unsigned_abs();
            continue;
        };
        totals
            .flows
            .push(flow(&code, &row.incoming, &row.outgoing, wallet)?);
    }
    Ok(Some(totals))
}

/// A row of sums.
pub(super) fn flow(
    code: &str,
    incoming: &str,
    outgoing: &str,
    wallet: impl std::fmt::Display,
) -> Result<Flow, StoreError> {
    let currency = currency(code, &wallet)?;
    Ok(Flow {
        currency,
        incoming: total(incoming, currency, &wallet)?,
        outgoing: total(outgoing, currency, &wallet)?,
    })
}
