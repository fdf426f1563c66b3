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
    movement::Write,
    openapi::{IdempotencyKey, WriteProblems},
};
use crate::{
    auth::Principal,
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

impl ExecuteExchange {
    /// The exchange, when the quote is of a wallet that the bearer may use.
    pub async fn write(self, principal: &Principal, api: &Api) -> Result<Write, ApiError> {
        let wallet = fields::wallet(&self.wallet)?;
        let quote: QuoteId = self.quote.parse().map_err(|_| ErrorCode::NotFound)?;
        // The client's own idea of the rate.
        let _: Option<IgnoredAny> = self.rate;
        let reference = self
            .reference
            .map(|text| fields::reference("reference", text))
            .transpose()?;
        let description = self.description.map(fields::description).transpose()?;
        let metadata = fields::metadata(self.metadata)?;
        let owner = api.own(wallet, principal).await?.owner;
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
        Ok(Write {
            path: "/v1/exchange".to_owned(),
            action,
            sight,
        })
    }
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
    let write = body.write(&principal, &api).await?;
    write.submit(&api, &principal, headers).await
}
