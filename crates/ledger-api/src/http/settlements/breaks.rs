//! `GET /v1/settlements/breaks`

use axum::{Json, extract::State};
use contracts::{rpc::BreaksRequest, settlement::BreakState};
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
    BreakView,
};

/// Which breaks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListBreaks {
    /// `open` or `resolved`; both when it is not given.
    #[param(pattern = "^(open|resolved)$")]
    state: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Differences that tie-outs found, newest first.
///
/// About once a minute balances, postings and the sums over events are held against each other.
#[utoipa::path(
    get,
    path = "/v1/settlements/breaks",
    tag = "settlements",
    operation_id = "list_settlement_breaks",
    params(ListBreaks),
    responses((status = 200, description = "A page of breaks.", body = Page<BreakView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListBreaks>,
) -> Result<Json<Page<BreakView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let state = match query.state.as_deref() {
        None => None,
        Some(text) => Some(
            BreakState::parse(text)
                .ok_or_else(|| ApiError::from(ErrorCode::InvalidQuery).field("state"))?,
        ),
    };
    let request = BreaksRequest {
        state,
        after: page::cursor(query.cursor.as_deref())?,
        limit: limit + 1,
    };
    let breaks = api
        .workers()
        .breaks(&request)
        .await
        .ok_or(ErrorCode::WorkerUnavailable)?;
    Ok(Json(Page::cut(
        breaks,
        limit,
        |found| found.id,
        BreakView::of,
    )))
}
