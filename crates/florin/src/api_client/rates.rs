//! Exchange rates, as the API takes and shows them.

use chrono::{DateTime, Utc};
use contracts::{Currency, QuoteId, WalletId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ApiClient, ApiError, Transaction, Written};

/// Rates to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRates {
    /// Where they come from.
    pub source: String,
    /// The rates.
    pub rates: Vec<NewRate>,
}

/// What one unit of a currency is worth in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRate {
    /// The currency of which one unit is valued.
    pub base: String,
    /// The currency of the value.
    pub quote: String,
    /// The value.
    pub rate: String,
    /// The moment, or the day.
    pub as_of: String,
}

/// Rates that were set.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RatesSet {
    /// How many.
    pub count: usize,
}

/// Rates that are known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rates {
    /// The newest of every pair.
    pub items: Vec<Rate>,
    /// Goes into `cursor` for the next page.
    pub next_cursor: Option<String>,
    /// What the one currency is exchanged for in the other, when both were named.
    pub price: Option<Price>,
}

/// A rate that is known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rate {
    /// The currency of which one unit is valued.
    pub base: Currency,
    /// The currency of the value.
    pub quote: Currency,
    /// The value.
    pub rate: Decimal,
    /// The moment that it is the rate of.
    pub as_of: DateTime<Utc>,
    /// Where it comes from.
    pub source: String,
}

/// What one unit of a currency is exchanged for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Price {
    /// What it is worth.
    pub mid_rate: Decimal,
    /// What it is exchanged for.
    pub rate: Decimal,
    /// The moment of the rate.
    pub as_of: DateTime<Utc>,
}

/// What somebody wants a price for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewQuote {
    /// Whose money it is.
    pub wallet: WalletId,
    /// The currency that leaves.
    pub from: String,
    /// The currency that comes in.
    pub to: String,
    /// How much of `from`.
    pub amount: String,
}

/// A price for an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Quote {
    /// The quote.
    pub id: QuoteId,
    /// How much comes in.
    pub to_amount: Decimal,
    /// From this moment on it is good for nothing.
    pub expires_at: DateTime<Utc>,
}

/// An exchange at a price that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewExchange {
    /// Whose money it is.
    pub wallet: WalletId,
    /// The quote.
    pub quote: QuoteId,
}

impl ApiClient {
    /// Asks for the price of an exchange.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn quote(&self, key: &str, quote: &NewQuote) -> Result<Written<Quote>, ApiError> {
        self.write(key, &["v1", "exchange", "quotes"], quote).await
    }

    /// Exchanges money at a price that was given.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn exchange(
        &self,
        key: &str,
        exchange: &NewExchange,
    ) -> Result<Written<Transaction>, ApiError> {
        self.write(key, &["v1", "exchange"], exchange).await
    }

    /// Sets rates.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn set_rates(
        &self,
        key: &str,
        rates: &NewRates,
    ) -> Result<Written<RatesSet>, ApiError> {
        self.write(key, &["v1", "rates"], rates).await
    }

    /// The newest rates; `query` may have `base`, `quote`, `at`, `limit` and `cursor`.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn rates(&self, query: &[(&str, &str)]) -> Result<Rates, ApiError> {
        self.read(&["v1", "rates"], query).await
    }
}
