//! JSON or CSV: which one, and the headers that say so.

use axum::http::{HeaderMap, HeaderValue, header};

use super::{super::super::error::ApiError, NEXT_CURSOR, StatementView};
use crate::http::moment;

/// How a statement is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Csv,
}

impl Format {
    /// The parameter says, else the header `Accept`; JSON when both would do.
    pub(super) fn wanted(parameter: Option<&str>, headers: &HeaderMap) -> Result<Self, ApiError> {
        match parameter {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            Some(_) => Err(moment::refused("format", "format is json or csv")),
            None => Ok(accepted(headers)),
        }
    }

    pub(super) fn headers(self, view: &StatementView) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        if self == Self::Csv {
            let name = format!(
                "attachment; filename=\"{}-{}.csv\"",
                view.wallet, view.currency
            );
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/csv; charset=utf-8; header=present"),
            );
            let cursor = view.next_cursor.as_deref();
            let named = [
                (header::CONTENT_DISPOSITION, Some(name.as_str())),
                (NEXT_CURSOR, cursor),
            ];
            for (header, value) in named {
                let value = value.and_then(|value| HeaderValue::from_str(value).ok());
                if let Some(value) = value {
                    headers.insert(header, value);
                }
            }
        }
        headers
    }
}

/// What `Accept` prefers. Weights are thousandths; a type that is named counts for more than one
/// that a wildcard covers (RFC 9110, 12.5.1).
fn accepted(headers: &HeaderMap) -> Format {
    let (mut csv, mut json) = (None, None);
    let ranges = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    for range in ranges {
        let mut parts = range.split(';').map(str::trim);
        let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1_000, thousandths);
        match media_type.as_str() {
            "text/csv" => csv = Some(weight),
            "application/json" => json = Some(weight),
            "application/*" | "*/*" if json.is_none() => json = Some(weight.saturating_sub(1)),
            _ => {}
        }
    }
    if csv.unwrap_or(0) > json.unwrap_or(0) {
        Format::Csv
    } else {
        Format::Json
    }
}

/// `0.5` is 500. What is no weight asks for nothing.
fn thousandths(text: &str) -> u16 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{whole}{fraction:0<3}");
    let known = fraction.len() <= 3 && digits.len() == 4;
    digits
        .parse()
        .ok()
        .filter(|_| known)
        .map_or(0, |n: u16| n.min(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_for_those_who_prefer_it() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a value"));
            accepted(&headers)
        };
        for accept in [
            "text/csv",
            "Text/CSV; q=0.1",
            "text/csv, */*",
            "application/json;q=0.5, text/csv;q=0.6",
            "*/*;q=0.1, text/csv",
        ] {
            assert_eq!(of(accept), Format::Csv, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/json",
            "text/csv;q=0",
            "text/csv;q=high",
            "text/csv, application/json",
            "text/csv;q=0.5, */*",
            "text/html",
        ] {
            assert_eq!(of(accept), Format::Json, "{accept}");
        }
        assert_eq!(accepted(&HeaderMap::new()), Format::Json);
    }
}
