//! `GET /v1/dead-letters/{id}`

use axum::{Json, extract::State};

use super::{
    super::{
        api::Api, authorised::Authorised, error::ApiError, openapi::ReadProblems,
        path::DeadLetterPath,
    },
    find::find,
    view::WholeDeadLetterView,
};

/// One dead letter with its bytes and what was done to it.
#[utoipa::path(
    get,
    path = "/v1/dead-letters/{id}",
    tag = "dead letters",
    operation_id = "get_dead_letter",
    params(("id" = String, Path, description = "The dead letter, `dlt_…`.")),
    responses(
        (status = 200, description = "The dead letter.", body = WholeDeadLetterView),
        ReadProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    DeadLetterPath(id): DeadLetterPath,
) -> Result<Json<WholeDeadLetterView>, ApiError> {
    let (worker, letter) = find(&api, id).await?;
    Ok(Json(WholeDeadLetterView::of(worker, letter)))
}
