//! Times in queries: a moment, a period, and which time of a movement counts.

use chrono::{DateTime, Utc};

use super::error::{ApiError, ErrorCode};
use crate::store::period::{By, Period, bounds};

/// `by`: `posted`, when nobody says, or `effective`.
pub fn by(value: Option<&str>) -> Result<By, ApiError> {
    match value {
        None | Some("posted") => Ok(By::Posted),
        Some("effective") => Ok(By::Effective),
        Some(_) => Err(refused("by", "by is posted or effective")),
    }
}

/// How an answer spells it.
pub const fn spelled(by: By) -> &'static str {
    match by {
        By::Posted => "posted",
        By::Effective => "effective",
    }
}

/// A moment, to the microsecond that Postgres keeps. One that has not come yet is none to refuse:
/// the clock of a process may be behind that of another, which gave it out.
pub fn moment(field: &'static str, value: Option<&str>) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let (earliest, latest) = bounds();
    DateTime::parse_from_rfc3339(value)
        .ok()
        .and_then(|at| DateTime::from_timestamp_micros(at.timestamp_micros()))
        .filter(|at| (earliest..=latest).contains(at))
        .map(Some)
        .ok_or_else(|| {
            refused(
                field,
                "a time is written as RFC 3339 and lies between 1900 and 9999; a plus sign is %2B \
                 in a query",
            )
        })
}

/// `from` and `to`: from the beginning and up to now, when nobody says.
pub fn period(by: By, from: Option<&str>, to: Option<&str>) -> Result<Period, ApiError> {
    let always = Period::always(by);
    let period = Period {
        by,
        from: moment("from", from)?.unwrap_or(always.from),
        to: moment("to", to)?.unwrap_or(always.to),
    };
    if period.from > period.to {
        return Err(refused("to", "a period ends after it began"));
    }
    Ok(period)
}

/// A flag.
pub fn flag(field: &'static str, value: Option<&str>) -> Result<bool, ApiError> {
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(refused(field, "true or false")),
    }
}

/// A parameter that has no possible value.
pub fn refused(field: &'static str, detail: &'static str) -> ApiError {
    ApiError::from(ErrorCode::InvalidQuery)
        .field(field)
        .detail(detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_has_whole_microseconds_and_no_negative_length() {
        let of = |from, to| period(By::Posted, from, to).ok();
        let day = of(
            Some("2026-01-01T00:00:00.0000009Z"),
            Some("2026-01-02T01:00:00+01:00"),
        )
        .expect("a period");
        assert_eq!(day.from.to_rfc3339(), "2026-01-01T00:00:00+00:00");
        assert_eq!(day.to.to_rfc3339(), "2026-01-02T00:00:00+00:00");
        assert!(of(None, None).expect("a period").is_always());
        let now = Some("2026-01-01T00:00:00Z");
        assert!(of(now, now).is_some());
        assert!(of(Some("2026-01-01T00:00:01Z"), now).is_none());
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "",
            "yesterday",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "2026-01-01T00:00:00 01:00",
            "1899-12-31T23:59:59Z",
            "+10000-01-01T00:00:00Z",
        ] {
            assert!(moment("at", Some(text)).is_err(), "{text}");
        }
        assert!(by(Some("both")).is_err() && flag("totals", Some("yes")).is_err());
    }
}
