//! Accounts: all wallets of one owner at once. One file per endpoint.

pub mod close;
pub mod freeze;
pub mod get;
pub mod kyc_level;
pub mod limits;
pub mod resume;
pub mod risk_level;
pub mod summary;
pub mod suspend;
pub mod unfreeze;
pub mod view;

use axum::response::Response;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    api::Api,
    error::{ApiError, ErrorCode},
    fields,
    idempotency::WriteHeaders,
    movement::submit,
};
use crate::{
    auth::Principal,
    domain::{AccountChange, Action, ChangeAccount, Sight},
};

/// Why an account changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AccountReason)]
pub struct Reason {
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "under investigation")]
    reason: String,
}

/// Submits a change of an account that the caller may see; `verb` is the route's last part.
async fn change(
    api: &Api,
    principal: &Principal,
    headers: WriteHeaders,
    owner: String,
    verb: &str,
    change: AccountChange,
    reason: String,
) -> Result<Response, ApiError> {
    let reason = fields::reason(reason)?;
    if !principal.sees(&owner) {
        return Err(ErrorCode::NotFound.into());
    }
    let path = format!("/v1/accounts/{owner}/{verb}");
    let action = Action::ChangeAccount(ChangeAccount {
        owner,
        change,
        reason,
    });
    submit(api, principal, headers, &path, Sight::All, action).await
}
