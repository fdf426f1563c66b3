//! What takes back and puts right: refunds, adjustments, credit lines, and the rules about fees.

use contracts::{TransactionId, WalletId};
use serde_json::Value;

use super::{ApiClient, ApiError, CreditLimit, NewAdjustment, NewRefund, Transaction, Written};

impl ApiClient {
    /// Pays a payment back, or part of it.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn refund(
        &self,
        key: &str,
        payment: TransactionId,
        refund: &NewRefund,
    ) -> Result<Written<Transaction>, ApiError> {
        let payment = payment.to_string();
        self.write(key, &["v1", "payments", &payment, "refunds"], refund)
            .await
    }

    /// Corrects a balance.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn adjust(
        &self,
        key: &str,
        wallet: WalletId,
        adjustment: &NewAdjustment,
    ) -> Result<Written<Transaction>, ApiError> {
        let wallet = wallet.to_string();
        self.write(key, &["v1", "wallets", &wallet, "adjust"], adjustment)
            .await
    }

    /// Says how far below zero a wallet may go.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn set_credit_limit(
        &self,
        key: &str,
        wallet: WalletId,
        limit: &CreditLimit,
    ) -> Result<(), ApiError> {
        let wallet = wallet.to_string();
        let path = ["v1", "wallets", &wallet, "credit-limit"];
        let _: Written<Value> = self.write(key, &path, limit).await?;
        Ok(())
    }

    /// Makes a rule about what the house takes; its body is as the API documents it.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn create_fee_rule(&self, key: &str, rule: &Value) -> Result<(), ApiError> {
        let _: Written<Value> = self.write(key, &["v1", "fee-rules"], rule).await?;
        Ok(())
    }
}
