//! `GET /v1/rates`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use contracts::Currency;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    fields,
    openapi::ReadProblems,
    page::{self, Page, QueryOf},
};
use super::{
    fields as rate_fields,
    view::{PriceView, RateView, RatesPage},
};
use crate::{
    domain::exchange,
    store::{self, rates::RateRow},
};

/// Which rates.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListRates {
    /// Only rates of this currency.
    base: Option<String>,
    /// Only rates in this currency.
    quote: Option<String>,
    /// The rates as of this moment: RFC 3339, or a date (its end in UTC); now when you do not say.
    at: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The newest rate of every pair, by base and quote.
///
/// With `base` and `quote` also `price`: what one unit of `base` is exchanged for in `quote`, by
/// its own rate or over EUR; absent where no rate is known or the newest was too old then.
#[utoipa::path(
    get,
    path = "/v1/rates",
    tag = "exchange",
    operation_id = "list_rates",
    params(ListRates),
    responses((status = 200, description = "A page of rates.", body = RatesPage), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(_principal): Authorised,
    QueryOf(query): QueryOf<ListRates>,
) -> Result<Json<RatesPage>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let after: Option<String> = page::cursor(query.cursor.as_deref())?;
    let (base, quote) = (
        currency(query.base.as_deref())?,
        currency(query.quote.as_deref())?,
    );
    let at = query.at.as_deref().map(|text| {
        rate_fields::until(text).ok_or_else(|| ApiError::from(ErrorCode::InvalidQuery).field("at"))
    });
    let at = at.transpose()?.unwrap_or_else(|| api.clock().now());
    let rows = store::rates::list(api.pool(), base, quote, at, after.as_deref(), limit + 1).await?;
    let price = match (base, quote) {
        (Some(from), Some(to)) if from != to => price(&api, from, to, at).await?,
        _ => None,
    };
    let page = Page::cut(
        rows,
        limit,
        |row: &RateRow| row.pair(),
        |row| RateView::of(&row),
    );
    Ok(Json(RatesPage {
        items: page.items,
        next_cursor: page.next_cursor,
        price,
    }))
}

fn currency(code: Option<&str>) -> Result<Option<Currency>, ApiError> {
    code.map(fields::currency).transpose()
}

async fn price(
    api: &Api,
    from: Currency,
    to: Currency,
    at: DateTime<Utc>,
) -> Result<Option<PriceView>, ApiError> {
    let rows = store::rates::newest(api.pool(), &exchange::pairs(from, to), at).await?;
    let known: Vec<_> = rows.into_iter().map(|row| row.known).collect();
    let price = exchange::price(from, to, &known, api.terms(), at).ok();
    Ok(price.map(|price| PriceView::of(&price)))
}
