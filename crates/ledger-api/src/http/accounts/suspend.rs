//! `POST /v1/accounts/{owner}/suspend`

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

/// Suspends an account.
///
/// Nothing moves in or out of any wallet of its owner from then on, wallets opened later among
/// them.
#[utoipa::path(
    post,
    path = "/v1/accounts/{owner}/suspend",
    tag = "accounts",
    operation_id = "suspend_account",
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
    let what = AccountChange::Suspend;
    change(
        &api,
        &principal,
        headers,
        owner,
        "suspend",
        what,
        body.reason,
    )
    .await
}
