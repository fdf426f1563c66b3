//! `GET /v1/holds`

use axum::{Json, extract::State};
use contracts::{HoldId, WalletId, event::HoldState};
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
    view::HoldView,
};
use crate::{auth::Permission, store};

/// Which holds.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListHolds {
    /// Only those of this wallet's money and those in its favour, `wal_…`. Customers and merchants
    /// name one of their wallets.
    wallet: Option<String>,
    /// Only those in this state: `open`, `captured`, `voided` or `expired`.
    #[param(pattern = "^(open|captured|voided|expired)$")]
    state: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Holds, newest first.
#[utoipa::path(
    get,
    path = "/v1/holds",
    tag = "holds",
    operation_id = "list_holds",
    params(ListHolds),
    responses((status = 200, description = "A page of holds.", body = Page<HoldView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    QueryOf(query): QueryOf<ListHolds>,
) -> Result<Json<Page<HoldView>>, ApiError> {
    let wrong = |field| ApiError::from(ErrorCode::InvalidQuery).field(field);
    let limit = page::limit(query.limit.as_deref())?;
    let before: Option<HoldId> = page::cursor(query.cursor.as_deref())?;
    let wallet: Option<WalletId> = query
        .wallet
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| wrong("wallet"))?;
    let state = query.state.map(|text| {
        let known = HoldState::ALL.iter().find(|state| state.as_str() == text);
        known.copied().ok_or_else(|| wrong("state"))
    });
    let state = state.transpose()?;
    // One more: whether it is there tells whether there is a next page.
    let rows = match wallet {
        Some(wallet) => {
            api.own(wallet, &principal).await?;
            store::holds::of_wallet(api.pool(), wallet, state, before, limit + 1).await?
        }
        None if principal.may(Permission::WalletsReadAny) => {
            store::holds::list(api.pool(), state, before, limit + 1).await?
        }
        None => return Err(wrong("wallet")),
    };
    Ok(Json(Page::cut(
        rows,
        limit,
        |row| row.terms.id,
        HoldView::stored,
    )))
}
