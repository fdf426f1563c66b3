//! `POST /v1/wallets/{id}/transfer`

use axum::{extract::State, response::Response};
use contracts::{Kind, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields::{self, Metadata},
    idempotency::WriteHeaders,
    movement::{Fields, Order, carry_out},
    openapi::{IdempotencyKey, WriteProblems},
    path::WalletPath,
};
use crate::auth::Principal;

/// Money to move to another wallet.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Transfer {
    /// The receiver, `wal_…`; it may be anybody's.
    to_wallet: String,
    /// `digits[.digits]`, above zero, no finer than the currency.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "12.50")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// A line for people.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Yours.
    #[schema(max_length = 255)]
    reference: Option<String>,
    /// When it counts, not in the future; needs the permission `money:backdate`.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_at: Option<String>,
    /// Yours; at most 20 entries.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Metadata>,
}

impl Transfer {
    /// A transfer out of `wallet`.
    pub fn order(
        self,
        wallet: WalletId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Order, ApiError> {
        let to = fields::wallet(&self.to_wallet)?;
        let fields = Fields {
            amount: self.amount,
            currency: self.currency,
            description: self.description,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        };
        let mut movement = fields.parse(Kind::Transfer, wallet, principal, api)?;
        if wallet == to {
            return Err(ApiError::from(ErrorCode::SelfTransfer).field("to_wallet"));
        }
        movement.counterparty = Some(to);
        let path = format!("/v1/wallets/{wallet}/transfer");
        Ok(Order { path, movement })
    }
}

/// Moves money to another wallet.
///
/// The receiver may be anybody's wallet. The available balance must suffice.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/transfer",
    tag = "money",
    operation_id = "transfer",
    params(("id" = String, Path, description = "The sender's wallet, `wal_…`."), IdempotencyKey),
    request_body = Transfer,
    responses(
        (status = 201, description = "The transaction.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(wallet): WalletPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<Transfer>,
) -> Result<Response, ApiError> {
    let order = body.order(wallet, &principal, &api)?;
    carry_out(&api, &principal, headers, order).await
}
