//! `POST /v1/holds/{id}/capture`

use axum::{extract::State, response::Response};
use contracts::HoldId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        answer::TransactionView,
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::ApiError,
        fields::Metadata,
        idempotency::WriteHeaders,
        movement::{Fields, Write},
        openapi::{IdempotencyKey, WriteProblems},
        path::HoldPath,
    },
    Found,
};
use crate::{
    auth::Principal,
    domain::{Action, CaptureHold, HoldAction, Movement},
};

/// What to take of a hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaptureHoldBody {
    /// `digits[.digits]`, above zero, no finer than the currency; all that remains when left out.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "30.00")]
    amount: Option<String>,
    /// Release what this capture leaves. Without it the rest stays held, for further captures.
    #[serde(default, rename = "final")]
    last: bool,
    /// A line for people.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Yours.
    #[schema(max_length = 255)]
    reference: Option<String>,
    /// When it counts, not in the future; needs the permission `money:backdate`.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_at: Option<String>,
    /// Yours; at most 20 entries.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Metadata>,
}

impl CaptureHoldBody {
    /// The capture of a hold, when the bearer may dispose of it.
    pub async fn write(
        self,
        id: HoldId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Write, ApiError> {
        let found = Found::disposed_by(api, principal, id).await?;
        let terms = &found.row.terms;
        let (all, last) = (self.amount.is_none(), self.last);
        let fields = Fields {
            amount: self.amount.unwrap_or_else(|| terms.amount.to_string()),
            currency: terms.amount.currency().code().to_owned(),
            description: self.description,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        };
        let merchant_category = match terms.counterparty {
            Some(receiver) => {
                let [facts] = api.facts([receiver]).await?;
                facts.category
            }
            None => None,
        };
        let movement = Movement {
            counterparty: terms.counterparty,
            merchant_category,
            order_reference: terms.order_reference.clone(),
            ..fields.parse(terms.kind, terms.wallet, principal, api)?
        };
        let sight = found.sight(principal);
        let action = Action::Hold(HoldAction::Capture(CaptureHold {
            hold: id,
            placed_at: found.row.placed_at,
            movement,
            all,
            last,
        }));
        let path = format!("/v1/holds/{id}/capture");
        Ok(Write {
            path,
            action,
            sight,
        })
    }
}

/// Takes money that is set aside.
///
/// Posts the payment, transfer or withdrawal that the hold is for, out of what is held. It may be
/// done several times until nothing is left. Not for the wallet's owner, who has promised the
/// money. A wallet that was frozen since refuses, and so does a hold that has run out.
#[utoipa::path(
    post,
    path = "/v1/holds/{id}/capture",
    tag = "holds",
    operation_id = "capture_hold",
    params(("id" = String, Path, description = "The hold, `hld_…`."), IdempotencyKey),
    request_body = CaptureHoldBody,
    responses(
        (status = 201, description = "The transaction.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    HoldPath(id): HoldPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CaptureHoldBody>,
) -> Result<Response, ApiError> {
    let write = body.write(id, &principal, &api).await?;
    write.submit(&api, &principal, headers).await
}
