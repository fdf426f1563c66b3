//! `POST /v1/payments`

use axum::{extract::State, response::Response};
use contracts::Kind;
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
    movement::{Fields, Order, carry_out},
    openapi::{IdempotencyKey, WriteProblems},
};
use crate::auth::Principal;

/// An order to pay.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreatePayment {
    /// Who pays, `wal_…`.
    wallet: String,
    /// Who is paid: a merchant's wallet, `wal_…`.
    merchant: String,
    /// `digits[.digits]`, above zero, no finer than the currency.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "12.50")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// The merchant's order.
    #[schema(max_length = 255, example = "order-77")]
    order_reference: String,
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

impl CreatePayment {
    /// A payment.
    pub fn order(self, principal: &Principal, api: &Api) -> Result<Order, ApiError> {
        let wallet = fields::wallet(&self.wallet)?;
        let merchant = fields::wallet(&self.merchant)?;
        let order_reference = fields::reference("order_reference", self.order_reference)?;
        let fields = Fields {
            amount: self.amount,
            currency: self.currency,
            description: self.description,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        };
        let mut movement = fields.parse(Kind::Payment, wallet, principal, api)?;
        if wallet == merchant {
            return Err(ApiError::from(ErrorCode::SelfTransfer).field("merchant"));
        }
        movement.counterparty = Some(merchant);
        movement.order_reference = Some(order_reference);
        Ok(Order {
            path: "/v1/payments".to_owned(),
            movement,
        })
    }
}

/// Pays a merchant.
///
/// The payer's available balance must suffice; the merchant is settled later, in batches. An
/// order is paid once, whoever pays it and under whatever key: a second payment is refused with
/// `order_already_paid`. What was decided against leaves the order free; a refund or a reversal
/// does not. The house's fee, where a rule asks for one, is taken from the merchant, in legs of
/// their own.
#[utoipa::path(
    post,
    path = "/v1/payments",
    tag = "money",
    operation_id = "create_payment",
    params(IdempotencyKey),
    request_body = CreatePayment,
    responses(
        (status = 201, description = "The transaction.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CreatePayment>,
) -> Result<Response, ApiError> {
    let order = body.order(&principal, &api)?;
    carry_out(&api, &principal, headers, order).await
}
