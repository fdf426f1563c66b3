//! An alert as the API shows it.

use chrono::{DateTime, Utc};
use contracts::{
    AlertId, Currency, EventId, Money, TransactionId, WalletId,
    rpc::{Alert, Evidence},
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

/// A movement that a fraud rule found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertView {
    /// The alert, `alt_…`.
    #[schema(value_type = String)]
    id: AlertId,
    /// `rapid_withdrawals`, `large_withdrawal` or `large_deposit`.
    #[schema(example = "large_withdrawal")]
    rule: &'static str,
    /// `low`, `medium` or `high`.
    #[schema(example = "high")]
    severity: &'static str,
    /// Whose movement it is, `wal_…`.
    #[schema(value_type = String)]
    wallet: WalletId,
    /// The event that the rule found, `evt_…`.
    #[schema(value_type = String)]
    event: EventId,
    /// Its position in the log.
    seq: u64,
    /// Its transaction, `txn_…`.
    #[schema(value_type = String)]
    transaction: TransactionId,
    /// When the movement counts.
    effective_at: DateTime<Utc>,
    /// When the ledger wrote it.
    posted_at: DateTime<Utc>,
    /// Why the rule found it, as it is known now.
    evidence: EvidenceView,
}

/// What a rule decided on.
#[derive(Debug, Serialize, ToSchema)]
pub struct EvidenceView {
    /// The currency of the amounts.
    #[schema(example = "EUR")]
    currency: String,
    /// What moved.
    #[schema(example = "12000.00")]
    amount: String,
    /// From which amount on the rule finds a movement; null when it counts movements.
    #[schema(example = "10000.00")]
    threshold: Option<String>,
    /// The length of the window that was counted; null when the rule is about one movement.
    window_seconds: Option<u32>,
    /// Movements in the window up to this one, itself included; counted up to 1,000.
    count: u64,
    /// The events of the latest of them, up to 20.
    #[schema(value_type = Vec<String>)]
    events: Vec<EventId>,
}

impl AlertView {
    /// An alert as the fraud worker has it.
    pub fn of(alert: Alert) -> Self {
        Self {
            id: alert.id,
            rule: alert.rule.as_str(),
            severity: alert.severity.as_str(),
            wallet: alert.wallet,
            event: alert.event,
            seq: alert.seq,
            transaction: alert.transaction,
            effective_at: alert.effective_at,
            posted_at: alert.posted_at,
            evidence: EvidenceView::of(alert.evidence),
        }
    }
}

impl EvidenceView {
    fn of(evidence: Evidence) -> Self {
        let text = |amount| text(amount, evidence.currency);
        Self {
            currency: evidence.currency.code().to_owned(),
            amount: text(evidence.amount),
            threshold: evidence.threshold.map(text),
            window_seconds: evidence.window_seconds,
            count: evidence.count,
            events: evidence.events,
        }
    }
}

/// At the currency's scale, whatever the worker sent.
fn text(amount: Decimal, currency: Currency) -> String {
    Money::exact(amount, currency).map_or_else(|_| amount.to_string(), |money| money.to_string())
}
