//! `GET /v1/alerts/{id}`

use axum::{Json, extract::State};

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        error::{ApiError, ErrorCode},
        openapi::ReadProblems,
        path::AlertPath,
    },
    AlertView,
};

/// One alert with its evidence.
///
/// The evidence of a rule that counts movements grows when a movement arrives late.
#[utoipa::path(
    get,
    path = "/v1/alerts/{id}",
    tag = "alerts",
    operation_id = "get_alert",
    params(("id" = String, Path, description = "The alert, `alt_…`.")),
    responses((status = 200, description = "The alert.", body = AlertView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    AlertPath(id): AlertPath,
) -> Result<Json<AlertView>, ApiError> {
    let alert = api
        .workers()
        .alert(id)
        .await
        .ok_or(ErrorCode::WorkerUnavailable)?
        .ok_or(ErrorCode::NotFound)?;
    Ok(Json(AlertView::of(alert)))
}
