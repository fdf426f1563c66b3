//! What the house takes for transactions.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;
use crate::{Currency, EventId, EventType, FeeRuleId};

/// For what a fee is taken, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeeTerms {
    /// The kinds of transactions that it is taken for.
    pub kinds: Vec<Kind>,
    /// Only of payments to merchants of this category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant_category: Option<String>,
    /// Only of transactions in this currency, which the amounts below are in.
    pub currency: Currency,
    /// Percent of the transaction's amount, up to four decimals, as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub percentage: Option<Decimal>,
    /// Added to the percentage, as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub fixed: Option<Decimal>,
    /// At least this, as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub minimum: Option<Decimal>,
    /// At most this, as a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub maximum: Option<Decimal>,
}

/// A fee rule that begins or ends: it holds for the transactions after its place in the log, and
/// for none before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeeRuleChanged {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// The rule.
    pub rule: FeeRuleId,
    /// What it says.
    #[serde(flatten)]
    pub terms: FeeTerms,
    /// Who did it: the `sub` of the token.
    pub actor: String,
    /// Why it ends, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}
