//! Values of rates, parsed once.

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use contracts::limits::{
    RATE_DIGITS_MAX, RATE_SCALE_MAX, RATE_WHOLE_DIGITS_MAX, SPREAD_PERCENT_MAX, SPREAD_SCALE_MAX,
};
use rust_decimal::Decimal;

/// 1900-01-01T00:00:00Z, as for everything else that has a time.
const EARLIEST_SECONDS: i64 = -2_208_988_800;

/// `digits[.digits]`, above zero, within the limits of a rate.
pub fn rate(text: &str) -> Option<Decimal> {
    let rate = plain(text, RATE_WHOLE_DIGITS_MAX, RATE_SCALE_MAX)?;
    let digits = rate.mantissa().to_string().len();
    let fits = u32::try_from(digits).is_ok_and(|digits| digits <= RATE_DIGITS_MAX);
    (fits && !rate.is_zero()).then_some(rate)
}

/// A spread in percent: zero to the largest.
pub fn spread(text: &str) -> Option<Decimal> {
    // As many digits before the point as the largest has: "050" is none.
    let spread = plain(text, 2, SPREAD_SCALE_MAX)?;
    (spread <= Decimal::from(SPREAD_PERCENT_MAX)).then_some(spread)
}

/// Digits with at most so many before and after the point; zeros at either end do not count.
fn plain(text: &str, whole_max: u32, scale_max: u32) -> Option<Decimal> {
    let (whole, fraction) = match text.split_once('.') {
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return None;
    }
    let (whole, fraction) = (
        whole.trim_start_matches('0'),
        fraction.trim_end_matches('0'),
    );
    let within = |part: &str, max: u32| u32::try_from(part.len()).is_ok_and(|count| count <= max);
    if !within(whole, whole_max) || !within(fraction, scale_max) {
        return None;
    }
    let exact = Decimal::from_str_exact(&format!("0{whole}.{fraction}0")).ok()?;
    Some(exact.normalize())
}

/// The moment of a rate: RFC 3339, or a date, which is its beginning in UTC.
pub fn as_of(text: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = date(text).map_or_else(|| rfc3339(text), |date| Some(start(date)))?;
    (at.timestamp() >= EARLIEST_SECONDS && at <= now).then_some(at)
}

/// Until when a reader looks: RFC 3339, or a date, which is its end in UTC.
pub fn until(text: &str) -> Option<DateTime<Utc>> {
    let at = date(text).map_or_else(
        || rfc3339(text),
        |date| {
            let next = start(date.succ_opt()?);
            next.checked_sub_signed(chrono::TimeDelta::microseconds(1))
        },
    )?;
    (at.timestamp() >= EARLIEST_SECONDS).then_some(at)
}

fn rfc3339(text: &str) -> Option<DateTime<Utc>> {
    let at = DateTime::parse_from_rfc3339(text).ok()?;
    // Postgres keeps microseconds.
    DateTime::from_timestamp_micros(at.timestamp_micros())
}

fn date(text: &str) -> Option<NaiveDate> {
    // chrono takes fewer digits and signs too.
    (text.len() == 10)
        .then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .flatten()
}

fn start(date: NaiveDate) -> DateTime<Utc> {
    date.and_time(NaiveTime::MIN).and_utc()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_digits_within_its_limits() {
        for (text, rate_is) in [
            ("1.0823", Some("1.0823")),
            ("0186.7500", Some("186.75")),
            ("0.000000000001", Some("0.000000000001")),
            ("999999999999", Some("999999999999")),
            ("123456.123456789012", Some("123456.123456789012")),
            ("1234567.123456789012", None),
            ("0.0000000000001", None),
            ("1000000000000", None),
            ("0", None),
            ("0.000", None),
            ("-1", None),
            ("+1", None),
            ("1e3", None),
            ("1.", None),
            (".5", None),
            ("", None),
            ("1,5", None),
            ("١", None),
        ] {
            let parsed = rate(text).map(|rate| rate.to_string());
            assert_eq!(parsed.as_deref(), rate_is, "{text}");
        }
    }

    #[test]
    fn a_spread_is_a_part_of_a_hundred() {
        for (text, spread_is) in [
            ("0", Some("0")),
            ("0.5", Some("0.5")),
            ("50.0000", Some("50")),
            ("50.0001", None),
            ("0.00001", None),
            ("100", None),
            ("-0.1", None),
        ] {
            let parsed = spread(text).map(|spread| spread.to_string());
            assert_eq!(parsed.as_deref(), spread_is, "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_date_or_a_time_and_not_to_come() {
        let now = DateTime::from_timestamp(1_776_081_600, 0).expect("2026-04-13T12:00:00Z");
        for (text, seconds) in [
            ("2026-04-13", Some(1_776_038_400)),
            ("2026-04-13T14:00:00+02:00", Some(1_776_081_600)),
            ("1999-01-04", Some(915_408_000)),
            ("2026-04-13T12:00:01Z", None),
            ("2026-04-14", None),
            ("1899-12-31", None),
            ("2026-4-13", None),
            ("2026-02-30", None),
            ("+026-04-13", None),
            ("today", None),
            ("", None),
        ] {
            assert_eq!(as_of(text, now).map(|at| at.timestamp()), seconds, "{text}");
        }
        let end = until("2026-04-13").expect("a date");
        assert_eq!(end.to_rfc3339(), "2026-04-13T23:59:59.999999+00:00");
    }
}
