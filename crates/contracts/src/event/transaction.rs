//! Transactions: what they are for, their sides, and what was decided against.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{HoldLeft, LimitReached, RejectionCode};
use crate::{
    Currency, EventId, EventType, HoldId, Money, MoneyError, QuoteId, TransactionId, WalletId,
};

macro_rules! kinds {
    ($($name:ident $text:literal $posted:ident $rejected:ident, $meaning:literal;)*) => {
        /// What a transaction is for.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $(#[doc = $meaning] $name,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The kind as JSON and the database spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The event of a transaction of this kind that was posted.
            pub const fn posted(self) -> EventType {
                match self { $(Self::$name => EventType::$posted,)* }
            }

            /// The event of a transaction of this kind that was decided against.
            pub const fn rejected(self) -> EventType {
                match self { $(Self::$name => EventType::$rejected,)* }
            }
        }
    };
}

kinds! {
    Deposit "deposit" DepositPosted DepositRejected, "From a funding account to a wallet.";
    Withdrawal "withdrawal" WithdrawalPosted WithdrawalRejected, "From a wallet to a funding account.";
    Transfer "transfer" TransferPosted TransferRejected, "From wallet to wallet.";
    Payment "payment" PaymentPosted PaymentRejected, "From a wallet to a merchant's wallet.";
    Refund "refund" RefundPosted RefundRejected, "From a merchant's wallet back to who paid.";
    Reversal "reversal" ReversalPosted ReversalRejected, "The opposite of an earlier transaction.";
    Exchange "exchange" ExchangePosted ExchangeRejected, "From one currency of a wallet to another.";
    Adjustment "adjustment" AdjustmentPosted AdjustmentRejected, "A correction by staff, of either sign.";
}

macro_rules! accounts {
    ($($name:ident $text:literal, $meaning:literal;)*) => {
        /// Which of its accounts a leg touches.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum Account {
            $(#[doc = $meaning] $name,)*
        }

        impl Account {
            /// Every account.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The account as JSON and the database spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

accounts! {
    Main "main", "A customer's or merchant's money.";
    Funding "funding", "Where deposits come from and withdrawals go to: the money outside the wallets.";
    Revenue "revenue", "Where fees and spreads go.";
    Fx "fx", "What the house holds of a currency because it was exchanged.";
    Adjustment "adjustment", "The other side of corrections by staff.";
}

/// What a leg is beside the transaction's own amount.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The house's fee for the transaction.
    Fee,
    /// What the house keeps of an exchange.
    Spread,
}

impl Purpose {
    /// The purpose as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fee => "fee",
            Self::Spread => "spread",
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
    /// By how much the reserved part of the balance changes with this leg; absent when it does
    /// not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub held: Option<Decimal>,
    /// The reserved part after this leg; there when `held` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub held_after: Option<Decimal>,
    /// What the leg is, when it is not the transaction's own amount.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
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
    /// The hold that was captured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldId>,
    /// What the capture left of the hold; there when `hold` is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_left: Option<HoldLeft>,
    /// The payment that is paid back, on refunds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunds: Option<TransactionId>,
    /// The transaction that is undone, on reversals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverses: Option<TransactionId>,
    /// The quote that was executed, on exchanges.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<QuoteId>,
    /// The sender's own notes.
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// A transaction that was decided against: nothing was posted.
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
    /// The hold, quote or transaction that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// The account's limit that it would have exceeded, on `limit_exceeded`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitReached>,
}
