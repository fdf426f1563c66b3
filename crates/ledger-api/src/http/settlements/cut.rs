//! `POST /v1/settlements/batches`

use axum::{extract::State, response::Response};
use contracts::{
    Currency, WalletId,
    event::WalletKind,
    limits::PAGE_ITEMS_DEFAULT,
    rpc::{CutAnswer, CutOutcome, CutRequest},
    settlement::CutState,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        answer,
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::{ApiError, ErrorCode},
        fields,
        idempotency::{WriteHeaders, fingerprint_of},
        openapi::{IdempotencyKey, WriteProblems},
        page::Page,
    },
    BatchView, CutAnswerView,
};
use crate::store::claims;

const PATH: &str = "/v1/settlements/batches";

/// Whom to settle, and in what. An empty object settles everybody in every currency.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CutBatches {
    /// Only payments in this currency.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// Only payments to this merchant, `wal_…`.
    merchant: Option<String>,
}

/// Puts payments into settlement batches.
///
/// Cuts the log at its end: every payment up to there that no batch has goes into one, by
/// merchant and currency. The settlement worker keeps the key with the cut. While a payment up
/// to the cut has not been handled, or waits as a dead letter, the cut waits (202) and says for
/// what; the same key tells what became of it.
#[utoipa::path(
    post,
    path = "/v1/settlements/batches",
    tag = "settlements",
    operation_id = "cut_settlement_batches",
    params(IdempotencyKey),
    request_body = CutBatches,
    responses(
        (status = 201, description = "The cut and its batches.", body = CutAnswerView),
        (status = 202, description = "The cut, which waits.", body = CutAnswerView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CutBatches>,
) -> Result<Response, ApiError> {
    let currency = currency(body.currency.as_deref())?;
    let merchant = merchant(&api, body.merchant.as_deref()).await?;
    let caller = principal.caller().0;
    // The ledger's own keys and the worker's are one scope to the caller.
    if claims::is_claimed(api.pool(), &caller, &headers.key).await? {
        return Err(ErrorCode::IdempotencyKeyReused.into());
    }
    let canonical =
        serde_json::to_string(&("cut", merchant, currency)).expect("texts always serialise");
    let fingerprint = fingerprint_of("POST", PATH, &principal.viewer(), &canonical);
    let request = CutRequest {
        caller,
        key: headers.key,
        fingerprint: hex::encode(fingerprint),
        merchant,
        currency,
    };
    let outcome = api.workers().cut(&request).await;
    match outcome.ok_or(ErrorCode::WorkerUnavailable)? {
        CutOutcome::Cut(answer) => Ok(answered(answer)),
        CutOutcome::KeyReused => Err(ErrorCode::IdempotencyKeyReused.into()),
    }
}

fn answered(found: CutAnswer) -> Response {
    let page = Page::cut(
        found.batches,
        PAGE_ITEMS_DEFAULT,
        |batch| batch.id,
        BatchView::of,
    );
    let state = found.cut.state;
    let view = CutAnswerView::of(found.cut, page.items, page.next_cursor);
    match state {
        CutState::Closed => answer::created(&view, found.replayed),
        CutState::Waiting => answer::accepted(&view, found.replayed),
    }
}

fn currency(text: Option<&str>) -> Result<Option<Currency>, ApiError> {
    let parsed = text.map(str::parse).transpose();
    parsed.map_err(|_| ApiError::from(ErrorCode::UnknownCurrency).field("currency"))
}

/// A wallet that may be settled.
async fn merchant(api: &Api, text: Option<&str>) -> Result<Option<WalletId>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let id = fields::wallet(text)?;
    let [facts] = api.facts([id]).await?;
    if facts.kind != WalletKind::Merchant {
        return Err(ApiError::from(ErrorCode::NotAMerchant).field("merchant"));
    }
    Ok(Some(id))
}
