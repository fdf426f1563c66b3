//! Accounts: all wallets of one owner, what the house knows about the owner, and what it allows.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{EventId, EventType};

macro_rules! levels {
    ($(#[$doc:meta])* $name:ident { $($level:ident $text:literal, $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(#[doc = $meaning] $level,)*
        }

        impl $name {
            /// Every one of them, the lowest first.
            pub const ALL: &'static [Self] = &[$(Self::$level,)*];

            /// As JSON and the database spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$level => $text,)* }
            }

            /// Reads what [`Self::as_str`] wrote.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|level| level.as_str() == text)
            }
        }
    };
}

levels! {
    /// How well the owner's identity is known.
    KycLevel {
        None "none", "Not at all.";
        Basic "basic", "Name and address.";
        Standard "standard", "A document was seen.";
        Advanced "advanced", "Document and means were examined.";
    }
}

levels! {
    /// How much harm the house expects of the account.
    RiskLevel {
        Low "low", "Little.";
        Medium "medium", "Some.";
        High "high", "Much.";
    }
}

levels! {
    /// Over what a limit counts.
    LimitWindow {
        Transaction "transaction", "One transaction.";
        Day "day", "A day, from midnight to midnight UTC.";
        Month "month", "A calendar month, from midnight to midnight UTC.";
    }
}

/// An account that changed, as it is afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountChanged {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// Whose account: the `owner` of its wallets.
    pub owner: String,
    /// `active`, `suspended` or `closed`.
    pub status: String,
    /// Are all its wallets frozen together?
    pub frozen: bool,
    /// How well the owner is known; absent until somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kyc_level: Option<KycLevel>,
    /// The risk that the account is; absent until somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk_level: Option<RiskLevel>,
    /// What proves the level of verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_reference: Option<String>,
    /// Who did it: the `sub` of the token.
    pub actor: String,
    /// Why, in words.
    pub reason: String,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

/// The limit of an account that a transaction would have exceeded, in the transaction's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LimitReached {
    /// Over what it counts.
    pub window: LimitWindow,
    /// How much is allowed, at the currency's scale, as a string.
    #[schemars(with = "String")]
    pub limit: Decimal,
    /// How much was used before.
    #[schemars(with = "String")]
    pub used: Decimal,
    /// When the window ends; absent for one transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<DateTime<Utc>>,
}
