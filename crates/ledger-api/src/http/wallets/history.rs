//! `GET /v1/wallets/{id}/history`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    error::ApiError,
    links,
    openapi::ReadProblems,
    page::{self, Page, QueryOf},
    path::WalletPath,
};
use crate::store;

/// Which part of the history.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadHistory {
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A wallet's transactions, newest first.
///
/// `balance_after` and `version` are only on legs whose wallet the caller may read.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}/history",
    tag = "wallets",
    operation_id = "wallet_history",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), ReadHistory),
    responses(
        (status = 200, description = "A page of transactions.", body = Page<TransactionView>),
        ReadProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
    QueryOf(query): QueryOf<ReadHistory>,
) -> Result<Json<Page<TransactionView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let before: Option<u64> = page::cursor(query.cursor.as_deref())?;
    api.own(id, &principal).await?;

    let rows = store::history::page(api.pool(), id, before, limit + 1).await?;
    let mut wallets: Vec<_> = rows
        .iter()
        .flat_map(|posted| &posted.legs)
        .filter_map(|leg| leg.wallet)
        .collect();
    wallets.sort_unstable();
    wallets.dedup();
    let owners = store::wallets::owners(api.pool(), &wallets).await?;
    let sight = principal.sight(
        owners
            .iter()
            .map(|(wallet, owner)| (*wallet, owner.as_str())),
    );
    let corrections = links::corrections(api.pool(), &rows).await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |posted| posted.seq,
        |posted| TransactionView::of(&posted, &sight).corrected(&posted, &corrections),
    )))
}
