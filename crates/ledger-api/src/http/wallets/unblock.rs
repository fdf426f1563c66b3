//! `POST /v1/wallets/{id}/unblock`

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

/// Unblocks a wallet.
///
/// A freeze that was there before the block stays.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/unblock",
    tag = "wallets",
    operation_id = "unblock_wallet",
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
    let what = WalletChange::Unblock;
    change(
        &api,
        &principal,
        headers,
        wallet,
        "unblock",
        what,
        body.reason,
    )
    .await
}
