//! `POST /v1/holds/{id}/void`

use axum::{extract::State, response::Response};
use contracts::HoldId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::ApiError,
        fields,
        idempotency::WriteHeaders,
        movement::Write,
        openapi::{IdempotencyKey, WriteProblems},
        path::HoldPath,
    },
    Found,
    view::HoldView,
};
use crate::{
    auth::Principal,
    domain::{Action, HoldAction, ReleaseHold, Sight},
};

/// Why a hold is released.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidHoldBody {
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "the order was cancelled")]
    reason: String,
}

impl VoidHoldBody {
    /// The release of a hold, when the bearer may dispose of it.
    pub async fn write(
        self,
        id: HoldId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Write, ApiError> {
        let reason = fields::reason(self.reason)?;
        let found = Found::disposed_by(api, principal, id).await?;
        let action = Action::Hold(HoldAction::Release(ReleaseHold {
            terms: found.row.terms,
            placed_at: found.row.placed_at,
            voided: true,
            reason: Some(reason),
        }));
        let path = format!("/v1/holds/{id}/void");
        Ok(Write {
            path,
            action,
            sight: Sight::All,
        })
    }
}

/// Releases what is left of a hold.
///
/// What was captured stays captured. Also of a wallet that is frozen or blocked: the money stays
/// in it. Not for the wallet's owner, who has promised the money.
#[utoipa::path(
    post,
    path = "/v1/holds/{id}/void",
    tag = "holds",
    operation_id = "void_hold",
    params(("id" = String, Path, description = "The hold, `hld_…`."), IdempotencyKey),
    request_body = VoidHoldBody,
    responses((status = 200, description = "The hold.", body = HoldView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    HoldPath(id): HoldPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<VoidHoldBody>,
) -> Result<Response, ApiError> {
    let write = body.write(id, &principal, &api).await?;
    write.submit(&api, &principal, headers).await
}
