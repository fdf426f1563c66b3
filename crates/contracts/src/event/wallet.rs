//! Wallets: opened, changed, closed.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, EventId, EventType, WalletId};

/// Whose wallet it is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum WalletKind {
    /// A person or company that pays.
    Customer,
    /// Who is paid, and settled.
    Merchant,
}

impl WalletKind {
    /// The kind as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Merchant => "merchant",
        }
    }
}

/// A wallet that was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalletCreated {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// The new wallet.
    pub wallet: WalletId,
    /// Who owns it: the `owner` of the tokens that may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// The creator's reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// What a merchant deals in; fee rules may ask for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// The creator's own notes.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    /// Its state, when it is not active from the start: then its account is suspended or frozen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
}

/// A wallet, or one currency of it, whose state changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WalletChanged {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// The wallet.
    pub wallet: WalletId,
    /// The wallet's state afterwards: `active`, `frozen`, `blocked`, `suspended` or `closed`.
    pub status: String,
    /// The currency, when only that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// How far below zero the balance may go from now on, as a string; on credit limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub credit_limit: Option<Decimal>,
    /// Who did it: the `sub` of the token.
    pub actor: String,
    /// Why, in words.
    pub reason: String,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}
