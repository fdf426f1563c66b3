//! `GET /v1/wallets/{id}/limits`

use axum::{Json, extract::State};

use super::super::{
    accounts::{limits, view::LimitsView},
    api::Api,
    authorised::Authorised,
    error::ApiError,
    openapi::ReadProblems,
    path::WalletPath,
};

/// What the account behind a wallet may spend, and what it has spent of that.
///
/// All wallets of an owner share the limits.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}/limits",
    tag = "wallets",
    operation_id = "wallet_limits",
    params(("id" = String, Path, description = "The wallet, `wal_…`.")),
    responses((status = 200, description = "The limits.", body = LimitsView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(wallet): WalletPath,
) -> Result<Json<LimitsView>, ApiError> {
    let facts = api.own(wallet, &principal).await?;
    let view = limits::of(&api, &principal, &facts.owner).await?;
    Ok(Json(view))
}
