//! `POST /v1/accounts/{owner}/risk-level`

use axum::{extract::State, response::Response};
use contracts::event::RiskLevel;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    idempotency::WriteHeaders,
    openapi::{IdempotencyKey, WriteProblems},
    path::OwnerPath,
};
use super::{change, view::AccountChangeView};
use crate::domain::AccountChange;

/// How much harm the house expects of an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRiskLevel {
    /// `low`, `medium` or `high`.
    #[schema(pattern = "^(low|medium|high)$", example = "high")]
    level: String,
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "three alerts in a week")]
    reason: String,
}

/// Sets the risk that an account is; limits follow from it, at once.
///
/// Until a first level is set, an account has no limits. What it spent before counts then.
#[utoipa::path(
    post,
    path = "/v1/accounts/{owner}/risk-level",
    tag = "accounts",
    operation_id = "set_risk_level",
    params(("owner" = String, Path, description = "The owner, percent-encoded."), IdempotencyKey),
    request_body = SetRiskLevel,
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
    JsonBody(body): JsonBody<SetRiskLevel>,
) -> Result<Response, ApiError> {
    let level = RiskLevel::parse(&body.level)
        .ok_or_else(|| ApiError::from(ErrorCode::InvalidField).field("level"))?;
    let what = AccountChange::RiskLevel(level);
    change(
        &api,
        &principal,
        headers,
        owner,
        "risk-level",
        what,
        body.reason,
    )
    .await
}
