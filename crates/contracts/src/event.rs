//! The ledger's events: JSON data whose envelope (`id`, `type`, `seq`) is part of it, because
//! the data is what the hash chain covers.
//!
//! Unknown fields are ignored and new fields are optional: an older consumer reads a newer
//! ledger, and every message ever published still decodes.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, EventId, EventType, Money, MoneyError, TransactionId, WalletId};

/// What a transaction is for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// From a funding account to a wallet.
    Deposit,
    /// From a wallet to a funding account.
    Withdrawal,
    /// From wallet to wallet.
    Transfer,
    /// From a wallet to a merchant's wallet.
    Payment,
}

impl Kind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Deposit,
        Self::Withdrawal,
        Self::Transfer,
        Self::Payment,
    ];

    /// The kind as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deposit => "deposit",
            Self::Withdrawal => "withdrawal",
            Self::Transfer => "transfer",
            Self::Payment => "payment",
        }
    }

    /// The event of a transaction of this kind that was posted.
    pub const fn posted(self) -> EventType {
        match self {
            Self::Deposit => EventType::DepositPosted,
            Self::Withdrawal => EventType::WithdrawalPosted,
            Self::Transfer => EventType::TransferPosted,
            Self::Payment => EventType::PaymentPosted,
        }
    }

    /// The event of a transaction of this kind that was decided against.
    pub const fn rejected(self) -> EventType {
        match self {
            Self::Deposit => EventType::DepositRejected,
            Self::Withdrawal => EventType::WithdrawalRejected,
            Self::Transfer => EventType::TransferRejected,
            Self::Payment => EventType::PaymentRejected,
        }
    }
}

/// Which of its accounts a leg touches.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Account {
    /// A customer's or merchant's money.
    Main,
    /// Where deposits come from and withdrawals go to: the money outside the wallets.
    Funding,
    /// Where fees go.
    Revenue,
}

impl Account {
    /// The account as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Funding => "funding",
            Self::Revenue => "revenue",
        }
    }
}

/// One side of a transaction. Legs sum to zero per currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Leg {
    /// The wallet; absent on legs of system accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletId>,
    /// The account within the wallet, or the system account.
    pub account: Account,
    /// The currency of `amount` and `balance_after`.
    pub currency: Currency,
    /// Signed, at exactly the currency's scale, as a string.
    #[schemars(with = "String")]
    pub amount: Decimal,
    /// The posted balance after this leg; absent on legs of system accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub balance_after: Option<Decimal>,
    /// Counts the changes of this balance without gaps; absent on legs of system accounts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl Leg {
    /// The amount as money.
    ///
    /// # Errors
    /// When the amount is finer than its currency: then Florin did not write it.
    pub fn money(&self) -> Result<Money, MoneyError> {
        Money::exact(self.amount, self.currency)
    }
}

/// A transaction that was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Posted {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log: 1, 2, 3, … without gaps, in commit order.
    pub seq: u64,
    /// The transaction id.
    pub transaction: TransactionId,
    /// What the transaction is for.
    pub kind: Kind,
    /// When it counts, as its sender says; event time of rules and statistics.
    pub effective_at: DateTime<Utc>,
    /// When the ledger wrote it; never runs backwards along `seq`.
    pub posted_at: DateTime<Utc>,
    /// The balanced sides.
    pub legs: Vec<Leg>,
    /// The sender's reference.
    #[serde(default)]
    pub reference: Option<String>,
    /// The merchant's order, on payments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_reference: Option<String>,
    /// A line for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The sender's own notes.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Why a command was decided against. Decided rejections are sticky under their key.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum RejectionCode {
    /// The available balance does not suffice.
    InsufficientFunds,
    /// A limit, or what a balance can hold exactly, would be exceeded.
    LimitExceeded,
    /// The wallet is frozen.
    WalletFrozen,
    /// The wallet is blocked.
    WalletBlocked,
    /// The wallet is suspended.
    WalletSuspended,
    /// The wallet is closed.
    WalletClosed,
}

impl RejectionCode {
    /// The stable code, as problem details and events spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InsufficientFunds => "insufficient_funds",
            Self::LimitExceeded => "limit_exceeded",
            Self::WalletFrozen => "wallet_frozen",
            Self::WalletBlocked => "wallet_blocked",
            Self::WalletSuspended => "wallet_suspended",
            Self::WalletClosed => "wallet_closed",
        }
    }
}

/// A command that was decided against: nothing was posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// What the transaction would have been for.
    pub kind: Kind,
    /// Why not.
    pub code: RejectionCode,
    /// The wallet the command was about.
    pub wallet: WalletId,
    /// The other wallet of a transfer or payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counterparty: Option<WalletId>,
    /// The currency of `amount`.
    pub currency: Currency,
    /// What should have moved: positive, at the currency's scale, as a string.
    #[schemars(with = "String")]
    pub amount: Decimal,
    /// When it would have counted.
    pub effective_at: DateTime<Utc>,
    /// When the ledger decided.
    pub posted_at: DateTime<Utc>,
    /// The sender's reference.
    #[serde(default)]
    pub reference: Option<String>,
}

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
    /// The creator's own notes.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// Any event of the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LedgerEvent {
    /// A wallet was opened.
    WalletCreated(WalletCreated),
    /// A transaction was posted.
    Posted(Posted),
    /// A command was decided against.
    Rejected(Rejected),
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
        let event = match event_type {
            EventType::WalletCreated => serde_json::from_slice(data).map(Self::WalletCreated),
            EventType::DepositPosted
            | EventType::WithdrawalPosted
            | EventType::TransferPosted
            | EventType::PaymentPosted => serde_json::from_slice(data).map(Self::Posted),
            EventType::DepositRejected
            | EventType::WithdrawalRejected
            | EventType::TransferRejected
            | EventType::PaymentRejected => serde_json::from_slice(data).map(Self::Rejected),
            EventType::AlertRaised => return Err(DecodeError::UnknownType),
        };
        event.map_err(DecodeError::Malformed)
    }

    /// The data as it is stored, hashed and sent.
    pub fn encode(&self) -> String {
        match self {
            Self::WalletCreated(event) => serde_json::to_string(event),
            Self::Posted(event) => serde_json::to_string(event),
            Self::Rejected(event) => serde_json::to_string(event),
        }
        .expect("events have string keys only, so they always serialise")
    }

    /// The event id.
    pub const fn id(&self) -> EventId {
        match self {
            Self::WalletCreated(event) => event.id,
            Self::Posted(event) => event.id,
            Self::Rejected(event) => event.id,
        }
    }

    /// The event type.
    pub const fn event_type(&self) -> EventType {
        match self {
            Self::WalletCreated(event) => event.event_type,
            Self::Posted(event) => event.event_type,
            Self::Rejected(event) => event.event_type,
        }
    }

    /// Position in the log.
    pub const fn seq(&self) -> u64 {
        match self {
            Self::WalletCreated(event) => event.seq,
            Self::Posted(event) => event.seq,
            Self::Rejected(event) => event.seq,
        }
    }

    /// When the ledger wrote it.
    pub const fn posted_at(&self) -> DateTime<Utc> {
        match self {
            Self::WalletCreated(event) => event.posted_at,
            Self::Posted(event) => event.posted_at,
            Self::Rejected(event) => event.posted_at,
        }
    }

    /// The subject: its shard is that of the first customer or merchant wallet.
    pub fn subject(&self) -> String {
        let wallet = match self {
            Self::WalletCreated(event) => Some(event.wallet),
            Self::Posted(event) => event.legs.iter().find_map(|leg| leg.wallet),
            Self::Rejected(event) => Some(event.wallet),
        };
        let wallet = wallet.expect("every transaction has a leg of a wallet");
        self.event_type().subject(wallet)
    }
}
