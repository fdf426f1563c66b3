//! `POST /v1/wallets/{id}/freeze`

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

/// Freezes a wallet, or one currency of it.
///
/// No money leaves from then on; what comes in is kept. A freeze that commits first wins against
/// every debit after it.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/freeze",
    tag = "wallets",
    operation_id = "freeze_wallet",
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
    let what = WalletChange::Freeze(currency);
    change(
        &api,
        &principal,
        headers,
        wallet,
        "freeze",
        what,
        body.reason,
    )
    .await
}
