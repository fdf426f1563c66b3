//! `POST /v1/wallets/{id}/credit-limit`

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
use super::change;
use crate::domain::WalletChange;
use axum::{extract::State, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

/// A credit line.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCreditLimit {
    /// `digits[.digits]`, no finer than the currency; zero for none.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "500.00")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "as agreed")]
    reason: String,
}

/// Sets how far below zero a wallet may go in a currency.
///
/// Zero makes it a debit wallet again, which it is unless this was called. A limit that the
/// balance is already beyond is refused.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/credit-limit",
    tag = "wallets",
    operation_id = "set_credit_limit",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), IdempotencyKey),
    request_body = SetCreditLimit,
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
    JsonBody(body): JsonBody<SetCreditLimit>,
) -> Result<Response, ApiError> {
    let limit = fields::ceiling(&body.amount, fields::currency(&body.currency)?)?;
    let what = WalletChange::CreditLimit(limit);
    change(
        &api,
        &principal,
        headers,
        wallet,
        "credit-limit",
        what,
        body.reason,
    )
    .await
}
