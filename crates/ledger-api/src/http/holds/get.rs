//! `GET /v1/holds/{id}`

use axum::{Json, extract::State};

use super::{
    super::{
        api::Api, authorised::Authorised, error::ApiError, openapi::ReadProblems, path::HoldPath,
    },
    Found,
    view::HoldView,
};

/// A hold.
///
/// For the owner of the wallet, and for whom it is in favour of.
#[utoipa::path(
    get,
    path = "/v1/holds/{id}",
    tag = "holds",
    operation_id = "get_hold",
    params(("id" = String, Path, description = "The hold, `hld_…`.")),
    responses((status = 200, description = "The hold.", body = HoldView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    HoldPath(id): HoldPath,
) -> Result<Json<HoldView>, ApiError> {
    let found = Found::seen_by(&api, &principal, id).await?;
    Ok(Json(HoldView::stored(found.row)))
}
