//! Exchange rates: a history that only grows, and the newest of each pair.

use chrono::{DateTime, Utc};
use contracts::{Currency, event::Rate};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use crate::domain::exchange::KnownRate;

/// A rate to insert.
#[derive(Debug, Clone)]
pub struct NewRate {
    /// The rate.
    pub rate: Rate,
    /// Where it comes from.
    pub source: String,
    /// The event that sets it.
    pub seq: u64,
}

/// A rate as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    /// The rate, and the event that set it.
    pub known: KnownRate,
    /// Where it comes from.
    pub source: String,
    /// When it was set.
    pub set_at: DateTime<Utc>,
}

/// Inserts rates that are all set at `set_at`.
///
/// # Errors
/// When the server refuses.
pub async fn insert_in_tx(
    tx: &mut PgConnection,
    rates: &[NewRate],
    set_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let codes = |of: fn(&Rate) -> Currency| -> Vec<String> {
        let rates = rates.iter().map(|new| of(&new.rate));
        rates.map(|currency| currency.code().to_owned()).collect()
    };
    let (bases, quotes) = (codes(|rate| rate.base), codes(|rate| rate.quote));
    let as_of: Vec<DateTime<Utc>> = rates.iter().map(|new| new.rate.as_of).collect();
    let seqs: Vec<i64> = rates
        .iter()
        .map(|new| i64::try_from(new.seq).unwrap_or(i64::MAX))
        .collect();
    let numbers: Vec<Decimal> = rates.iter().map(|new| new.rate.rate).collect();
    let spreads: Vec<Option<Decimal>> = rates.iter().map(|new| new.rate.spread).collect();
    let sources: Vec<String> = rates.iter().map(|new| new.source.clone()).collect();
    // The head is locked: nobody else adds a pair meanwhile.
    sqlx::query!(
        "WITH pair AS (
             INSERT INTO ledger.rate_pairs (base, quote)
             SELECT DISTINCT base, quote FROM unnest($1::text[], $2::text[]) AS new(base, quote)
             ON CONFLICT (base, quote) DO NOTHING
         )
         INSERT INTO ledger.rates (base, quote, as_of, seq, rate, spread, source, set_at)
         SELECT base, quote, as_of, seq, rate, spread, source, $8
         FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::bigint[], $5::numeric[],
                     $6::numeric[], $7::text[])
              AS new(base, quote, as_of, seq, rate, spread, source)",
        &bases,
        &quotes,
        &as_of,
        &seqs,
        &numbers,
        &spreads as &[Option<Decimal>],
        &sources,
        set_at,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// The newest rate of each of these pairs as of `at`, in this direction; pairs without one are
/// missing.
///
/// # Errors
/// When the server cannot be asked.
pub async fn newest(
    pool: &PgPool,
    pairs: &[(Currency, Currency)],
    at: DateTime<Utc>,
) -> Result<Vec<RateRow>, StoreError> {
    let codes = |of: fn(&(Currency, Currency)) -> Currency| -> Vec<String> {
        let currencies = pairs.iter().map(of);
        currencies.map(|one| one.code().to_owned()).collect()
    };
    let rows = sqlx::query_as!(
        Row,
        "SELECT r.base, r.quote, r.as_of, r.seq, r.rate, r.spread, r.source, r.set_at
         FROM unnest($1::text[], $2::text[]) AS wanted(base, quote)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.rates own
             WHERE own.base = wanted.base AND own.quote = wanted.quote AND own.as_of <= $3
             ORDER BY own.as_of DESC, own.seq DESC LIMIT 1) r",
        &codes(|(base, _)| *base),
        &codes(|(_, quote)| *quote),
        at,
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(RateRow::try_from).collect()
}

/// The newest rate of every pair as of `at`, by base and quote; only those with this `base` or
/// this `quote`, when they are given, and only those after the pair `after`, such as `EUR/USD`.
///
/// # Errors
/// When the server cannot be asked.
pub async fn list(
    pool: &PgPool,
    base: Option<Currency>,
    quote: Option<Currency>,
    at: DateTime<Utc>,
    after: Option<&str>,
    limit: u16,
) -> Result<Vec<RateRow>, StoreError> {
    let (after_base, after_quote) = after.and_then(|pair| pair.split_once('/')).unzip();
    let code = |currency: Option<Currency>| currency.map(|one| one.code().to_owned());
    let rows = sqlx::query_as!(
        Row,
        "SELECT r.base, r.quote, r.as_of, r.seq, r.rate, r.spread, r.source, r.set_at
         FROM ledger.rate_pairs wanted
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.rates own
             WHERE own.base = wanted.base AND own.quote = wanted.quote AND own.as_of <= $3
             ORDER BY own.as_of DESC, own.seq DESC LIMIT 1) r
         WHERE ($1::text IS NULL OR wanted.base = $1) AND ($2::text IS NULL OR wanted.quote = $2)
           AND ($4::text IS NULL OR (wanted.base, wanted.quote) > ($4, $5::text))
         ORDER BY wanted.base, wanted.quote LIMIT $6",
        code(base),
        code(quote),
        at,
        after_base,
        after_quote,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter().map(RateRow::try_from).collect()
}

impl RateRow {
    /// The pair, as lists continue after it: `EUR/USD`.
    pub fn pair(&self) -> String {
        format!("{}/{}", self.known.rate.base, self.known.rate.quote)
    }
}

struct Row {
    base: String,
    quote: String,
    as_of: DateTime<Utc>,
    seq: i64,
    rate: Decimal,
    spread: Option<Decimal>,
    source: String,
    set_at: DateTime<Utc>,
}

impl TryFrom<Row> for RateRow {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let bad = |column| StoreError::inconsistent("rates", column, row.seq);
        Ok(Self {
            known: KnownRate {
                rate: Rate {
                    base: row.base.parse().map_err(|_| bad("base"))?,
                    quote: row.quote.parse().map_err(|_| bad("quote"))?,
                    rate: row.rate.normalize(),
                    as_of: row.as_of,
                    spread: row.spread.map(|spread| spread.normalize()),
                },
                seq: u64::try_from(row.seq).map_err(|_| bad("seq"))?,
            },
            source: row.source,
            set_at: row.set_at,
        })
    }
}
