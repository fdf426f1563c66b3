//! What a path names.

use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use contracts::{
    AlertId, DeadLetterId, FeeRuleId, HoldId, QuoteId, SettlementId, TransactionId, WalletId,
};

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
        fields::wallet(&id(parts, state).await?).map(Self)
    }
}

/// `{id}` of a route under `/v1/transactions` and `/v1/payments`. What is no id names no
/// transaction.
#[derive(Debug)]
pub struct TransactionPath(pub TransactionId);

impl<S: Send + Sync> FromRequestParts<S> for TransactionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{id}` of a route under `/v1/fee-rules`. What is no id names no rule.
#[derive(Debug)]
pub struct FeeRulePath(pub FeeRuleId);

impl<S: Send + Sync> FromRequestParts<S> for FeeRulePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{owner}` of a route under `/v1/accounts`, percent-decoded. What cannot be an owner's name
/// names no account.
#[derive(Debug)]
pub struct OwnerPath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for OwnerPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let owner = fields::reference("owner", id(parts, state).await?);
        owner.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{id}` of a route under `/v1/alerts`. What is no id names no alert.
#[derive(Debug)]
pub struct AlertPath(pub AlertId);

impl<S: Send + Sync> FromRequestParts<S> for AlertPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{id}` of a route under `/v1/holds`. What is no id names no hold.
#[derive(Debug)]
pub struct HoldPath(pub HoldId);

impl<S: Send + Sync> FromRequestParts<S> for HoldPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{id}` of a route under `/v1/exchange/quotes`. What is no id names no quote.
#[derive(Debug)]
pub struct QuotePath(pub QuoteId);

impl<S: Send + Sync> FromRequestParts<S> for QuotePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{id}` of a route under `/v1/settlements/batches`. What is no id names no batch.
#[derive(Debug)]
pub struct SettlementPath(pub SettlementId);

impl<S: Send + Sync> FromRequestParts<S> for SettlementPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

/// `{id}` of a route under `/v1/dead-letters`. What is no id names no dead letter.
#[derive(Debug)]
pub struct DeadLetterPath(pub DeadLetterId);

impl<S: Send + Sync> FromRequestParts<S> for DeadLetterPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let id = id(parts, state).await?.parse();
        id.map(Self).map_err(|_| ErrorCode::NotFound.into())
    }
}

async fn id<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<String, ApiError> {
    match Path::<String>::from_request_parts(parts, state).await {
        Ok(Path(id)) => Ok(id),
        Err(_) => Err(ErrorCode::NotFound.into()),
    }
}
