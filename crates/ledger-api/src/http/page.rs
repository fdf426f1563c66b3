//! Pages of lists: `limit` and an opaque `cursor`.

use std::str::FromStr;

use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use contracts::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use serde::{Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use super::error::{ApiError, ErrorCode};

/// Query parameters. `T` denies unknown ones and takes every value as text.
pub struct QueryOf<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for QueryOf<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(_) => Err(ErrorCode::InvalidQuery.into()),
        }
    }
}

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Goes into `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A page of `limit` items from one more than that: whether it is there tells whether
    /// there is a next page.
    pub fn cut<R, K: ToString>(
        mut rows: Vec<R>,
        limit: u16,
        key: impl Fn(&R) -> K,
        view: impl FnMut(R) -> T,
    ) -> Self {
        let more = rows.len() > usize::from(limit);
        rows.truncate(limit.into());
        let last = rows.last().filter(|_| more);
        let next_cursor = last.map(|row| encode(&key(row)));
        Self {
            items: rows.into_iter().map(view).collect(),
            next_cursor,
        }
    }
}

/// How many items: 1 to 200, 50 when the caller does not say.
pub fn limit(value: Option<&str>) -> Result<u16, ApiError> {
    limit_of(value, PAGE_ITEMS_MAX, PAGE_ITEMS_DEFAULT)
}

/// How many: 1 to `max`, `default` when the caller does not say.
pub fn limit_of(value: Option<&str>, max: u16, default: u16) -> Result<u16, ApiError> {
    let Some(value) = value else {
        return Ok(default);
    };
    // `parse` would take a plus sign.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value
        .parse()
        .ok()
        .filter(|limit| digits && (1..=max).contains(limit))
        .ok_or_else(|| ApiError::from(ErrorCode::InvalidQuery).field("limit"))
}

/// The cursor that leads to what follows `key`.
pub fn encode(key: &impl ToString) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key.to_string())
}

/// The last position of the log that a page looks at: before that of the page before, and of what
/// there is.
pub fn before(cursor: Option<u64>, last: u64) -> u64 {
    cursor.map_or(last, |seq| seq.saturating_sub(1).min(last))
}

/// Where the page before ended.
pub fn cursor<K: FromStr>(value: Option<&str>) -> Result<Option<K>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(value)
        .ok()
        .filter(|bytes| !bytes.is_empty())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok());
    match key {
        Some(key) => Ok(Some(key)),
        None => Err(ApiError::from(ErrorCode::InvalidCursor).field("cursor")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_leads_to_the_next_page_and_the_last_page_has_none() {
        let page = Page::cut(vec![9_u64, 8, 7], 2, |row| *row, |row| row);
        assert_eq!(page.items, [9, 8]);
        assert_eq!(
            cursor::<u64>(page.next_cursor.as_deref()).expect("ours"),
            Some(8)
        );
        let last = Page::cut(vec![7_u64, 6], 2, |row| *row, |row| row);
        assert_eq!((last.items.len(), last.next_cursor), (2, None));
    }

    #[test]
    fn limits_and_cursors_that_we_did_not_give_out_are_refused() {
        assert_eq!(limit(None).ok(), Some(50));
        assert_eq!(limit(Some("200")).ok(), Some(200));
        for value in ["0", "201", "-1", "+5", "ten", "", "70000", "1.5"] {
            assert!(limit(Some(value)).is_err(), "{value}");
        }
        for value in ["", "!", "YWJj", "LTE"] {
            assert!(cursor::<u64>(Some(value)).is_err(), "{value}");
        }
        assert!(cursor::<String>(Some("")).is_err());
    }
}
