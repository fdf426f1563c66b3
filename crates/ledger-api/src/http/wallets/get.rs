//! `GET /v1/wallets/{id}`

use axum::{Json, extract::State};

use super::super::{
    answer::WalletView,
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    openapi::ReadProblems,
    path::WalletPath,
};
use crate::store;

/// A wallet and its balances, as of one moment.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}",
    tag = "wallets",
    operation_id = "get_wallet",
    params(("id" = String, Path, description = "The wallet, `wal_…`.")),
    responses((status = 200, description = "The wallet.", body = WalletView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
) -> Result<Json<WalletView>, ApiError> {
    let found = store::wallets::find_with_balances(api.pool(), id).await?;
    let (wallet, balances) = found
        .filter(|(wallet, _)| principal.sees(&wallet.owner))
        .ok_or(ErrorCode::NotFound)?;
    Ok(Json(WalletView::stored(wallet, &balances)))
}
