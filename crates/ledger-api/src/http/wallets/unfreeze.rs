//! `POST /v1/wallets/{id}/unfreeze`

use axum::{extract::State, response::Response};

use super::super::{
    answer::WalletChangeView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::ApiError,
    fields,
    idempotency::WriteHeaders,
    openapi::{IdempotencyKey, WriteProblems},
    path::WalletPath,
};
use super::{ReasonAndCurrency, change};
use crate::domain::WalletChange;

/// Unfreezes a wallet, or one currency of it.
///
/// The wallet and each currency are frozen and unfrozen by themselves.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/unfreeze",
    tag = "wallets",
    operation_id = "unfreeze_wallet",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), IdempotencyKey),
    request_body = ReasonAndCurrency,
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
    JsonBody(body): JsonBody<ReasonAndCurrency>,
) -> Result<Response, ApiError> {
    let currency = body.currency.as_deref().map(fields::currency).transpose()?;
    let what = WalletChange::Unfreeze(currency);
    change(
        &api,
        &principal,
        headers,
        wallet,
        "unfreeze",
        what,
        body.reason,
    )
    .await
}
