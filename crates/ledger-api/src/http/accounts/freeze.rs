//! `POST /v1/accounts/{owner}/freeze`

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

/// Freezes an account.
///
/// No money leaves any wallet of its owner from then on; what comes in is kept. A freeze that
/// commits first wins against every debit after it.
#[utoipa::path(
    post,
    path = "/v1/accounts/{owner}/freeze",
    tag = "accounts",
    operation_id = "freeze_account",
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
    let what = AccountChange::Freeze;
    change(
        &api,
        &principal,
        headers,
        owner,
        "freeze",
        what,
        body.reason,
    )
    .await
}
