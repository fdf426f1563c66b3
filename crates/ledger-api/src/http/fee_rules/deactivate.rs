//! `POST /v1/fee-rules/{id}/deactivate`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::{ApiError, ErrorCode},
        fields,
        idempotency::WriteHeaders,
        movement::submit,
        openapi::{IdempotencyKey, WriteProblems},
        path::FeeRulePath,
    },
    view::FeeRuleEndView,
};
use crate::{
    domain::{Action, Sight},
    store,
};

/// Why a rule ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeactivateFeeRule {
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "replaced")]
    reason: String,
}

/// Takes a fee no longer.
///
/// What came before it in the ledger's log keeps its fee. A rule does not begin again: make a new
/// one.
#[utoipa::path(
    post,
    path = "/v1/fee-rules/{id}/deactivate",
    tag = "fees",
    operation_id = "deactivate_fee_rule",
    params(("id" = String, Path, description = "The rule, `fee_…`."), IdempotencyKey),
    request_body = DeactivateFeeRule,
    responses((status = 200, description = "Its end.", body = FeeRuleEndView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    FeeRulePath(rule): FeeRulePath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<DeactivateFeeRule>,
) -> Result<Response, ApiError> {
    let reason = fields::reason(body.reason)?;
    if store::fee_rules::find(api.pool(), rule).await?.is_none() {
        return Err(ErrorCode::NotFound.into());
    }
    let path = format!("/v1/fee-rules/{rule}/deactivate");
    let end = crate::domain::DeactivateFeeRule { rule, reason };
    let action = Action::DeactivateFeeRule(end);
    submit(&api, &principal, headers, &path, Sight::All, action).await
}
