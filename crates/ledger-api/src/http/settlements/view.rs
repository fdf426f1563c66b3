//! Batches, cuts and breaks as the API shows them.

use chrono::{DateTime, Utc};
use contracts::{
    BreakId, Currency, CutId, Money, SettlementId, TransactionId, WalletId,
    rpc::{Batch, BatchItem, Break, Cut},
    settlement::CutState,
};
use serde::Serialize;
use utoipa::ToSchema;

/// A position in the log up to which payments are settled.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutView {
    /// The cut, `cut_…`.
    #[schema(value_type = String)]
    id: CutId,
    /// The position: payments up to here are in its batches, or in those of earlier cuts.
    seq: u64,
    /// The moment that the cut stands for.
    cut_off: DateTime<Utc>,
    /// Whether the schedule asked for it.
    scheduled: bool,
    /// Only payments to this merchant; null for all.
    #[schema(value_type = Option<String>)]
    merchant: Option<WalletId>,
    /// Only payments in this currency; null for all.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// `waiting` or `closed`.
    #[schema(example = "closed")]
    state: &'static str,
    /// What it waits for; null when it is closed.
    waits_for: Option<String>,
    /// When it was closed; null while it waits.
    closed_at: Option<DateTime<Utc>>,
}

/// A cut with the first page of its batches.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutAnswerView {
    /// The cut.
    cut: CutView,
    /// Its batches; none while it waits.
    items: Vec<BatchView>,
    /// Goes into `cursor` of the list of batches, with `cut`, for the next page.
    next_cursor: Option<String>,
}

/// Which cut made a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct CutOfBatch {
    /// The cut, `cut_…`.
    #[schema(value_type = String)]
    id: CutId,
    /// Its position in the log.
    seq: u64,
    /// The moment that it stands for.
    cut_off: DateTime<Utc>,
}

/// Payments to one merchant in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchView {
    /// The batch, `stl_…`.
    #[schema(value_type = String)]
    id: SettlementId,
    /// The merchant's wallet, `wal_…`.
    #[schema(value_type = String)]
    merchant: WalletId,
    /// The currency.
    #[schema(example = "EUR")]
    currency: String,
    /// The sum of the payments.
    #[schema(example = "1065.00")]
    gross: String,
    /// How many payments.
    count: u64,
    /// The cut that made it.
    cut: CutOfBatch,
    /// `closed`: a batch never changes.
    #[schema(example = "closed")]
    state: &'static str,
    /// When it was closed.
    closed_at: DateTime<Utc>,
}

/// A batch with a page of its payments.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchWithItems {
    /// The batch.
    #[serde(flatten)]
    batch: BatchView,
    /// Its payments, in order of their position.
    items: Vec<BatchItemView>,
    /// Goes into `cursor` for the next page of payments; null on the last one.
    next_cursor: Option<String>,
}

/// A payment in a batch.
#[derive(Debug, Serialize, ToSchema)]
pub struct BatchItemView {
    /// Its transaction, `txn_…`.
    #[schema(value_type = String)]
    transaction: TransactionId,
    /// Its position in the log.
    seq: u64,
    /// What was paid.
    #[schema(example = "12.50")]
    amount: String,
    /// The merchant's order.
    order_reference: Option<String>,
    /// Who paid, `wal_…`.
    #[schema(value_type = String)]
    customer: WalletId,
    /// When the ledger wrote it.
    posted_at: DateTime<Utc>,
}

/// Two sums that must be equal and are not, or were not for a while.
#[derive(Debug, Serialize, ToSchema)]
pub struct BreakView {
    /// The break, `brk_…`.
    #[schema(value_type = String)]
    id: BreakId,
    /// `balances`, `postings` and `turnover` of an account, `payments` to a merchant, or one
    /// `balance` and its postings.
    #[schema(example = "balances")]
    kind: &'static str,
    /// The account, the merchant's wallet, or the balance's wallet and account.
    #[schema(example = "main")]
    scope: String,
    /// The currency.
    #[schema(example = "EUR")]
    currency: String,
    /// What the events add up to; of one balance, what its postings do.
    #[schema(example = "100.00")]
    ours: String,
    /// What the ledger's tables say.
    #[schema(example = "100.01")]
    theirs: String,
    /// `ours` less `theirs`.
    #[schema(example = "-0.01")]
    difference: String,
    /// The position in the log as of which it was last found.
    seq: u64,
    /// `open` or `resolved`.
    #[schema(example = "open")]
    state: &'static str,
    /// When it was first found.
    first_seen_at: DateTime<Utc>,
    /// When it was last found.
    last_seen_at: DateTime<Utc>,
    /// When it was not found any more.
    resolved_at: Option<DateTime<Utc>>,
}

impl CutView {
    fn of(cut: Cut) -> Self {
        Self {
            id: cut.id,
            seq: cut.seq,
            cut_off: cut.cut_off,
            scheduled: cut.scheduled,
            merchant: cut.merchant,
            currency: code(cut.currency),
            state: cut.state.as_str(),
            waits_for: cut.waits_for,
            closed_at: cut.closed_at,
        }
    }
}

impl CutAnswerView {
    /// A cut, its first batches, and the cursor to the next.
    pub fn of(cut: Cut, items: Vec<BatchView>, next_cursor: Option<String>) -> Self {
        Self {
            cut: CutView::of(cut),
            items,
            next_cursor,
        }
    }
}

impl BatchView {
    /// A batch as the settlement worker has it.
    pub fn of(batch: Batch) -> Self {
        Self {
            id: batch.id,
            merchant: batch.merchant,
            currency: batch.currency.code().to_owned(),
            gross: batch.gross,
            count: batch.count,
            cut: CutOfBatch {
                id: batch.cut,
                seq: batch.cut_seq,
                cut_off: batch.cut_off,
            },
            state: CutState::Closed.as_str(),
            closed_at: batch.closed_at,
        }
    }

    /// With these of its payments.
    pub fn with(self, items: Vec<BatchItemView>, next_cursor: Option<String>) -> BatchWithItems {
        BatchWithItems {
            batch: self,
            items,
            next_cursor,
        }
    }
}

impl BatchItemView {
    /// A payment as the settlement worker has it.
    pub fn of(item: BatchItem, currency: Currency) -> Self {
        let amount = Money::exact(item.amount, currency)
            .map_or_else(|_| item.amount.to_string(), |money| money.to_string());
        Self {
            transaction: item.transaction,
            seq: item.seq,
            amount,
            order_reference: item.order_reference,
            customer: item.customer,
            posted_at: item.posted_at,
        }
    }
}

impl BreakView {
    /// A break as the settlement worker has it.
    pub fn of(found: Break) -> Self {
        Self {
            id: found.id,
            kind: found.kind.as_str(),
            scope: found.scope,
            currency: found.currency.code().to_owned(),
            ours: found.ours,
            theirs: found.theirs,
            difference: found.difference,
            seq: found.seq,
            state: found.state.as_str(),
            first_seen_at: found.first_seen_at,
            last_seen_at: found.last_seen_at,
            resolved_at: found.resolved_at,
        }
    }
}

fn code(currency: Option<Currency>) -> Option<String> {
    currency.map(|currency| currency.code().to_owned())
}
