//! `GET /v1/accounts/{owner}`

use axum::{Json, extract::State};

use super::super::{
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    openapi::ReadProblems,
    path::OwnerPath,
};
use super::view::AccountView;
use crate::{auth::Principal, store, store::accounts::AccountRow};

/// An account: the state that all wallets of its owner share.
#[utoipa::path(
    get,
    path = "/v1/accounts/{owner}",
    tag = "accounts",
    operation_id = "get_account",
    params(("owner" = String, Path, description = "The owner, percent-encoded.")),
    responses((status = 200, description = "The account.", body = AccountView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    OwnerPath(owner): OwnerPath,
) -> Result<Json<AccountView>, ApiError> {
    let account = find(&api, &principal, &owner).await?;
    Ok(Json(AccountView::stored(account)))
}

/// An account that the caller may see; to anybody else it is not there.
pub(super) async fn find(
    api: &Api,
    principal: &Principal,
    owner: &str,
) -> Result<AccountRow, ApiError> {
    if !principal.sees(owner) {
        return Err(ErrorCode::NotFound.into());
    }
    let found = store::accounts::find(api.pool(), owner).await?;
    found.ok_or_else(|| ErrorCode::NotFound.into())
}
