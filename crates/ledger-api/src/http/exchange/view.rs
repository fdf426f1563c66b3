//! Quotes as answers show them.

use chrono::{DateTime, Utc};
use contracts::{Currency, Money, QuoteId, TransactionId, WalletId, event::QuoteCreated};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::answer::{CREATED, at_scale, json};
use crate::{domain::exchange::Quote, posting::Rendered};

/// A price for an exchange. Amounts are strings at exactly their currency's scale.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QuoteView {
    /// The quote, `qte_…`.
    #[schema(value_type = String, example = "qte_0190c3a65f7d7c3e8b1a2f4d6e8c0a14")]
    pub id: QuoteId,
    /// Whose money it is, `wal_…`.
    #[schema(value_type = String)]
    pub wallet: WalletId,
    /// `open`, `executed` or `expired`.
    #[schema(example = "open")]
    pub state: &'static str,
    /// The currency that leaves.
    #[schema(example = "EUR")]
    pub from: String,
    /// How much of it.
    #[schema(example = "25.00")]
    pub from_amount: String,
    /// The currency that comes in.
    #[schema(example = "JPY")]
    pub to: String,
    /// How much of it: `from_amount` times `rate`, rounded down.
    #[schema(example = "3960")]
    pub to_amount: String,
    /// What the house keeps, in `to`: `from_amount` times `mid_rate`, rounded down, less
    /// `to_amount`.
    #[schema(example = "40")]
    pub spread_amount: String,
    /// What one unit of `from` is worth in `to`.
    #[schema(example = "160")]
    pub mid_rate: String,
    /// What one unit of `from` is exchanged for: `mid_rate` less the spread.
    #[schema(example = "158.4")]
    pub rate: String,
    /// What the house keeps, in percent.
    #[schema(example = "1")]
    pub spread: String,
    /// The moment of the rate; of the older one, when the way is over EUR.
    pub rate_as_of: DateTime<Utc>,
    /// When it was given.
    pub created_at: DateTime<Utc>,
    /// From this moment on it is good for nothing.
    pub expires_at: DateTime<Utc>,
    /// The exchange that executed it, `txn_…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub transaction: Option<TransactionId>,
}

impl QuoteView {
    /// A quote that was just given.
    fn created(event: &QuoteCreated) -> Self {
        let of = |amount: Decimal, currency: Currency| at_scale(amount, currency);
        Self {
            id: event.quote,
            wallet: event.wallet,
            state: "open",
            from: event.from.code().to_owned(),
            from_amount: of(event.from_amount, event.from),
            to: event.to.code().to_owned(),
            to_amount: of(event.to_amount, event.to),
            spread_amount: of(event.spread_amount, event.to),
            mid_rate: event.mid_rate.to_string(),
            rate: event.rate.to_string(),
            spread: event.spread.to_string(),
            rate_as_of: event.rate_as_of,
            created_at: event.posted_at,
            expires_at: event.expires_at,
            transaction: None,
        }
    }

    /// A quote as it is stored, looked at `now`.
    pub fn stored(quote: &Quote, executed_by: Option<TransactionId>, now: DateTime<Utc>) -> Self {
        let (value, amount) = (quote.to.value, quote.to.amount);
        // Both are of one currency, and the value is the larger.
        let kept = value.checked_sub(amount);
        let kept = kept.unwrap_or_else(|_| Money::zero(amount.currency()));
        let state = match executed_by {
            Some(_) => "executed",
            None if now >= quote.expires_at => "expired",
            None => "open",
        };
        Self {
            id: quote.id,
            wallet: quote.wallet,
            state,
            from: quote.from.currency().code().to_owned(),
            from_amount: quote.from.to_string(),
            to: amount.currency().code().to_owned(),
            to_amount: amount.to_string(),
            spread_amount: kept.to_string(),
            mid_rate: quote.price.mid_rate.to_string(),
            rate: quote.price.rate.to_string(),
            spread: quote.price.spread.to_string(),
            rate_as_of: quote.price.as_of,
            created_at: quote.created_at,
            expires_at: quote.expires_at,
            transaction: executed_by,
        }
    }
}

/// The answer to who asked for it.
pub fn created(event: &QuoteCreated) -> Rendered {
    Rendered {
        status: CREATED,
        body: json(&QuoteView::created(event)),
    }
}
