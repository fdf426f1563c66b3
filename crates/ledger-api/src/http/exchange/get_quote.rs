//! `GET /v1/exchange/quotes/{id}`

use axum::{Json, extract::State};

use super::super::{
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    openapi::ReadProblems,
    path::QuotePath,
};
use super::view::QuoteView;
use crate::store;

/// A quote, and what became of it.
#[utoipa::path(
    get,
    path = "/v1/exchange/quotes/{id}",
    tag = "exchange",
    operation_id = "get_quote",
    params(("id" = String, Path, description = "The quote, `qte_…`.")),
    responses((status = 200, description = "The quote.", body = QuoteView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    QuotePath(id): QuotePath,
) -> Result<Json<QuoteView>, ApiError> {
    let found = store::quotes::find(api.pool(), id).await?;
    let (quote, executed_by) = found.ok_or(ErrorCode::NotFound)?;
    api.own(quote.wallet, &principal).await?;
    let now = api.clock().now();
    Ok(Json(QuoteView::stored(&quote, executed_by, now)))
}
