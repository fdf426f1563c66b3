//! `POST /v1/accounts/{owner}/kyc-level`

use axum::{extract::State, response::Response};
use contracts::event::KycLevel;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields,
    idempotency::WriteHeaders,
    openapi::{IdempotencyKey, WriteProblems},
    path::OwnerPath,
};
use super::{change, view::AccountChangeView};
use crate::domain::AccountChange;

/// How well an owner is known.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetKycLevel {
    /// `none`, `basic`, `standard` or `advanced`.
    #[schema(pattern = "^(none|basic|standard|advanced)$", example = "standard")]
    level: String,
    /// What proves it: where the document is kept, not the document.
    #[schema(max_length = 255, example = "case-77")]
    document_reference: Option<String>,
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "passport seen")]
    reason: String,
}

/// Sets how well an owner is known; limits follow from it, at once.
///
/// Until a first level is set, an account has no limits. What it spent before counts then.
#[utoipa::path(
    post,
    path = "/v1/accounts/{owner}/kyc-level",
    tag = "accounts",
    operation_id = "set_kyc_level",
    params(("owner" = String, Path, description = "The owner, percent-encoded."), IdempotencyKey),
    request_body = SetKycLevel,
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
    JsonBody(body): JsonBody<SetKycLevel>,
) -> Result<Response, ApiError> {
    let level = KycLevel::parse(&body.level)
        .ok_or_else(|| ApiError::from(ErrorCode::InvalidField).field("level"))?;
    let what = AccountChange::KycLevel {
        level,
        document_reference: body
            .document_reference
            .map(|text| fields::reference("document_reference", text))
            .transpose()?,
    };
    change(
        &api,
        &principal,
        headers,
        owner,
        "kyc-level",
        what,
        body.reason,
    )
    .await
}
