//! `POST /v1/wallets/{id}/deposit`

use axum::{extract::State, response::Response};
use contracts::Kind;

use super::{
    super::{
        answer::TransactionView,
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::ApiError,
        idempotency::WriteHeaders,
        movement::carry_out,
        openapi::{IdempotencyKey, WriteProblems},
        path::WalletPath,
    },
    MoveMoney,
};

/// Puts money into a wallet.
///
/// The money comes from a funding account; customers and merchants cannot do this.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/deposit",
    tag = "money",
    operation_id = "deposit",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), IdempotencyKey),
    request_body = MoveMoney,
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
    JsonBody(body): JsonBody<MoveMoney>,
) -> Result<Response, ApiError> {
    let order = body.order(Kind::Deposit, wallet, "deposit", &principal, &api)?;
    carry_out(&api, &principal, headers, order).await
}
