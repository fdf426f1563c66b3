//! All SQL of the worker, one file per noun.

pub mod batches;
pub mod breaks;
pub mod cuts;
pub mod items;
pub mod sums;

use contracts::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::error::BoxDynError;

/// A stored value that this worker did not write.
fn foreign(error: impl Into<BoxDynError>) -> sqlx::Error {
    sqlx::Error::Decode(error.into())
}

fn position(seq: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(seq).map_err(foreign)
}

/// Positions stay far below what a `bigint` holds.
fn bigint(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

fn currency(code: &str) -> Result<Currency, sqlx::Error> {
    code.parse().map_err(foreign)
}

fn exact(amount: Decimal, currency: Currency) -> Result<Decimal, sqlx::Error> {
    Money::exact(amount, currency)
        .map(Money::amount)
        .map_err(foreign)
}

/// A sum at its currency's scale. One that is finer, because somebody planted it, is shown as it
/// is: to find it is what sums are for.
fn total(text: String, currency: Currency) -> String {
    contracts::total_at_scale(&text, currency).unwrap_or(text)
}
