//! `POST /v1/payments/{id}/refunds`

use axum::{extract::State, response::Response};
use contracts::{Kind, Money, Posted, TransactionId, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields::{self, Metadata},
    idempotency::WriteHeaders,
    movement::Write,
    openapi::{IdempotencyKey, WriteProblems},
    path::TransactionPath,
    remarks::Remarks,
};
use crate::{
    auth::Principal,
    domain::{Action, Refund},
    store,
};

/// Money to pay back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateRefund {
    /// `digits[.digits]`, above zero, in the payment's currency; all that is left without.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "5.00")]
    amount: Option<String>,
    /// In words, for the history: the transaction's description.
    #[schema(min_length = 1, max_length = 500, example = "one cup was broken")]
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

impl CreateRefund {
    /// The refund of a payment to a merchant whom the bearer may act for.
    pub async fn write(
        self,
        payment: TransactionId,
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
        let posted = store::transactions::find(api.pool(), payment).await?;
        let sides = posted.as_ref().and_then(Sides::of);
        let sides = sides.ok_or(ErrorCode::NotFound)?;
        let [merchant, customer] = api.facts([sides.merchant, sides.customer]).await?;
        if !principal.sees(&merchant.owner) {
            return Err(ErrorCode::NotFound.into());
        }
        let currency = sides.paid.currency();
        let amount = self
            .amount
            .map(|text| fields::money(&text, currency.code()));
        let refund = Refund {
            payment,
            merchant: sides.merchant,
            customer: sides.customer,
            paid: sides.paid,
            amount: amount.transpose()?,
            remarks,
        };
        let sight = principal.sight([
            (sides.merchant, merchant.owner.as_str()),
            (sides.customer, customer.owner.as_str()),
        ]);
        let path = format!("/v1/payments/{payment}/refunds");
        Ok(Write {
            path,
            action: Action::Refund(refund),
            sight,
        })
    }
}

/// Pays a payment back, whole or in part.
///
/// For the merchant's owner and for staff. The money goes from the merchant's wallet to the wallet
/// that paid; over all refunds together never more than was paid. The house keeps the fee that it
/// took for the payment: the merchant pays back what the customer paid. A payment that was
/// reversed is not refunded.
#[utoipa::path(
    post,
    path = "/v1/payments/{id}/refunds",
    tag = "money",
    operation_id = "create_refund",
    params(("id" = String, Path, description = "The payment, `txn_…`."), IdempotencyKey),
    request_body = CreateRefund,
    responses(
        (status = 201, description = "The transaction.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    TransactionPath(payment): TransactionPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CreateRefund>,
) -> Result<Response, ApiError> {
    let write = body.write(payment, &principal, &api).await?;
    write.submit(&api, &principal, headers).await
}

/// Who paid whom, and how much.
struct Sides {
    merchant: WalletId,
    customer: WalletId,
    paid: Money,
}

impl Sides {
    /// Those of a payment; none of other transactions.
    fn of(posted: &Posted) -> Option<Self> {
        if posted.kind != Kind::Payment {
            return None;
        }
        // Its own legs: a fee has a purpose.
        let side = |received: bool| {
            let mut legs = posted.legs.iter().filter(|leg| leg.purpose.is_none());
            legs.find(|leg| leg.amount.is_sign_positive() == received && leg.wallet.is_some())
        };
        let received = side(true)?;
        Some(Self {
            merchant: received.wallet?,
            customer: side(false)?.wallet?,
            paid: received.money().ok()?,
        })
    }
}
