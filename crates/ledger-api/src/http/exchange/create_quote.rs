//! `POST /v1/exchange/quotes`

use axum::{extract::State, response::Response};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields,
    idempotency::WriteHeaders,
    movement::submit,
    openapi::{IdempotencyKey, WriteProblems},
};
use super::view::QuoteView;
use crate::{
    domain::{Action, CreateQuote, Sight, exchange},
    store,
};

/// What somebody wants a price for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CreateQuote)]
pub struct CreateQuoteBody {
    /// Whose money it is, `wal_…`.
    wallet: String,
    /// The currency that leaves.
    #[schema(example = "EUR")]
    from: String,
    /// The currency that comes in.
    #[schema(example = "JPY")]
    to: String,
    /// How much of `from`: `digits[.digits]`, above zero, no finer than the currency.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "25.00")]
    amount: String,
}

/// Gives a price for an exchange.
///
/// Nothing moves and nothing is reserved: the price is good once, until `expires_at`. `to_amount`
/// is `from_amount` times `rate`, rounded down to the smallest unit of `to`.
#[utoipa::path(
    post,
    path = "/v1/exchange/quotes",
    tag = "exchange",
    operation_id = "create_quote",
    params(IdempotencyKey),
    request_body = CreateQuoteBody,
    responses(
        (status = 201, description = "The quote.", body = QuoteView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CreateQuoteBody>,
) -> Result<Response, ApiError> {
    let wallet = fields::wallet(&body.wallet)?;
    let to = fields::currency(&body.to).map_err(|error| error.field("to"))?;
    let from = fields::currency(&body.from).map_err(|error| error.field("from"))?;
    let amount = fields::money(&body.amount, &body.from)?;
    if from == to {
        return Err(ApiError::from(ErrorCode::SameCurrency).field("to"));
    }
    api.own(wallet, &principal).await?;
    let pairs = exchange::pairs(from, to);
    let rows = store::rates::newest(api.pool(), &pairs, api.clock().now()).await?;
    let action = Action::CreateQuote(CreateQuote {
        wallet,
        amount,
        to,
        known: rows.into_iter().map(|row| row.known).collect(),
        terms: *api.terms(),
    });
    let path = "/v1/exchange/quotes";
    submit(&api, &principal, headers, path, Sight::All, action).await
}
