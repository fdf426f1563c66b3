//! `POST /v1/holds`

use axum::{extract::State, response::Response};
use contracts::{HoldId, Kind, WalletId, event::WalletKind};
use serde::Deserialize;
use service_runtime::entropy;
use utoipa::ToSchema;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::{ApiError, ErrorCode},
        fields::{self, Metadata},
        idempotency::WriteHeaders,
        movement::Write,
        openapi::{IdempotencyKey, WriteProblems},
    },
    view::HoldView,
};
use crate::{
    auth::Principal,
    domain::{Action, HoldAction, HoldTerms, PlaceHold, Sight},
};

/// Money to set aside.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceHoldBody {
    /// Whose money, `wal_…`.
    wallet: String,
    /// `digits[.digits]`, above zero, no finer than the currency.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "80.00")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// The merchant's wallet in whose favour it is: a capture is a payment.
    merchant: Option<String>,
    /// Or the wallet in whose favour it is: a capture is a transfer. With neither, a capture is a
    /// withdrawal.
    to_wallet: Option<String>,
    /// The merchant's order: with `merchant`, and only with it.
    #[schema(max_length = 255, example = "order-77")]
    order_reference: Option<String>,
    /// When it runs out, at most 31 days ahead; in 7 days when left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<String>,
    /// A line for people.
    #[schema(max_length = 500)]
    description: Option<String>,
    /// Yours.
    #[schema(max_length = 255)]
    reference: Option<String>,
    /// Yours; at most 20 entries.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Metadata>,
}

impl PlaceHoldBody {
    /// The placing, when the bearer may use the wallet and the counterparty is there.
    pub async fn write(self, principal: &Principal, api: &Api) -> Result<Write, ApiError> {
        let wallet = fields::wallet(&self.wallet)?;
        let (kind, counterparty) = favour(&self)?;
        let id = HoldId::mint(api.clock().now(), entropy());
        let reference = |field, text: Option<String>| {
            let parsed = text.map(|text| fields::reference(field, text));
            parsed.transpose()
        };
        let terms = HoldTerms {
            id,
            wallet,
            kind,
            counterparty,
            amount: fields::money(&self.amount, &self.currency)?,
            reference: reference("reference", self.reference)?,
            order_reference: reference("order_reference", self.order_reference)?,
            description: self.description.map(fields::description).transpose()?,
            metadata: fields::metadata(self.metadata)?,
        };
        let expires_at = self.expires_at.as_deref();
        let expires_at = expires_at
            .map(|text| fields::moment("expires_at", text))
            .transpose()?;
        if counterparty == Some(wallet) {
            return Err(ApiError::from(ErrorCode::SelfTransfer).field(field_of(kind)));
        }
        api.own(wallet, principal).await?;
        if let Some(counterparty) = counterparty {
            let [facts] = api.facts([counterparty]).await?;
            if kind == Kind::Payment && facts.kind != WalletKind::Merchant {
                return Err(ApiError::from(ErrorCode::NotAMerchant).field("merchant"));
            }
        }
        let action = Action::Hold(HoldAction::Place(PlaceHold { terms, expires_at }));
        Ok(Write {
            path: "/v1/holds".to_owned(),
            action,
            sight: Sight::All,
        })
    }
}

/// Sets money aside.
///
/// It stays the wallet's, but cannot be spent: `available` is what is posted less what is held.
/// Whom it is in favour of may capture it, in parts too, or void it; what is left when it runs out
/// comes free by itself. The wallet's owner can do neither.
#[utoipa::path(
    post,
    path = "/v1/holds",
    tag = "holds",
    operation_id = "place_hold",
    params(IdempotencyKey),
    request_body = PlaceHoldBody,
    responses((status = 201, description = "The hold.", body = HoldView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<PlaceHoldBody>,
) -> Result<Response, ApiError> {
    let write = body.write(&principal, &api).await?;
    write.submit(&api, &principal, headers).await
}

/// What a capture will be, and to whom.
fn favour(body: &PlaceHoldBody) -> Result<(Kind, Option<WalletId>), ApiError> {
    let wrong = |field, why: &'static str| {
        let error = ApiError::from(ErrorCode::InvalidField);
        Err(error.field(field).detail(why))
    };
    let (kind, text) = match (&body.merchant, &body.to_wallet) {
        (Some(_), Some(_)) => {
            return wrong("to_wallet", "a hold is in favour of one wallet, not of two");
        }
        (Some(merchant), None) => (Kind::Payment, merchant),
        (None, Some(receiver)) => (Kind::Transfer, receiver),
        (None, None) => {
            if body.order_reference.is_some() {
                return wrong("order_reference", "an order is a merchant's");
            }
            return Ok((Kind::Withdrawal, None));
        }
    };
    match (kind, &body.order_reference) {
        (Kind::Payment, None) => wrong("order_reference", "a merchant's hold is for an order"),
        (Kind::Transfer, Some(_)) => wrong("order_reference", "an order is a merchant's"),
        _ => Ok((kind, Some(fields::wallet(text)?))),
    }
}

fn field_of(kind: Kind) -> &'static str {
    if kind == Kind::Payment {
        "merchant"
    } else {
        "to_wallet"
    }
}
