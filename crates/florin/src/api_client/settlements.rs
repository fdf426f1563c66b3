//! Settlement batches, as the API shows them.

use contracts::{Currency, CutId, SettlementId, WalletId};
use serde::{Deserialize, Serialize};

use super::{ApiClient, ApiError, Page, Written};

/// A cut with the first page of its batches.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CutAnswer {
    /// The cut.
    pub cut: Cut,
}

/// A position in the log up to which payments are settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The cut.
    pub id: CutId,
    /// The position.
    pub seq: u64,
    /// `waiting` or `closed`.
    pub state: String,
    /// What it waits for.
    pub waits_for: Option<String>,
}

/// Payments to one merchant in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// The batch.
    pub id: SettlementId,
    /// The merchant's wallet.
    pub merchant: WalletId,
    /// The currency.
    pub currency: Currency,
    /// The sum of the payments; text, because it may exceed what a number of ours holds.
    pub gross: String,
    /// How many payments.
    pub count: u64,
}

impl ApiClient {
    /// Cuts the log at its end and settles everybody, as far as that can be done now.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn cut(&self, key: &str) -> Result<Written<CutAnswer>, ApiError> {
        let everybody = serde_json::json!({});
        self.write(key, &["v1", "settlements", "batches"], &everybody)
            .await
    }

    /// A page of settlement batches, newest first.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn batches(&self, query: &[(&str, &str)]) -> Result<Page<Batch>, ApiError> {
        self.read(&["v1", "settlements", "batches"], query).await
    }
}
