//! `GET /v1/fee-rules/{id}`

use axum::{Json, extract::State};

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        error::{ApiError, ErrorCode},
        openapi::ReadProblems,
        path::FeeRulePath,
    },
    FeeRuleView,
};
use crate::store;

/// A fee rule, active or ended.
#[utoipa::path(
    get,
    path = "/v1/fee-rules/{id}",
    tag = "fees",
    operation_id = "get_fee_rule",
    params(("id" = String, Path, description = "The rule, `fee_…`.")),
    responses((status = 200, description = "The rule.", body = FeeRuleView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    FeeRulePath(id): FeeRulePath,
) -> Result<Json<FeeRuleView>, ApiError> {
    let row = store::fee_rules::find(api.pool(), id).await?;
    let row = row.ok_or(ErrorCode::NotFound)?;
    Ok(Json(FeeRuleView::stored(&row)))
}
