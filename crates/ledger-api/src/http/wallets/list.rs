//! `GET /v1/wallets`

use axum::{Json, extract::State};
use contracts::WalletId;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    answer::WalletView,
    api::Api,
    authorised::Authorised,
    error::ApiError,
    fields, moment,
    openapi::ReadProblems,
    page::{self, Page, QueryOf},
};
use crate::{domain::Viewer, store};

/// Which wallets.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListWallets {
    /// Only wallets of this owner. Customers and merchants see their own in any case.
    owner: Option<String>,
    /// Only wallets with this reference.
    reference: Option<String>,
    /// `created_at`, oldest first, which is the default, or `-created_at`, newest first.
    #[param(pattern = "^-?created_at$")]
    sort: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Wallets, oldest first unless `sort` says otherwise.
///
/// Customers and merchants see their own; somebody else's `owner` matches nothing then.
#[utoipa::path(
    get,
    path = "/v1/wallets",
    tag = "wallets",
    operation_id = "list_wallets",
    params(ListWallets),
    responses((status = 200, description = "A page of wallets.", body = Page<WalletView>), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    QueryOf(query): QueryOf<ListWallets>,
) -> Result<Json<Page<WalletView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let after: Option<WalletId> = page::cursor(query.cursor.as_deref())?;
    let newest_first = match query.sort.as_deref() {
        None | Some("created_at") => false,
        Some("-created_at") => true,
        Some(_) => {
            return Err(moment::refused("sort", "sort is created_at or -created_at"));
        }
    };
    let asked = query
        .owner
        .map(|text| fields::reference("owner", text))
        .transpose()?;
    let reference = query
        .reference
        .map(|text| fields::reference("reference", text))
        .transpose()?;
    let owner = match principal.viewer() {
        Viewer::All => asked,
        Viewer::Owner(own) if asked.as_ref().is_none_or(|asked| *asked == own) => Some(own),
        Viewer::Owner(_) => {
            return Ok(Json(Page {
                items: Vec::new(),
                next_cursor: None,
            }));
        }
    };
    let rows = store::wallets::list(
        api.pool(),
        owner.as_deref(),
        reference.as_deref(),
        after,
        newest_first,
        // One more: whether it is there tells whether there is a next page.
        limit + 1,
    )
    .await?;
    Ok(Json(Page::cut(
        rows,
        limit,
        |(wallet, _)| wallet.id,
        |(wallet, balances)| WalletView::stored(wallet, &balances),
    )))
}
