//! `POST /v1/wallets/{id}/close`

use axum::{extract::State, response::Response};

use super::super::{
    answer::WalletChangeView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::ApiError,
    idempotency::WriteHeaders,
    openapi::{IdempotencyKey, WriteProblems},
    path::WalletPath,
};
use super::{Reason, change};
use crate::domain::WalletChange;

/// Closes a wallet for good.
///
/// Only without money, and without money held, in every currency. Its history stays readable.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/close",
    tag = "wallets",
    operation_id = "close_wallet",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), IdempotencyKey),
    request_body = Reason,
    responses(
        (status = 200, description = "The wallet's state now.", body = WalletChangeView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(wallet): WalletPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Response, ApiError> {
    let what = WalletChange::Close;
    change(
        &api,
        &principal,
        headers,
        wallet,
        "close",
        what,
        body.reason,
    )
    .await
}
