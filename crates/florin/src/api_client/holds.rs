//! Holds, as the API takes and shows them.

use contracts::event::HoldState;
use contracts::{HoldId, WalletId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{ApiClient, ApiError, Transaction, Written};

/// Money of a customer to be set aside in favour of a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewHold {
    /// Whose money.
    pub wallet: WalletId,
    /// In whose favour.
    pub merchant: WalletId,
    /// How much, as the API writes amounts.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// The merchant's order.
    pub order_reference: String,
}

/// A hold as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The hold.
    pub id: HoldId,
    /// What it is at.
    pub state: HoldState,
    /// What was set aside at first.
    pub amount: Decimal,
    /// What of it was captured.
    pub captured: Decimal,
    /// What of it is still held.
    pub remaining: Decimal,
}

impl ApiClient {
    /// Sets money aside.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn place_hold(&self, key: &str, hold: &NewHold) -> Result<Written<Hold>, ApiError> {
        self.write(key, &["v1", "holds"], hold).await
    }

    /// Takes a part of a hold; what is left is released with the last capture.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn capture_hold(
        &self,
        key: &str,
        hold: HoldId,
        amount: &str,
        last: bool,
    ) -> Result<Written<Transaction>, ApiError> {
        let body = serde_json::json!({ "amount": amount, "final": last });
        self.write(key, &["v1", "holds", &hold.to_string(), "capture"], &body)
            .await
    }

    /// Releases what is left of a hold.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn void_hold(
        &self,
        key: &str,
        hold: HoldId,
        reason: &str,
    ) -> Result<Written<Hold>, ApiError> {
        let body = serde_json::json!({ "reason": reason });
        self.write(key, &["v1", "holds", &hold.to_string(), "void"], &body)
            .await
    }

    /// A hold.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn hold(&self, hold: HoldId) -> Result<Hold, ApiError> {
        self.read(&["v1", "holds", &hold.to_string()], &[]).await
    }
}
