//! Holds: money that is set aside, and what became of it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Kind, Leg};
use crate::{Currency, EventId, EventType, HoldId, WalletId};

macro_rules! states {
    ($($name:ident $text:literal, $meaning:literal;)*) => {
        /// What a hold is at.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum HoldState {
            $(#[doc = $meaning] $name,)*
        }

        impl HoldState {
            /// Every state.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The state as JSON and the database spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

states! {
    Open "open", "What was not captured yet is held.";
    Captured "captured", "Captured for the last time; nothing is held any more.";
    Voided "voided", "Released by somebody before it ran out.";
    Expired "expired", "Released because it ran out.";
}

/// A hold that was placed, voided or expired: all about it, as it is afterwards.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldChanged {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// The hold.
    pub hold: HoldId,
    /// Its state afterwards.
    pub state: HoldState,
    /// Whose money it is.
    pub wallet: WalletId,
    /// What a capture of it posts: a payment, a transfer or a withdrawal.
    pub kind: Kind,
    /// In whose favour it is: the other wallet of a payment or transfer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<WalletId>,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// What was set aside at first: at the currency's scale, as a string.
    #[schemars(with = "String")]
    pub amount: Decimal,
    /// What of it was captured.
    #[schemars(with = "String")]
    pub captured: Decimal,
    /// What of it is still held.
    #[schemars(with = "String")]
    pub remaining: Decimal,
    /// When it runs out.
    pub expires_at: DateTime<Utc>,
    /// When it was placed.
    pub placed_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// The change of the balance: one leg with the amount zero, which changes what is held.
    pub legs: Vec<Leg>,
    /// Who did it: the `sub` of the token; `florin` when it expired.
    pub actor: String,
    /// Why, in words, when it was voided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The placer's reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// The merchant's order, when it is in favour of a merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_reference: Option<String>,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The placer's own notes.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What a captured transaction left of its hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HoldLeft {
    /// The hold's state afterwards: open, or captured.
    pub state: HoldState,
    /// What is still held: at the currency's scale, as a string.
    #[schemars(with = "String")]
    pub remaining: Decimal,
    /// What was released with a last capture of less than what was held.
    #[schemars(with = "String")]
    pub released: Decimal,
}
