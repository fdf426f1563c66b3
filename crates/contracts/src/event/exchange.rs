//! Exchange: rates, and quotes at them. What an executed quote moves is a
//! [`Posted`](super::Posted) of the kind `exchange`.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, EventId, EventType, QuoteId, WalletId};

/// Exchange rates that were set. A later rate of the same pair and moment replaces an earlier one
/// from then on; neither is ever changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RatesSet {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// Where the rates come from, as their sender says.
    pub source: String,
    /// The rates.
    pub rates: Vec<Rate>,
    /// Who set them: the `sub` of the token.
    pub actor: String,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

/// What one unit of a currency is worth in another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rate {
    /// The currency of which one unit is valued.
    pub base: Currency,
    /// The currency of the value.
    pub quote: Currency,
    /// The value: above zero, at most 18 significant digits, as a string.
    #[schemars(with = "String")]
    pub rate: Decimal,
    /// The moment that it is the rate of.
    pub as_of: DateTime<Utc>,
    /// What the house keeps of an exchange at it, in percent, as a string; absent: the house's
    /// default at the time of the exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub spread: Option<Decimal>,
}

/// A price that was given for an exchange: it is good once, until it expires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteCreated {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// The quote.
    pub quote: QuoteId,
    /// Whose money would be exchanged.
    pub wallet: WalletId,
    /// The currency that would leave.
    pub from: Currency,
    /// How much of it, at exactly its scale, as a string.
    #[schemars(with = "String")]
    pub from_amount: Decimal,
    /// The currency that would come in.
    pub to: Currency,
    /// How much of it, at exactly its scale, as a string.
    #[schemars(with = "String")]
    pub to_amount: Decimal,
    /// What the house would keep of the value, in `to`, as a string.
    #[schemars(with = "String")]
    pub spread_amount: Decimal,
    /// What one unit of `from` is worth in `to`.
    #[schemars(with = "String")]
    pub mid_rate: Decimal,
    /// What one unit of `from` is exchanged for: `mid_rate` less the spread.
    #[schemars(with = "String")]
    pub rate: Decimal,
    /// What the house keeps, in percent.
    #[schemars(with = "String")]
    pub spread: Decimal,
    /// The moment that the rates are of; the older one's, when there are two.
    pub rate_as_of: DateTime<Utc>,
    /// From this moment on the quote is good for nothing.
    pub expires_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}
