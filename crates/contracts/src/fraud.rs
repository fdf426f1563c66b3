//! The fraud worker's events and words. As with the ledger's, the data holds its envelope.
//!
//! A published alert says only what can never change: what a late event adds to the evidence is
//! in the alert itself (`rpc.fraud.alert`), not in the event.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    AlertId, Currency, DecodeError, EventId, EventType, TransactionId, WalletId, worker_event,
};

/// A rule that movements are held against.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Several movements out of one wallet within a minute.
    RapidWithdrawals,
    /// One large movement out.
    LargeWithdrawal,
    /// One large deposit.
    LargeDeposit,
}

impl Rule {
    /// Every rule.
    pub const ALL: &'static [Self] = &[
        Self::RapidWithdrawals,
        Self::LargeWithdrawal,
        Self::LargeDeposit,
    ];

    /// The rule as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RapidWithdrawals => "rapid_withdrawals",
            Self::LargeWithdrawal => "large_withdrawal",
            Self::LargeDeposit => "large_deposit",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rule| rule.as_str() == text)
    }

    /// How much an alert of this rule matters. Money that leaves is gone; money that came in
    /// can still be held.
    pub const fn severity(self) -> Severity {
        match self {
            Self::RapidWithdrawals | Self::LargeWithdrawal => Severity::High,
            Self::LargeDeposit => Severity::Medium,
        }
    }
}

/// How much an alert matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Low,
    /// Look at it today.
    Medium,
    /// Look at it now.
    High,
}

impl Severity {
    /// The severity as JSON spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// An alert that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRaised {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the fraud worker's log: 1, 2, 3, … without gaps, in commit order.
    pub seq: u64,
    /// The alert.
    pub alert: AlertId,
    /// Which rule.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Whose movement it is.
    pub wallet: WalletId,
    /// The ledger's event that the rule found.
    pub event: EventId,
    /// Its transaction.
    pub transaction: TransactionId,
    /// The currency of `amount`.
    pub currency: Currency,
    /// What moved: positive, at the currency's scale, as a string.
    #[schemars(with = "String")]
    pub amount: Decimal,
    /// When the movement counts.
    pub effective_at: DateTime<Utc>,
    /// When the alert was raised; never runs backwards along `seq`.
    pub posted_at: DateTime<Utc>,
}

impl AlertRaised {
    /// Reads the data of an event.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        worker_event::decode(data, EventType::AlertRaised)
    }

    /// The data as it is stored, hashed and sent.
    pub fn encode(&self) -> String {
        worker_event::encode(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_are_those_of_json_and_read_back() {
        for rule in Rule::ALL {
            assert_eq!(Rule::parse(rule.as_str()), Some(*rule));
            let json = serde_json::to_string(rule).expect("serialises");
            assert_eq!(json, format!("\"{}\"", rule.as_str()));
            let severity = rule.severity();
            let json = serde_json::to_string(&severity).expect("serialises");
            assert_eq!(json, format!("\"{}\"", severity.as_str()));
        }
        assert_eq!(Rule::parse("velocity"), None);
    }
}
