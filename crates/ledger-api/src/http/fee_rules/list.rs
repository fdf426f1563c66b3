//! `GET /v1/fee-rules`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        error::ApiError,
        openapi::ReadProblems,
        page::{self, Page, QueryOf},
    },
    FeeRuleView,
};
use crate::store;

/// Which part of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListFeeRules {
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Fee rules, newest first, those that ended too.
#[utoipa::path(
    get,
    path = "/v1/fee-rules",
    tag = "fees",
    operation_id = "list_fee_rules",
    params(ListFeeRules),
    responses((status = 200, description = "A page of rules.", body = Page<FeeRuleView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListFeeRules>,
) -> Result<Json<Page<FeeRuleView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let before: Option<u64> = page::cursor(query.cursor.as_deref())?;
    let rows = store::fee_rules::page(api.pool(), before, limit + 1).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.seq,
        |row| FeeRuleView::stored(&row),
    )))
}
