//! Fee rules as clients see them.

use chrono::{DateTime, Utc};
use contracts::{
    EventType, FeeRuleId,
    event::{FeeRuleChanged, FeeTerms},
};
use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::answer::{CREATED, DONE, at_scale, json};
use crate::{posting::Rendered, store::fee_rules::RuleRow};

/// What the house takes for some transactions.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeeRuleView {
    /// The rule, `fee_…`.
    #[schema(value_type = String, example = "fee_0190c3a65f7d7c3e8b1a2f4d6e8c0a12")]
    pub id: FeeRuleId,
    /// `payment`, `withdrawal`, `transfer`, `deposit`.
    #[schema(value_type = Vec<String>)]
    pub kinds: Vec<&'static str>,
    /// Only of payments to merchants of this category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merchant_category: Option<String>,
    /// Only of transactions in this currency.
    #[schema(example = "EUR")]
    pub currency: String,
    /// Percent of the amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.5")]
    pub percentage: Option<String>,
    /// Added to the percentage.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.10")]
    pub fixed: Option<String>,
    /// At least this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<String>,
    /// At most this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<String>,
    /// Does it hold now?
    pub active: bool,
    /// It holds for what comes after this position of the ledger's log …
    pub seq: u64,
    /// … and not for what comes after this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_seq: Option<u64>,
    /// When it began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
}

impl FeeRuleView {
    /// A rule as it is stored.
    pub fn stored(row: &RuleRow) -> Self {
        let (ended_seq, ended_at) = row.ended.unzip();
        Self {
            active: row.ended.is_none(),
            seq: row.seq,
            ended_seq,
            created_at: Some(row.created_at),
            ended_at,
            ..Self::of(row.id, &row.terms)
        }
    }

    fn of(id: FeeRuleId, terms: &FeeTerms) -> Self {
        let amount = |part: Option<Decimal>| part.map(|part| at_scale(part, terms.currency));
        Self {
            id,
            kinds: terms.kinds.iter().map(|kind| kind.as_str()).collect(),
            merchant_category: terms.merchant_category.clone(),
            currency: terms.currency.code().to_owned(),
            percentage: terms.percentage.map(|rate| rate.to_string()),
            fixed: amount(terms.fixed),
            minimum: amount(terms.minimum),
            maximum: amount(terms.maximum),
            active: true,
            seq: 0,
            ended_seq: None,
            created_at: None,
            ended_at: None,
        }
    }
}

/// The end of a rule.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeeRuleEndView {
    /// The rule, `fee_…`.
    #[schema(value_type = String)]
    pub id: FeeRuleId,
    /// It holds no longer.
    pub active: bool,
    /// It does not hold for what comes after this position of the ledger's log.
    pub ended_seq: u64,
    /// When it ended.
    pub ended_at: DateTime<Utc>,
    /// Why.
    pub reason: Option<String>,
}

/// The stored answer about a rule that begins or ends.
pub fn rendered(event: &FeeRuleChanged) -> Rendered {
    if event.event_type == EventType::FeeRuleCreated {
        let view = FeeRuleView {
            seq: event.seq,
            created_at: Some(event.posted_at),
            ..FeeRuleView::of(event.rule, &event.terms)
        };
        Rendered {
            status: CREATED,
            body: json(&view),
        }
    } else {
        let view = FeeRuleEndView {
            id: event.rule,
            active: false,
            ended_seq: event.seq,
            ended_at: event.posted_at,
            reason: event.reason.clone(),
        };
        Rendered {
            status: DONE,
            body: json(&view),
        }
    }
}
