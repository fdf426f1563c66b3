//! `GET /v1/accounts/{owner}/limits`

use axum::{Json, extract::State};

use super::super::{
    api::Api, authorised::Authorised, error::ApiError, openapi::ReadProblems, path::OwnerPath,
};
use super::{get, view::LimitsView};
use crate::{auth::Principal, store};

/// What an account may spend, and what it has spent of that.
///
/// Withdrawals, transfers and payments out of any wallet of the owner count, per currency, by day
/// and month in UTC. Deposits, refunds, reversals, exchanges, adjustments and fees do not. An
/// account without a level has no limits, and no currencies here.
#[utoipa::path(
    get,
    path = "/v1/accounts/{owner}/limits",
    tag = "accounts",
    operation_id = "account_limits",
    params(("owner" = String, Path, description = "The owner, percent-encoded.")),
    responses((status = 200, description = "The limits.", body = LimitsView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    OwnerPath(owner): OwnerPath,
) -> Result<Json<LimitsView>, ApiError> {
    of(&api, &principal, &owner).await.map(Json)
}

/// The limits of an account that the caller may see.
pub async fn of(api: &Api, principal: &Principal, owner: &str) -> Result<LimitsView, ApiError> {
    let account = get::find(api, principal, owner).await?;
    let now = api.clock().now();
    let used = if account.state.is_limited() {
        store::usages::of_owner(api.pool(), owner, now).await?
    } else {
        Vec::new()
    };
    Ok(LimitsView::of(account, &used, now))
}
