//! `POST /v1/accounts/{owner}/resume`

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

/// Resumes an account that is suspended.
///
/// Wallets that are frozen or blocked by themselves stay so.
#[utoipa::path(
    post,
    path = "/v1/accounts/{owner}/resume",
    tag = "accounts",
    operation_id = "resume_account",
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
    let what = AccountChange::Resume;
    change(
        &api,
        &principal,
        headers,
        owner,
        "resume",
        what,
        body.reason,
    )
    .await
}
