//! How transactions hang together: what one corrects, and what corrected it.

use std::collections::HashMap;

use contracts::{Posted, TransactionId};
use serde::Serialize;
use sqlx::PgPool;
use utoipa::ToSchema;

use super::answer::{TransactionView, at_scale};
use crate::store::{self, StoreError, corrections::Corrected};

/// What a transaction corrects, and what corrected it.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Links {
    /// The payment that it pays back, on refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub refunds: Option<TransactionId>,
    /// The transaction that it undoes, on reversals.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reverses: Option<TransactionId>,
    /// How much of it was paid back by now; only when it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5.00")]
    pub refunded: Option<String>,
    /// What undid it by now; only when it is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub reversed_by: Option<TransactionId>,
}

impl Links {
    /// What the transaction itself says.
    pub fn of(event: &Posted) -> Self {
        Self {
            refunds: event.refunds,
            reverses: event.reverses,
            refunded: None,
            reversed_by: None,
        }
    }
}

/// What became of transactions afterwards.
pub async fn corrections(
    pool: &PgPool,
    transactions: &[Posted],
) -> Result<HashMap<TransactionId, Corrected>, StoreError> {
    let ids: Vec<TransactionId> = transactions
        .iter()
        .map(|posted| posted.transaction)
        .collect();
    store::corrections::of(pool, &ids).await
}

impl TransactionView {
    /// The same with what became of it afterwards.
    #[must_use]
    pub fn corrected(mut self, event: &Posted, all: &HashMap<TransactionId, Corrected>) -> Self {
        if let (Some(corrected), Some(leg)) = (all.get(&event.transaction), event.legs.first()) {
            let refunded = (!corrected.refunded.is_zero()).then_some(corrected.refunded);
            self.links.refunded = refunded.map(|amount| at_scale(amount, leg.currency));
            self.links.reversed_by = corrected.reversed_by;
        }
        self
    }
}
