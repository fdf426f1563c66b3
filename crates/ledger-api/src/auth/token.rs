//! Bearer tokens: JWTs signed with Ed25519, and nothing else.
//!
//! The algorithm is pinned by the verifier, never taken from the token. All seven fields are
//! required; a token with a good signature that lacks one is its issuer's mistake (400), every
//! other fault is a bad token (401).

use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Principal, Role};
use crate::domain::Caller;

/// Who issues our tokens.
pub const ISSUER: &str = "florin";
/// Whom they are for.
pub const AUDIENCE: &str = "florin";
/// How far the issuer's clock may run ahead of ours (`iat`, `nbf`): NTP keeps servers within
/// a second, a minute forgives a bad one. `exp` has no leeway: an expired token is expired.
pub const CLOCK_SKEW_SECONDS: i64 = 60;
/// The fields that every token has.
pub const TOKEN_FIELDS: &[&str] = &["iss", "aud", "sub", "role", "owner", "exp", "iat"];
/// Bytes of `sub` and `owner`: the first is part of a primary key, the second is indexed.
const NAME_BYTES_MAX: usize = 255;

/// The fields of a token, for whoever mints one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Always [`ISSUER`].
    pub iss: String,
    /// Always [`AUDIENCE`].
    pub aud: String,
    /// Who; the scope of idempotency keys.
    pub sub: String,
    /// A [`Role`].
    pub role: String,
    /// Whose wallets are theirs; empty for staff and services.
    pub owner: String,
    /// Seconds since 1970 after which it is worth nothing.
    pub exp: i64,
    /// Seconds since 1970 when it was minted.
    pub iat: i64,
}

/// Why a token is refused. The texts go to the caller and tell nothing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWT, not `EdDSA`, or signed by somebody else.
    #[error("the token is not one that Florin accepts")]
    Untrusted,
    /// A required field is not there.
    #[error("the token lacks a field")]
    Missing(&'static str),
    /// A field has a value that no token of ours has.
    #[error("a field of the token has a wrong value")]
    Wrong(&'static str),
    /// It was good once.
    #[error("the token has expired")]
    Expired,
}

/// Verifies tokens with one public key.
pub struct TokenVerifier {
    key: DecodingKey,
    validation: Validation,
}

impl TokenVerifier {
    /// Takes an Ed25519 public key in PEM.
    ///
    /// # Errors
    /// When it is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, jsonwebtoken::errors::Error> {
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The fields are checked below, against the clock that is given: `jsonwebtoken` would
        // ask the system's, and cannot tell a missing field from a wrong one.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        Ok(Self {
            key: DecodingKey::from_ed_pem(pem)?,
            validation,
        })
    }

    /// Who bears `token`, and until which second it is good.
    ///
    /// # Errors
    /// See [`TokenError`].
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Result<(Principal, i64), TokenError> {
        let data = jsonwebtoken::decode::<Map<String, Value>>(token, &self.key, &self.validation)
            .map_err(|_| TokenError::Untrusted)?;
        // RFC 7515: whoever does not understand a critical extension must refuse.
        if data.header.crit.is_some() {
            return Err(TokenError::Untrusted);
        }
        accept(&data.claims, now)
    }
}

fn accept(claims: &Map<String, Value>, now: DateTime<Utc>) -> Result<(Principal, i64), TokenError> {
    for field in TOKEN_FIELDS {
        if claims.get(*field).is_none_or(Value::is_null) {
            return Err(TokenError::Missing(field));
        }
    }
    let expires = seconds(claims, "exp")?;
    if now.timestamp() >= expires {
        return Err(TokenError::Expired);
    }
    let latest_start = now.timestamp() + CLOCK_SKEW_SECONDS;
    if seconds(claims, "iat")? > latest_start {
        return Err(TokenError::Wrong("iat"));
    }
    if claims.contains_key("nbf") && seconds(claims, "nbf")? > latest_start {
        return Err(TokenError::Wrong("nbf"));
    }
    if text(claims, "iss")? != ISSUER {
        return Err(TokenError::Wrong("iss"));
    }
    if !is_for_us(&claims["aud"]) {
        return Err(TokenError::Wrong("aud"));
    }
    let role: Role = text(claims, "role")?
        .parse()
        .map_err(|_| TokenError::Wrong("role"))?;
    let principal = Principal {
        subject: name(claims, "sub")?,
        role,
        owner: name(claims, "owner")?,
    };
    // Whoever had the ledger's own name could use up keys that it needs.
    if principal.subject.is_empty() || principal.subject == Caller::LEDGER {
        return Err(TokenError::Wrong("sub"));
    }
    // Without an owner of their own, a customer would see the wallets of nobody.
    if matches!(role, Role::Customer | Role::Merchant) && principal.owner.is_empty() {
        return Err(TokenError::Wrong("owner"));
    }
    Ok((principal, expires))
}

fn seconds(claims: &Map<String, Value>, field: &'static str) -> Result<i64, TokenError> {
    claims
        .get(field)
        .and_then(Value::as_i64)
        .ok_or(TokenError::Wrong(field))
}

fn text<'a>(claims: &'a Map<String, Value>, field: &'static str) -> Result<&'a str, TokenError> {
    claims
        .get(field)
        .and_then(Value::as_str)
        .ok_or(TokenError::Wrong(field))
}

fn name(claims: &Map<String, Value>, field: &'static str) -> Result<String, TokenError> {
    let name = text(claims, field)?;
    if name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control) {
        return Err(TokenError::Wrong(field));
    }
    Ok(name.to_owned())
}

/// RFC 7519 allows one audience or a list of them.
fn is_for_us(audience: &Value) -> bool {
    match audience {
        Value::String(one) => one == AUDIENCE,
        Value::Array(many) => many.iter().any(|one| one == AUDIENCE),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).expect("in range")
    }

    fn good() -> Value {
        json!({
            "iss": "florin", "aud": "florin", "sub": "ann", "role": "customer", "owner": "cust-1",
            "exp": now().timestamp() + 60, "iat": now().timestamp(),
        })
    }

    fn judged(field: &str, value: Value) -> Result<Principal, TokenError> {
        let mut claims = good();
        claims[field] = value;
        accept(claims.as_object().expect("an object"), now()).map(|(principal, _)| principal)
    }

    #[test]
    fn a_good_token_names_its_bearer() {
        let principal = judged("sub", json!("ann")).expect("good");
        assert_eq!(
            (principal.role, principal.owner.as_str()),
            (Role::Customer, "cust-1")
        );
    }

    #[test]
    fn every_field_is_required() {
        for field in TOKEN_FIELDS {
            let mut claims = good();
            claims.as_object_mut().expect("an object").remove(*field);
            let claims = claims.as_object().expect("an object");
            assert_eq!(
                accept(claims, now()).map(|_| ()),
                Err(TokenError::Missing(field))
            );
            assert_eq!(
                judged(field, Value::Null).map(|_| ()),
                Err(TokenError::Missing(field))
            );
        }
    }

    #[test]
    fn wrong_values_are_refused() {
        let late = now().timestamp() + CLOCK_SKEW_SECONDS + 1;
        for (field, value) in [
            ("iss", json!("somebody")),
            ("aud", json!("other")),
            ("aud", json!(["other"])),
            ("aud", json!(7)),
            ("sub", json!("")),
            ("sub", json!("florin")),
            ("sub", json!("a\u{0}b")),
            ("sub", json!("x".repeat(256))),
            ("role", json!("root")),
            ("role", json!(["admin"])),
            ("owner", json!("")),
            ("exp", json!("1900000000")),
            ("exp", json!(1.9e9)),
            ("iat", json!(late)),
            ("nbf", json!(late)),
            ("nbf", json!("soon")),
        ] {
            let refused = judged(field, value.clone());
            assert!(
                matches!(refused, Err(TokenError::Wrong(_))),
                "{field}: {value}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_token_is_good_until_the_second_it_expires() {
        let at = now().timestamp();
        assert_eq!(
            judged("exp", json!(at)).map(|_| ()),
            Err(TokenError::Expired)
        );
        assert_eq!(judged("exp", json!(at + 1)).map(|_| ()), Ok(()));
    }

    #[test]
    fn staff_need_no_owner_and_audiences_may_be_a_list() {
        let mut claims = good();
        claims["role"] = json!("operator");
        claims["owner"] = json!("");
        claims["aud"] = json!(["other", "florin"]);
        assert!(accept(claims.as_object().expect("an object"), now()).is_ok());
    }
}
