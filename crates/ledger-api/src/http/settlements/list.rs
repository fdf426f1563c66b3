//! `GET /v1/settlements/batches`

use axum::{Json, extract::State};
use contracts::rpc::BatchesRequest;
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        error::{ApiError, ErrorCode},
        openapi::ReadProblems,
        page::{self, Page, QueryOf},
    },
    BatchView, currency_of_query, merchant_of_query,
};

/// Which batches.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListBatches {
    /// Only those of this merchant, `wal_…`.
    merchant: Option<String>,
    /// Only those in this currency.
    currency: Option<String>,
    /// Only those of this cut, `cut_…`.
    cut: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Settlement batches, newest cut-off first.
///
/// The settlement worker answers. When it does not, only the routes about settlements are
/// unavailable (503).
#[utoipa::path(
    get,
    path = "/v1/settlements/batches",
    tag = "settlements",
    operation_id = "list_settlement_batches",
    params(ListBatches),
    responses((status = 200, description = "A page of batches.", body = Page<BatchView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListBatches>,
) -> Result<Json<Page<BatchView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let cut = query.cut.map(|text| text.parse()).transpose();
    let request = BatchesRequest {
        merchant: merchant_of_query(query.merchant)?,
        currency: currency_of_query(query.currency)?,
        cut: cut.map_err(|_| ApiError::from(ErrorCode::InvalidQuery).field("cut"))?,
        after: page::cursor(query.cursor.as_deref())?,
        // One more: whether it is there tells whether there is a next page.
        limit: limit + 1,
    };
    let batches = api
        .workers()
        .batches(&request)
        .await
        .ok_or(ErrorCode::WorkerUnavailable)?;
    Ok(Json(Page::cut(
        batches,
        limit,
        |batch| batch.id,
        BatchView::of,
    )))
}
