//! The ledger's events: JSON data whose envelope (`id`, `type`, `seq`) is part of it, because
//! the data is what the hash chain covers.
//!
//! Unknown fields are ignored and new fields are optional: an older consumer reads a newer
//! ledger, and every message ever published still decodes.

mod account;
mod command;
mod exchange;
mod fee_rule;
mod hold;
mod rejection;
mod transaction;
mod wallet;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{EventId, EventType, WalletId};

pub use account::{AccountChanged, KycLevel, LimitReached, LimitWindow, RiskLevel};
pub use command::CommandRejected;
pub use exchange::{QuoteCreated, Rate, RatesSet};
pub use fee_rule::{FeeRuleChanged, FeeTerms};
pub use hold::{HoldChanged, HoldLeft, HoldState};
pub use rejection::RejectionCode;
pub use transaction::{Account, Kind, Leg, Posted, Purpose, Rejected};
pub use wallet::{WalletChanged, WalletCreated, WalletKind};

macro_rules! ledger_events {
    ($($name:ident($data:ty) = $($event_type:ident)|+, $meaning:literal;)*) => {
        /// Any event of the ledger.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum LedgerEvent {
            $(#[doc = $meaning] $name($data),)*
        }

        impl LedgerEvent {
            fn of_type(event_type: EventType, data: &[u8]) -> Result<Self, DecodeError> {
                match event_type {
                    $($(EventType::$event_type)|+ => serde_json::from_slice(data)
                        .map(Self::$name)
                        .map_err(DecodeError::Malformed),)*
                    EventType::AlertRaised | EventType::BatchClosed => {
                        Err(DecodeError::UnknownType)
                    }
                }
            }

            /// The data as it is stored, hashed and sent.
            pub fn encode(&self) -> String {
                match self { $(Self::$name(event) => serde_json::to_string(event),)* }
                    .expect("events have string keys only, so they always serialise")
            }

            /// The event id.
            pub const fn id(&self) -> EventId {
                match self { $(Self::$name(event) => event.id,)* }
            }

            /// The event type.
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$name(event) => event.event_type,)* }
            }

            /// Position in the log.
            pub const fn seq(&self) -> u64 {
                match self { $(Self::$name(event) => event.seq,)* }
            }

            /// When the ledger wrote it.
            pub const fn posted_at(&self) -> DateTime<Utc> {
                match self { $(Self::$name(event) => event.posted_at,)* }
            }
        }

        impl EventType {
            /// The JSON Schema of the ledger's event data; none for other sources' events.
            pub(crate) fn ledger_schema(
                self,
                generator: schemars::SchemaGenerator,
            ) -> Option<schemars::Schema> {
                match self {
                    $($(Self::$event_type)|+ => Some(generator.into_root_schema_for::<$data>()),)*
                    Self::AlertRaised | Self::BatchClosed => None,
                }
            }
        }
    };
}

ledger_events! {
    WalletCreated(WalletCreated) = WalletCreated, "A wallet was opened.";
    WalletChanged(WalletChanged) = WalletFrozen | WalletUnfrozen | WalletBlocked | WalletUnblocked
        | WalletClosed | CreditLimitSet, "A wallet's state changed.";
    AccountChanged(AccountChanged) = AccountSuspended | AccountResumed | AccountClosed
        | AccountFrozen | AccountUnfrozen | KycLevelSet | RiskLevelSet, "An account changed.";
    Posted(Posted) = DepositPosted | WithdrawalPosted | TransferPosted | PaymentPosted
        | RefundPosted | ReversalPosted | ExchangePosted | AdjustmentPosted,
        "A transaction was posted.";
    Rejected(Rejected) = DepositRejected | WithdrawalRejected | TransferRejected
        | PaymentRejected | RefundRejected | ReversalRejected | ExchangeRejected
        | AdjustmentRejected, "A transaction was decided against.";
    FeeRuleChanged(FeeRuleChanged) = FeeRuleCreated | FeeRuleDeactivated,
        "What the house takes for transactions changed.";
    HoldChanged(HoldChanged) = HoldPlaced | HoldVoided | HoldExpired,
        "A hold was placed or released.";
    RatesSet(RatesSet) = RatesSet, "Exchange rates were set.";
    QuoteCreated(QuoteCreated) = QuoteCreated, "A price for an exchange was given.";
    CommandRejected(CommandRejected) = CommandRejected,
        "A command that moves no money was decided against.";
}

/// Why bytes are not an event of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not JSON, or not of the type's shape.
    #[error("the data is not the JSON of its event type")]
    Malformed(#[source] serde_json::Error),
    /// A type that this version of the contracts does not know, or another source's.
    #[error("unknown event type")]
    UnknownType,
}

/// The envelope: what every event's data contains.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Envelope {
    /// The event id.
    pub id: EventId,
    /// The event type as text: it may be one that this version does not know.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Position in the log.
    pub seq: u64,
}

impl LedgerEvent {
    /// Reads the data of an event.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        let envelope: Envelope = serde_json::from_slice(data).map_err(DecodeError::Malformed)?;
        let event_type: EventType = envelope
            .event_type
            .parse()
            .map_err(|_| DecodeError::UnknownType)?;
        Self::of_type(event_type, data)
    }

    /// The wallet whose shard the event is published on: the first customer or merchant wallet.
    /// None on events that are about no wallet.
    pub fn wallet(&self) -> Option<WalletId> {
        match self {
            Self::WalletCreated(event) => Some(event.wallet),
            Self::WalletChanged(event) => Some(event.wallet),
            Self::Posted(event) => event.legs.iter().find_map(|leg| leg.wallet),
            Self::Rejected(event) => Some(event.wallet),
            Self::HoldChanged(event) => Some(event.wallet),
            Self::QuoteCreated(event) => Some(event.wallet),
            Self::CommandRejected(event) => event.wallet,
            Self::AccountChanged(_) | Self::FeeRuleChanged(_) | Self::RatesSet(_) => None,
        }
    }

    /// The subject: its shard is that of [`Self::wallet`]; `00` without one.
    pub fn subject(&self) -> String {
        self.event_type().subject(self.wallet())
    }
}
