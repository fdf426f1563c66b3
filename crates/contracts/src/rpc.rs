//! Bodies of request/reply over NATS (`rpc.<service>.<verb>`). JSON; an answer is either the
//! wanted body or an [`RpcError`], told apart by the `error` field.

pub mod dead_letters;
mod settlement;
mod tie_out;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    AlertId, Currency, EventId, TransactionId, WalletId,
    fraud::{Rule, Severity},
};
pub use settlement::{
    Batch, BatchItem, BatchItems, BatchRequest, BatchesRequest, Break, BreaksRequest, Cut,
    CutAnswer, CutOutcome, CutRequest,
};
pub use tie_out::{
    AccountTotals, MerchantTotal, PaymentsPage, PaymentsRequest, TieOut, TieOutRequest,
    UnevenBalance,
};

/// An answer on the wire.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer<T> {
    /// What was asked for.
    Ok(T),
    /// Why not.
    Error(RpcError),
}

/// Why a service could not answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct RpcError {
    /// Stable and short: `bad_request`, `unavailable`.
    pub code: String,
    /// In words.
    pub detail: String,
}

/// Asks for the head of the ledger's log and, from `from` on, for a bounded page of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsRequest {
    /// The first sequence number wanted.
    pub from: u64,
    /// The last one wanted; below `from` asks for the head alone.
    pub to: u64,
}

/// The end of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The last sequence number; 0 when the log is empty.
    pub seq: u64,
    /// Its hash, hexadecimal.
    pub hash: String,
}

/// A page of the log: whole events in order of `seq`, as many as fit the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsPage {
    /// The end of the log when the page was read.
    pub head: Head,
    /// The events; empty when `from` is beyond the head.
    pub events: Vec<LoggedEvent>,
}

/// A row of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedEvent {
    /// Position in the log.
    pub seq: u64,
    /// The event id.
    pub id: EventId,
    /// The subject, without a prefix.
    pub subject: String,
    /// The link of the hash chain, hexadecimal.
    pub hash: String,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// The data as text, byte for byte.
    pub data: String,
    /// W3C trace context of the request that caused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// Asks for one wallet's statistics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsRequest {
    /// The wallet.
    pub wallet: WalletId,
}

/// How often and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Transactions.
    pub count: u64,
    /// Their sum, positive, at the currency's scale.
    pub amount: Decimal,
}

/// What moved in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyStats {
    /// The currency of the amounts.
    pub currency: Currency,
    /// Deposits.
    pub deposited: Tally,
    /// Withdrawals.
    pub withdrawn: Tally,
    /// Payments made.
    pub paid: Tally,
    /// Payments received.
    pub received: Tally,
    /// Transfers received.
    pub transferred_in: Tally,
    /// Transfers made.
    pub transferred_out: Tally,
}

/// A wallet's statistics: exact as of a position in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletStats {
    /// The wallet.
    pub wallet: WalletId,
    /// Everything up to here is counted, nothing after the newest event is promised.
    pub as_of_seq: u64,
    /// Event time of the wallet's first transaction.
    pub first_seen_at: Option<DateTime<Utc>>,
    /// Event time of its latest transaction; never goes backwards.
    pub last_activity_at: Option<DateTime<Utc>>,
    /// One entry per currency that moved, in order of the code.
    pub balances: Vec<CurrencyStats>,
}

/// Asks for alerts, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertsRequest {
    /// Only those of this wallet.
    pub wallet: Option<WalletId>,
    /// Only those that come after this one in the list.
    pub after: Option<AlertId>,
    /// How many at most.
    pub limit: u16,
}

/// Asks for one alert; the answer is nothing when there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertRequest {
    /// The alert.
    pub alert: AlertId,
}

/// What a fraud rule found, with its evidence as it is known now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The alert id: the same for the same rule and event, whoever finds it and when.
    pub id: AlertId,
    /// Which rule.
    pub rule: Rule,
    /// How much it matters.
    pub severity: Severity,
    /// Whose movement it is.
    pub wallet: WalletId,
    /// The event that the rule found.
    pub event: EventId,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// Its transaction.
    pub transaction: TransactionId,
    /// When the movement counts.
    pub effective_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// Why.
    pub evidence: Evidence,
}

/// What a rule decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The currency of `amount` and `threshold`.
    pub currency: Currency,
    /// What moved: positive, at the currency's scale.
    pub amount: Decimal,
    /// From which amount on the rule finds a movement; rules about one movement only.
    pub threshold: Option<Decimal>,
    /// The length of the window that was counted; rules about several movements only.
    pub window_seconds: Option<u32>,
    /// Movements in that window, the alert's own included.
    pub count: u64,
    /// The latest of them in event time, as many as fit; the alert's own is the last or has the
    /// time of the last.
    pub events: Vec<EventId>,
}
