//! The door that every route under `/v1` has: a good token, and the permission that the table
//! of routes asks for.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, MatchedPath},
    http::{header, request::Parts},
};

use super::{
    api::Api,
    error::{ApiError, ErrorCode},
};
use crate::{
    audit::{Bearer, Origin},
    auth::{self, Principal},
};

/// Who asks, and that they may use this route.
pub struct Authorised(pub Arc<Principal>);

impl FromRequestParts<Api> for Authorised {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, ApiError> {
        let principal = api.verify(bearer_token(parts)?)?;
        Origin::identify(Bearer {
            actor: principal.subject.clone(),
            role: principal.role.as_str(),
            owner: principal.owner.clone(),
        });
        api.pace(&principal)?;
        let path = parts
            .extensions
            .get::<MatchedPath>()
            .map_or("", MatchedPath::as_str);
        // A route that nobody entered in the table is refused to everybody.
        let rule = auth::rule(parts.method.as_str(), path).ok_or(ErrorCode::Forbidden)?;
        if !principal.may(rule.permission) {
            return Err(ApiError::forbidden(rule.permission));
        }
        Ok(Self(principal))
    }
}

fn bearer_token(parts: &Parts) -> Result<&str, ApiError> {
    let mut values = parts.headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next().ok_or(ErrorCode::Unauthenticated)?;
    // Of two tokens, a proxy might have looked at the other one.
    if values.next().is_some() {
        return Err(ErrorCode::InvalidToken.into());
    }
    let (scheme, token) = value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .ok_or(ErrorCode::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        Ok(token.trim())
    } else {
        Err(ErrorCode::Unauthenticated.into())
    }
}
