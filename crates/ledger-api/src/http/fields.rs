//! Values of requests, parsed once: inside, a value is valid by type.

use std::{collections::BTreeMap, fmt};

use chrono::{DateTime, Utc};
use contracts::{
    AmountError, Currency, Money, WalletId,
    limits::{
        ACTION_REASON_CHARS_MAX, CATEGORY_CHARS_MAX, DESCRIPTION_CHARS_MAX, METADATA_ENTRIES_MAX,
        METADATA_KEY_CHARS_MAX, METADATA_VALUE_CHARS_MAX, REFERENCE_CHARS_MAX,
    },
    parse_amount,
};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor},
};

use super::error::{ApiError, ErrorCode};
use crate::auth::{Permission, Principal};

/// 1900-01-01T00:00:00Z: before any history that somebody may want to replay, and a date that
/// every consumer's calendar can hold.
const EARLIEST_SECONDS: i64 = -2_208_988_800;

/// A metadata object as it came: no key may come twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetadataVisitor)
    }
}

struct MetadataVisitor;

impl<'de> Visitor<'de> for MetadataVisitor {
    type Value = Metadata;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<String, String>()? {
            if entries.insert(key, value).is_some() {
                return Err(de::Error::custom("a metadata key came twice"));
            }
        }
        Ok(Metadata(entries))
    }
}

/// An amount of a currency.
pub fn money(amount: &str, currency: &str) -> Result<Money, ApiError> {
    Ok(parse_amount(amount, self::currency(currency)?)?)
}

/// A currency.
pub fn currency(code: &str) -> Result<Currency, ApiError> {
    code.parse()
        .map_err(|_| ApiError::from(ErrorCode::UnknownCurrency).field("currency"))
}

/// An amount of either sign.
pub fn signed(amount: &str, currency: &str) -> Result<Money, ApiError> {
    match amount.strip_prefix('-') {
        Some(positive) => Ok(money(positive, currency)?.negated()),
        None => money(amount, currency),
    }
}

/// An amount that something may reach, and that may be zero.
pub fn ceiling(amount: &str, currency: Currency) -> Result<Money, ApiError> {
    match parse_amount(amount, currency) {
        Err(AmountError::NotPositive) => Ok(Money::zero(currency)),
        other => Ok(other?),
    }
}

/// An amount of a currency that is known, as `field` of a query.
pub fn money_in(field: &'static str, amount: &str, currency: Currency) -> Result<Money, ApiError> {
    parse_amount(amount, currency).map_err(|error| ApiError::from(error).field(field))
}

/// A name that is indexed: an owner, a reference, an order's reference.
pub fn reference(field: &'static str, value: String) -> Result<String, ApiError> {
    if value.is_empty() {
        return Err(ApiError::from(ErrorCode::InvalidText).field(field));
    }
    text(field, value, REFERENCE_CHARS_MAX)
}

/// What a merchant deals in: one spelling, because rules compare it.
pub fn category(value: String) -> Result<String, ApiError> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    if (1..=CATEGORY_CHARS_MAX).contains(&value.len()) && value.bytes().all(plain) {
        Ok(value)
    } else {
        Err(ApiError::from(ErrorCode::InvalidText).field("category"))
    }
}

/// A line for people.
pub fn description(value: String) -> Result<String, ApiError> {
    text("description", value, DESCRIPTION_CHARS_MAX)
}

fn text(field: &'static str, value: String, chars_max: usize) -> Result<String, ApiError> {
    if is_printable(&value, chars_max) {
        Ok(value)
    } else {
        Err(ApiError::from(ErrorCode::InvalidText).field(field))
    }
}

/// Postgres cannot store NUL; other control characters forge lines in logs and terminals.
fn is_printable(value: &str, chars_max: usize) -> bool {
    value.chars().count() <= chars_max && !value.chars().any(char::is_control)
}

/// Why somebody does something, for the history.
pub fn reason(value: String) -> Result<String, ApiError> {
    if value.trim().is_empty() {
        return Err(ApiError::from(ErrorCode::InvalidText).field("reason"));
    }
    text("reason", value, ACTION_REASON_CHARS_MAX)
}

/// Notes within their limits.
pub fn metadata(metadata: Option<Metadata>) -> Result<BTreeMap<String, String>, ApiError> {
    let entries = metadata.unwrap_or_default().0;
    let fits = entries.len() <= METADATA_ENTRIES_MAX
        && entries.iter().all(|(key, value)| {
            !key.is_empty()
                && is_printable(key, METADATA_KEY_CHARS_MAX)
                && is_printable(value, METADATA_VALUE_CHARS_MAX)
        });
    if fits {
        Ok(entries)
    } else {
        Err(ApiError::from(ErrorCode::InvalidMetadata).field("metadata"))
    }
}

/// When a movement counts, to the microsecond that Postgres keeps. Who says so needs the
/// permission; nobody may say a moment that has not come.
pub fn effective_at(
    value: Option<&str>,
    principal: &Principal,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, ApiError> {
    const FIELD: &str = "effective_at";
    let Some(value) = value else { return Ok(None) };
    if !principal.may(Permission::MoneyBackdate) {
        return Err(ApiError::forbidden(Permission::MoneyBackdate).field(FIELD));
    }
    let at = moment(FIELD, value)?;
    if at > now {
        return Err(ApiError::from(ErrorCode::EffectiveAtInFuture).field(FIELD));
    }
    Ok(Some(at))
}

/// A moment after 1900, to the microsecond that Postgres keeps.
pub fn moment(field: &'static str, value: &str) -> Result<DateTime<Utc>, ApiError> {
    DateTime::parse_from_rfc3339(value)
        .ok()
        .and_then(|at| DateTime::from_timestamp_micros(at.timestamp_micros()))
        .filter(|at| at.timestamp() >= EARLIEST_SECONDS)
        .ok_or_else(|| ApiError::from(ErrorCode::InvalidTimestamp).field(field))
}

/// A wallet's id in a path or a body. What is no id names no wallet: the same answer as for
/// one that is not there.
pub fn wallet(text: &str) -> Result<WalletId, ApiError> {
    text.parse().map_err(|_| ErrorCode::NotFound.into())
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse;

    use super::{super::error::Problem, *};
    use crate::auth::Role;

    fn code<T: fmt::Debug>(result: Result<T, ApiError>) -> &'static str {
        let refused = result.expect_err("refused").into_response();
        refused
            .extensions()
            .get::<Problem>()
            .expect("a problem")
            .code
    }

    fn bearer(role: Role) -> Principal {
        Principal {
            subject: "ann".to_owned(),
            role,
            owner: "ann".to_owned(),
        }
    }

    #[test]
    fn an_amount_is_digits_of_a_known_currency() {
        assert_eq!(
            money("12.5", "EUR").map(|m| m.to_string()).ok().as_deref(),
            Some("12.50")
        );
        for (amount, currency, expected) in [
            ("-1", "EUR", "invalid_amount"),
            ("+1", "EUR", "invalid_amount"),
            ("1e3", "EUR", "invalid_amount"),
            ("1_000", "EUR", "invalid_amount"),
            (" 1", "EUR", "invalid_amount"),
            ("", "EUR", "invalid_amount"),
            ("١", "EUR", "invalid_amount"),
            ("0.00", "EUR", "amount_not_positive"),
            ("0.001", "EUR", "amount_too_fine"),
            ("1.0", "JPY", "amount_too_fine"),
            ("10000000000000.01", "EUR", "amount_too_large"),
            ("1", "eur", "unknown_currency"),
            ("1", "XAU", "unknown_currency"),
        ] {
            assert_eq!(
                code(money(amount, currency)),
                expected,
                "{amount} {currency}"
            );
        }
    }

    #[test]
    fn texts_are_bounded_and_printable() {
        assert!(reference("reference", "order 77 ü".to_owned()).is_ok());
        for text in ["", "a\u{0}b", "a\nb", "\u{7f}", "\u{9b}", &"x".repeat(256)] {
            assert_eq!(
                code(reference("reference", text.to_owned())),
                "invalid_text",
                "{text:?}"
            );
        }
        assert!(description(String::new()).is_ok());
        assert_eq!(code(description("x".repeat(501))), "invalid_text");
    }

    #[test]
    fn metadata_is_bounded_and_keys_come_once() {
        let of = |json: &str| serde_json::from_str::<Metadata>(json);
        assert!(of(r#"{"a": "1", "a": "2"}"#).is_err());
        assert!(of(r#"{"a": 1}"#).is_err());
        let many: BTreeMap<String, String> =
            (0..21).map(|n| (n.to_string(), String::new())).collect();
        assert_eq!(code(metadata(Some(Metadata(many)))), "invalid_metadata");
        for json in [
            format!("{{\"{}\": \"\"}}", "k".repeat(41)),
            format!("{{\"k\": \"{}\"}}", "v".repeat(501)),
            r#"{"": "v"}"#.to_owned(),
            r#"{"k": "a\u0000b"}"#.to_owned(),
        ] {
            assert_eq!(code(metadata(of(&json).ok())), "invalid_metadata", "{json}");
        }
    }

    #[test]
    fn the_moment_a_movement_counts_is_past_and_said_by_those_who_may() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("in range");
        let staff = bearer(Role::Operator);
        assert_eq!(
            code(effective_at(
                Some("2020-01-01T00:00:00Z"),
                &bearer(Role::Customer),
                now
            )),
            "forbidden"
        );
        let at =
            effective_at(Some("2020-01-01T01:00:00.1234567+01:00"), &staff, now).expect("good");
        assert_eq!(
            at.map(|at| at.timestamp_micros()),
            Some(1_577_836_800_123_456)
        );
        assert!(effective_at(Some(&now.to_rfc3339()), &staff, now).is_ok());
        for (text, expected) in [
            ("2023-11-14T22:13:20.000001Z", "effective_at_in_future"),
            ("9999-12-31T23:59:59Z", "effective_at_in_future"),
            ("1899-12-31T23:59:59Z", "invalid_timestamp"),
            ("0000-01-01T00:00:00Z", "invalid_timestamp"),
            ("2020-01-01", "invalid_timestamp"),
            ("2020-13-01T00:00:00Z", "invalid_timestamp"),
            ("yesterday", "invalid_timestamp"),
        ] {
            assert_eq!(
                code(effective_at(Some(text), &staff, now)),
                expected,
                "{text}"
            );
        }
    }
}
