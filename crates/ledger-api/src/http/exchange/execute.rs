//! `POST /v1/exchange`

use axum::{extract::State, response::Response};
use contracts::QuoteId;
use serde::{Deserialize, de::IgnoredAny};
use utoipa::ToSchema;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields::{self, Metadata},
    idempotency::WriteHeaders,
    movement::submit,
    openapi::{IdempotencyKey, WriteProblems},
};
use crate::{
    domain::{Action, Exchange},
    store,
};

/// An exchange at a price that was given.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExecuteExchange {
    /// Whose money it is, `wal_…`: the quote's wallet.
    wallet: String,
    /// The quote, `qte_…`.
    quote: String,
    /// Taken and ignored: the quote's rate counts, whatever a client believes.
    #[schema(value_type = Option<String>)]
    rate: Option<IgnoredAny>,
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

/// Exchanges money at the price of a quote.
///
/// One transaction: `from` leaves the wallet, `to` comes in, and the spread goes to the house. A
/// quote is executed once, before it expires; a refused exchange leaves it open.
#[utoipa::path(
    post,
    path = "/v1/exchange",
    tag = "exchange",
    operation_id = "execute_exchange",
    params(IdempotencyKey),
    request_body = ExecuteExchange,
    responses(
        (status = 201, description = "The transaction.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<ExecuteExchange>,
) -> Result<Response, ApiError> {
    let wallet = fields::wallet(&body.wallet)?;
    let quote: QuoteId = body.quote.parse().map_err(|_| ErrorCode::NotFound)?;
    // The client's own idea of the rate.
    let _: Option<IgnoredAny> = body.rate;
    let reference = body
        .reference
        .map(|text| fields::reference("reference", text))
        .transpose()?;
    let description = body.description.map(fields::description).transpose()?;
    let metadata = fields::metadata(body.metadata)?;
    let owner = api.own(wallet, &principal).await?.owner;
    let found = store::quotes::find(api.pool(), quote).await?;
    let (quote, _) = found
        .filter(|(quote, _)| quote.wallet == wallet)
        .ok_or(ErrorCode::NotFound)?;
    let action = Action::Exchange(Exchange {
        quote,
        reference,
        description,
        metadata,
    });
    let sight = principal.sight([(wallet, owner.as_str())]);
    submit(&api, &principal, headers, "/v1/exchange", sight, action).await
}
