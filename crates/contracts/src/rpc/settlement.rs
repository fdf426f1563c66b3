//! What the settlement worker is asked.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    BreakId, Currency, CutId, SettlementId, TransactionId, WalletId,
    settlement::{BreakKind, BreakState, CutState},
};

/// Asks for a cut at the head of the ledger's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutRequest {
    /// Who asks: the scope of the key.
    pub caller: String,
    /// The idempotency key.
    pub key: String,
    /// What the key stands for, hexadecimal.
    pub fingerprint: String,
    /// Only payments to this merchant.
    pub merchant: Option<WalletId>,
    /// Only payments in this currency.
    pub currency: Option<Currency>,
}

/// What came of a request for a cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutOutcome {
    /// The cut, as it is now.
    Cut(CutAnswer),
    /// The key stands for another request.
    KeyReused,
}

/// A cut and the first of its batches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutAnswer {
    /// The cut.
    pub cut: Cut,
    /// Its batches, newest id first; one more than a page when there are more. None while the
    /// cut waits.
    pub batches: Vec<Batch>,
    /// Whether the key had come before.
    pub replayed: bool,
}

/// A position in the ledger's log up to which payments are settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The cut id.
    pub id: CutId,
    /// The position.
    pub seq: u64,
    /// The moment that the cut stands for.
    pub cut_off: DateTime<Utc>,
    /// Whether it was asked for by the schedule.
    pub scheduled: bool,
    /// Only payments to this merchant.
    pub merchant: Option<WalletId>,
    /// Only payments in this currency.
    pub currency: Option<Currency>,
    /// Waiting or closed.
    pub state: CutState,
    /// What it waits for, in words.
    pub waits_for: Option<String>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
}

/// Asks for batches, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchesRequest {
    /// Only those of this merchant.
    pub merchant: Option<WalletId>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
    /// Only those of this cut.
    pub cut: Option<CutId>,
    /// Only those that come after this one in the list.
    pub after: Option<SettlementId>,
    /// How many at most.
    pub limit: u16,
}

/// Payments to one merchant in one currency, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The batch id.
    pub id: SettlementId,
    /// Who is settled.
    pub merchant: WalletId,
    /// The currency of `gross`.
    pub currency: Currency,
    /// The sum of the payments, at the currency's scale, of any length.
    pub gross: String,
    /// How many payments.
    pub count: u64,
    /// The cut that made it.
    pub cut: CutId,
    /// The cut's position in the ledger's log.
    pub cut_seq: u64,
    /// The moment that the cut stands for.
    pub cut_off: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: DateTime<Utc>,
}

/// Asks for one batch and its items in order of `seq`; the answer is nothing when there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchRequest {
    /// The batch.
    pub batch: SettlementId,
    /// Only items after this position.
    pub after: Option<u64>,
    /// How many items at most.
    pub limit: u16,
}

/// A batch with a page of its items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItems {
    /// The batch.
    pub batch: Batch,
    /// The items.
    pub items: Vec<BatchItem>,
}

/// A payment in a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// Its transaction.
    pub transaction: TransactionId,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// What was paid, at the currency's scale.
    pub amount: Decimal,
    /// The merchant's order.
    pub order_reference: Option<String>,
    /// Who paid.
    pub customer: WalletId,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

/// Asks for breaks, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreaksRequest {
    /// Only those in this state.
    pub state: Option<BreakState>,
    /// Only those that come after this one in the list.
    pub after: Option<BreakId>,
    /// How many at most.
    pub limit: u16,
}

/// Two sums that must be equal and are not, or were not for a while. Amounts are at the
/// currency's scale, of any length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Break {
    /// The break id.
    pub id: BreakId,
    /// Which two sums.
    pub kind: BreakKind,
    /// The account (`main`, `funding`), the merchant's wallet, or the balance's wallet and
    /// account.
    pub scope: String,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The sum of the settlement worker; of a single balance, its postings.
    pub ours: String,
    /// The sum of the ledger's tables.
    pub theirs: String,
    /// `ours` less `theirs`.
    pub difference: String,
    /// The position in the ledger's log as of which it was last found.
    pub seq: u64,
    /// Open or resolved.
    pub state: BreakState,
    /// When it was first found.
    pub first_seen_at: DateTime<Utc>,
    /// When it was last found.
    pub last_seen_at: DateTime<Utc>,
    /// When it was not found any more.
    pub resolved_at: Option<DateTime<Utc>>,
}
