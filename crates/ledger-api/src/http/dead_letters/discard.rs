//! `POST /v1/dead-letters/{id}/discard`

use axum::{extract::State, response::Response};
use contracts::subjects::rpc::DISCARD_DEAD_LETTER;

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

/// Decides that a dead letter stays without effect.
///
/// The history keeps who decided it and why. Whoever comes second is told who was first (409).
#[utoipa::path(
    post,
    path = "/v1/dead-letters/{id}/discard",
    tag = "dead letters",
    operation_id = "discard_dead_letter",
    params(("id" = String, Path, description = "The dead letter, `dlt_…`."), IdempotencyKey),
    request_body = Act,
    responses((status = 200, description = "It was discarded, or would be.", body = ActedView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    DeadLetterPath(id): DeadLetterPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<Act>,
) -> Result<Response, ApiError> {
    let asked = (DISCARD_DEAD_LETTER, "discard");
    act(&api, &principal, headers, (id, body), asked).await
}
