//! What fraud rules found, as the API shows it.

use contracts::{AlertId, Currency, WalletId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ApiClient, ApiError, Page};

/// A movement that a fraud rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The alert.
    pub id: AlertId,
    /// The rule.
    pub rule: String,
    /// How much it matters.
    pub severity: String,
    /// Whose movement it is.
    pub wallet: WalletId,
    /// Why.
    pub evidence: Evidence,
}

/// What a rule decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The currency of the amount.
    pub currency: Currency,
    /// What moved.
    pub amount: Decimal,
    /// Movements that were counted.
    pub count: u64,
}

impl ApiClient {
    /// A page of alerts, newest first.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn alerts(&self, query: &[(&str, &str)]) -> Result<Page<Alert>, ApiError> {
        self.read(&["v1", "alerts"], query).await
    }
}
