//! Wallets and what moves in and out of them: one file per endpoint.

pub mod create;
pub mod deposit;
pub mod get;
pub mod history;
pub mod list;
pub mod stats;
pub mod transfer;
pub mod withdraw;

use serde::Deserialize;
use utoipa::ToSchema;

use super::{fields::Metadata, movement::Fields};

/// Money to move in or out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveMoney {
    /// `digits[.digits]`, above zero, no finer than the currency.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "12.50")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// A line for people.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Yours.
    #[schema(max_length = 255)]
    reference: Option<String>,
    /// When it counts, not in the future; needs the permission `money:backdate`.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_at: Option<String>,
    /// Yours; at most 20 entries.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Metadata>,
}

impl MoveMoney {
    fn fields(self) -> Fields {
        Fields {
            amount: self.amount,
            currency: self.currency,
            description: self.description,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        }
    }
}
