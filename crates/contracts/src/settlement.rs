//! The settlement worker's events and words. As with the ledger's, the data holds its envelope.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Currency, CutId, DecodeError, EventId, EventType, SettlementId, WalletId, worker_event,
};

/// What a cut has come to. Its batches hold the payments up to it, at what customers paid: fees,
/// refunds and reversals are in the books and not in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutState {
    /// An event up to its position has no effect yet.
    Waiting,
    /// Its batches are there, and stay as they are.
    Closed,
}

impl CutState {
    /// The state as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Closed => "closed",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Closed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// Which two sums a tie-out found different.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakKind {
    /// The balances of an account, and the events' legs.
    Balances,
    /// The postings of an account, and the events' legs.
    Postings,
    /// What the postings of an account moved in both directions, and what the events' legs did.
    Turnover,
    /// The payments that a merchant's postings received, and the merchant's items.
    Payments,
    /// One balance, and its own postings.
    Balance,
}

impl BreakKind {
    /// Every kind.
    pub const ALL: &'static [Self] = &[
        Self::Balances,
        Self::Postings,
        Self::Turnover,
        Self::Payments,
        Self::Balance,
    ];

    /// The kind as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Balances => "balances",
            Self::Postings => "postings",
            Self::Turnover => "turnover",
            Self::Payments => "payments",
            Self::Balance => "balance",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// Whether a break is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakState {
    /// The last tie-out found it.
    Open,
    /// A later tie-out did not find it any more.
    Resolved,
}

impl BreakState {
    /// The state as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Resolved]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A batch that was closed: what it holds can never change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchClosed {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the settlement worker's log: 1, 2, 3, … without gaps, in commit order.
    pub seq: u64,
    /// The batch.
    pub batch: SettlementId,
    /// Who is settled.
    pub merchant: WalletId,
    /// The currency of `gross`.
    pub currency: Currency,
    /// The sum of the batch's payments, at the currency's scale, as a string of any length.
    pub gross: String,
    /// Payments in the batch.
    pub count: u64,
    /// The cut that made the batch.
    pub cut: CutId,
    /// The position in the ledger's log up to which the cut took payments.
    pub cut_seq: u64,
    /// The moment that the cut stands for.
    pub cut_off: DateTime<Utc>,
    /// When the batch was closed; never runs backwards along `seq`.
    pub posted_at: DateTime<Utc>,
}

impl BatchClosed {
    /// Reads the data of an event.
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn decode(data: &[u8]) -> Result<Self, DecodeError> {
        worker_event::decode(data, EventType::BatchClosed)
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
        let json = |text: &str| format!("\"{text}\"");
        for kind in BreakKind::ALL {
            assert_eq!(BreakKind::parse(kind.as_str()), Some(*kind));
            assert_eq!(
                serde_json::to_string(kind).expect("serialises"),
                json(kind.as_str())
            );
        }
        for state in [CutState::Waiting, CutState::Closed] {
            assert_eq!(CutState::parse(state.as_str()), Some(state));
            assert_eq!(
                serde_json::to_string(&state).expect("serialises"),
                json(state.as_str())
            );
        }
        for state in [BreakState::Open, BreakState::Resolved] {
            assert_eq!(BreakState::parse(state.as_str()), Some(state));
            assert_eq!(
                serde_json::to_string(&state).expect("serialises"),
                json(state.as_str())
            );
        }
        assert_eq!(BreakKind::parse("broken"), None);
    }
}
