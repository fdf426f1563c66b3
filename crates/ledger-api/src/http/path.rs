//! The wallet in a path.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use contracts::WalletId;

use super::{
    error::{ApiError, ErrorCode},
    fields,
};

/// `{id}` of a route under `/v1/wallets`. What is no id names no wallet.
#[derive(Debug)]
pub struct WalletPath(pub WalletId);

impl<S: Send + Sync> FromRequestParts<S> for WalletPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Ok(Path(id)) = Path::<String>::from_request_parts(parts, state).await else {
            return Err(ErrorCode::NotFound.into());
        };
        fields::wallet(&id).map(Self)
    }
}
