//! `POST /v1/dead-letters/{id}/replay`

use axum::{extract::State, response::Response};
use contracts::subjects::rpc::REPLAY_DEAD_LETTER;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::ApiError,
        idempotency::WriteHeaders,
        openapi::{IdempotencyKey, WriteProblems},
        path::DeadLetterPath,
    },
    act::{Act, ActedView, act},
};

/// Applies the event of a dead letter after all.
///
/// Its effect happens once, however many ask and whatever dies. When the worker fails again, the dead
/// letter stays parked and its history says why (422 `replay_failed`). Whoever comes second is told
/// who was first (409). A dry run tries the handler and takes everything back.
#[utoipa::path(
    post,
    path = "/v1/dead-letters/{id}/replay",
    tag = "dead letters",
    operation_id = "replay_dead_letter",
    params(("id" = String, Path, description = "The dead letter, `dlt_…`."), IdempotencyKey),
    request_body = Act,
    responses((status = 200, description = "It was replayed, or what a dry run came to.", body = ActedView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    DeadLetterPath(id): DeadLetterPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<Act>,
) -> Result<Response, ApiError> {
    let asked = (REPLAY_DEAD_LETTER, "replay");
    act(&api, &principal, headers, (id, body), asked).await
}
