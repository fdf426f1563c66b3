//! `GET /v1/settlements/batches/{id}`

use axum::{Json, extract::State};
use contracts::rpc::BatchRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        error::{ApiError, ErrorCode},
        openapi::ReadProblems,
        page::{self, Page, QueryOf},
        path::SettlementPath,
    },
    BatchItemView, BatchView, BatchWithItems,
};

/// Which of its payments.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListItems {
    /// Payments of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// One settlement batch with a page of its payments.
///
/// A payment is in one batch for ever.
#[utoipa::path(
    get,
    path = "/v1/settlements/batches/{id}",
    tag = "settlements",
    operation_id = "get_settlement_batch",
    params(("id" = String, Path, description = "The batch, `stl_…`."), ListItems),
    responses((status = 200, description = "The batch.", body = BatchWithItems), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    SettlementPath(batch): SettlementPath,
    QueryOf(query): QueryOf<ListItems>,
) -> Result<Json<BatchWithItems>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let request = BatchRequest {
        batch,
        after: page::cursor(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let found = api
        .workers()
        .batch(&request)
        .await
        .ok_or(ErrorCode::WorkerUnavailable)?
        .ok_or(ErrorCode::NotFound)?;
    let currency = found.batch.currency;
    let page = Page::cut(
        found.items,
        limit,
        |item| item.seq,
        |item| BatchItemView::of(item, currency),
    );
    let batch = BatchView::of(found.batch);
    Ok(Json(batch.with(page.items, page.next_cursor)))
}
