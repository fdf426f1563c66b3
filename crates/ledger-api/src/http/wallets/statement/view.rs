//! A statement as answers show it.

use chrono::{DateTime, Utc};
use contracts::{Kind, TransactionId, WalletId};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::super::moment;
use crate::store::{
    period::{Period, bounds},
    statement::{Line, Part, Subject},
};

/// A statement, or a part of one. Amounts are strings at exactly the currency's scale.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatementView {
    /// The wallet, `wal_…`.
    #[schema(value_type = String)]
    pub wallet: WalletId,
    /// The currency.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The time that orders the lines: `posted` or `effective`.
    #[schema(example = "posted")]
    pub by: &'static str,
    /// The first moment that is in it; null from the beginning.
    pub from: Option<DateTime<Utc>>,
    /// The first moment that is no more in it; null up to now.
    pub to: Option<DateTime<Utc>>,
    /// The version of the balance that the statement is of.
    pub as_of_version: u64,
    /// The balance before the first line.
    #[schema(example = "100.00")]
    pub opening_balance: String,
    /// What changed it, oldest first.
    pub lines: Vec<LineView>,
    /// The balance after the last line.
    #[schema(example = "75.00")]
    pub closing_balance: String,
    /// Goes into `cursor` for the next part; null on the last one.
    pub next_cursor: Option<String>,
}

/// What changed a balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct LineView {
    /// The transaction, `txn_…`.
    #[schema(value_type = String)]
    pub transaction: TransactionId,
    /// What it was for.
    #[schema(value_type = String, example = "transfer")]
    pub kind: Kind,
    /// When it counts.
    pub effective_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// What the balance changed by, signed.
    #[schema(example = "-25.00")]
    pub amount: String,
    /// What it was afterwards, in the order of the lines.
    #[schema(example = "75.00")]
    pub balance: String,
    /// The other wallet, where there is one.
    #[schema(value_type = Option<String>)]
    pub counterparty: Option<WalletId>,
    /// The sender's reference.
    pub reference: Option<String>,
    /// The merchant's order, on payments.
    pub order_reference: Option<String>,
    /// A line for people.
    pub description: Option<String>,
}

impl StatementView {
    pub(super) fn of(
        subject: &Subject,
        period: &Period,
        part: Part,
        next_cursor: Option<String>,
    ) -> Self {
        let (earliest, latest) = bounds();
        let closing_balance = part
            .lines
            .last()
            .map_or_else(|| part.opening.clone(), |line| line.balance.clone());
        let line = |line| LineView::of(line, subject.wallet);
        Self {
            wallet: subject.wallet,
            currency: subject.currency.code().to_owned(),
            by: moment::spelled(period.by),
            from: Some(period.from).filter(|from| *from != earliest),
            to: Some(period.to).filter(|to| *to != latest),
            as_of_version: subject.as_of.unsigned_abs(),
            opening_balance: part.opening,
            lines: part.lines.into_iter().map(line).collect(),
            closing_balance,
            next_cursor,
        }
    }
}

impl LineView {
    fn of(line: Line, own: WalletId) -> Self {
        let posted = line.posted;
        Self {
            transaction: posted.transaction,
            kind: posted.kind,
            effective_at: posted.effective_at,
            posted_at: posted.posted_at,
            amount: line.amount,
            balance: line.balance,
            counterparty: posted
                .legs
                .iter()
                .filter_map(|leg| leg.wallet)
                .find(|wallet| *wallet != own),
            reference: posted.reference,
            order_reference: posted.order_reference,
            description: posted.description,
        }
    }
}
