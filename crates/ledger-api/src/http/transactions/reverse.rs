//! `POST /v1/transactions/{id}/reverse`

use axum::{extract::State, response::Response};
use contracts::{Kind, Leg, Posted, TransactionId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields::Metadata,
    idempotency::WriteHeaders,
    movement::Write,
    openapi::{IdempotencyKey, WriteProblems},
    path::TransactionPath,
    remarks::Remarks,
};
use crate::{
    auth::Principal,
    domain::{self, Action, OriginalLeg, Reversal, Sight},
    store,
};

/// Why a transaction is undone.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReverseTransaction {
    /// In words, for the history: the reversal's description.
    #[schema(min_length = 1, max_length = 500, example = "posted twice by mistake")]
    reason: String,
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

impl ReverseTransaction {
    /// The reversal of a transaction.
    pub async fn write(
        self,
        id: TransactionId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Write, ApiError> {
        let remarks = Remarks {
            reason: self.reason,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        };
        let remarks = remarks.parse(principal, api)?;
        let found = store::transactions::find(api.pool(), id).await?;
        let original = found.ok_or(ErrorCode::NotFound)?;
        if original.kind == Kind::Reversal {
            return Err(ErrorCode::NotReversible.into());
        }
        let path = format!("/v1/transactions/{id}/reverse");
        // Those who may reverse see every wallet.
        let action = Action::Reverse(reversal(&original, remarks)?);
        Ok(Write {
            path,
            action,
            sight: Sight::All,
        })
    }
}

/// Undoes a transaction as a whole, fees included.
///
/// A new transaction with exactly the original's legs, each with the other sign. A transaction is
/// reversed once; a reversal never, nor a payment of which something was paid back. The balances
/// must suffice.
#[utoipa::path(
    post,
    path = "/v1/transactions/{id}/reverse",
    tag = "transactions",
    operation_id = "reverse_transaction",
    params(("id" = String, Path, description = "The transaction, `txn_…`."), IdempotencyKey),
    request_body = ReverseTransaction,
    responses(
        (status = 201, description = "The reversal.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    TransactionPath(id): TransactionPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<ReverseTransaction>,
) -> Result<Response, ApiError> {
    let write = body.write(id, &principal, &api).await?;
    write.submit(&api, &principal, headers).await
}

fn reversal(original: &Posted, remarks: domain::Remarks) -> Result<Reversal, ApiError> {
    let legs: Option<Vec<OriginalLeg>> = original.legs.iter().map(leg).collect();
    // The log holds what Florin wrote.
    let mut legs = legs.ok_or(ErrorCode::Internal)?;
    let received = legs.iter().find(|leg| leg.amount.is_positive());
    let refunded = original.refunds.zip(received.map(|leg| leg.amount));
    // A leg that only released what was held moved no money.
    legs.retain(|leg| !leg.amount.is_zero());
    Ok(Reversal {
        original: original.transaction,
        legs,
        refunded,
        remarks,
    })
}

fn leg(leg: &Leg) -> Option<OriginalLeg> {
    Some(OriginalLeg {
        wallet: leg.wallet,
        account: leg.account,
        amount: leg.money().ok()?,
        purpose: leg.purpose,
    })
}
