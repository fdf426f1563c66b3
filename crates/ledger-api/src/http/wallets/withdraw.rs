//! `POST /v1/wallets/{id}/withdraw`

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

/// Takes money out of a wallet.
///
/// The money goes to a funding account. The available balance must suffice.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/withdraw",
    tag = "money",
    operation_id = "withdraw",
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
    let order = body.order(Kind::Withdrawal, wallet, "withdraw", &principal, &api)?;
    carry_out(&api, &principal, headers, order).await
}
