//! `GET /v1/alerts`

use axum::{Json, extract::State};
use contracts::{WalletId, rpc::AlertsRequest};
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
    AlertView,
};

/// Which alerts.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAlerts {
    /// Only those about this wallet, `wal_…`.
    wallet: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What the fraud rules found, newest first.
///
/// The fraud worker looks; it may be a moment behind the ledger. When it does not answer, only
/// the routes about alerts are unavailable (503). The order is that of the movements in the
/// ledger: an alert that a late movement completes stands where its own movement is.
#[utoipa::path(
    get,
    path = "/v1/alerts",
    tag = "alerts",
    operation_id = "list_alerts",
    params(ListAlerts),
    responses((status = 200, description = "A page of alerts.", body = Page<AlertView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListAlerts>,
) -> Result<Json<Page<AlertView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let after = page::cursor(query.cursor.as_deref())?;
    let wallet: Option<WalletId> = query
        .wallet
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| ApiError::from(ErrorCode::InvalidQuery).field("wallet"))?;
    let request = AlertsRequest {
        wallet,
        after,
        // One more: whether it is there tells whether there is a next page.
        limit: limit + 1,
    };
    let alerts = api
        .workers()
        .alerts(&request)
        .await
        .ok_or(ErrorCode::WorkerUnavailable)?;
    Ok(Json(Page::cut(
        alerts,
        limit,
        |alert| alert.id,
        AlertView::of,
    )))
}
