//! Rates as answers show them.

use chrono::{DateTime, Utc};
use contracts::event::RatesSet;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::answer::{CREATED, json};
use crate::{domain::exchange::Price, posting::Rendered, store::rates::RateRow};

/// Rates that were set.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RatesSetView {
    /// Its position in the ledger's log.
    pub seq: u64,
    /// Where they come from.
    #[schema(example = "ecb")]
    pub source: String,
    /// How many.
    pub count: usize,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

/// A page of rates.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatesPage {
    /// The rates.
    pub items: Vec<RateView>,
    /// Goes into `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// What `base` is exchanged for in `quote`, when both were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceView>,
}

/// What one unit of a currency is worth in another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RateView {
    /// The currency of which one unit is valued.
    #[schema(example = "EUR")]
    pub base: String,
    /// The currency of the value.
    #[schema(example = "USD")]
    pub quote: String,
    /// The value.
    #[schema(example = "1.0823")]
    pub rate: String,
    /// What the house keeps of an exchange at it, in percent; null: its default.
    pub spread: Option<String>,
    /// The moment that it is the rate of.
    pub as_of: DateTime<Utc>,
    /// Where it comes from.
    #[schema(example = "ecb")]
    pub source: String,
    /// When it was set.
    pub set_at: DateTime<Utc>,
    /// The position in the ledger's log of the event that set it.
    pub seq: u64,
}

/// What one unit of a currency is exchanged for in another.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PriceView {
    /// What it is worth.
    #[schema(example = "1.0823")]
    pub mid_rate: String,
    /// What it is exchanged for: `mid_rate` less the spread.
    #[schema(example = "1.0768885")]
    pub rate: String,
    /// What the house keeps, in percent.
    #[schema(example = "0.5")]
    pub spread: String,
    /// The moment of the rate; of the older one, when the way is over EUR.
    pub as_of: DateTime<Utc>,
}

impl RateView {
    /// As it is stored.
    pub fn of(row: &RateRow) -> Self {
        let rate = &row.known.rate;
        Self {
            base: rate.base.code().to_owned(),
            quote: rate.quote.code().to_owned(),
            rate: rate.rate.to_string(),
            spread: rate.spread.map(|spread| spread.to_string()),
            as_of: rate.as_of,
            source: row.source.clone(),
            set_at: row.set_at,
            seq: row.known.seq,
        }
    }
}

impl PriceView {
    /// As it would be quoted.
    pub fn of(price: &Price) -> Self {
        Self {
            mid_rate: price.mid_rate.to_string(),
            rate: price.rate.to_string(),
            spread: price.spread.to_string(),
            as_of: price.as_of,
        }
    }
}

/// The answer to who set them.
pub fn set(event: &RatesSet) -> Rendered {
    let view = RatesSetView {
        seq: event.seq,
        source: event.source.clone(),
        count: event.rates.len(),
        posted_at: event.posted_at,
    };
    Rendered {
        status: CREATED,
        body: json(&view),
    }
}
