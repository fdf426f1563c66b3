//! `POST /v1/accounts/{owner}/close`

use axum::{extract::State, response::Response};

use super::super::{
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::ApiError,
    idempotency::WriteHeaders,
    openapi::{IdempotencyKey, WriteProblems},
    path::OwnerPath,
};
use super::{Reason, change, view::AccountChangeView};
use crate::domain::AccountChange;

/// Closes an account for good, and all its wallets with it.
///
/// Only when none of them has money, or money held.
#[utoipa::path(
    post,
    path = "/v1/accounts/{owner}/close",
    tag = "accounts",
    operation_id = "close_account",
    params(("owner" = String, Path, description = "The owner, percent-encoded."), IdempotencyKey),
    request_body = Reason,
    responses(
        (status = 200, description = "The account's state now.", body = AccountChangeView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    OwnerPath(owner): OwnerPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<Reason>,
) -> Result<Response, ApiError> {
    let what = AccountChange::Close;
    change(&api, &principal, headers, owner, "close", what, body.reason).await
}
