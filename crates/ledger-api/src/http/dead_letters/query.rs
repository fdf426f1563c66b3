//! The query of the list.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    DeadLetterId, EventType, WalletId,
    rpc::dead_letters::{DeadLetterFilter, DeadLetterState, DeadLettersRequest},
    topology::Worker,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    error::{ApiError, ErrorCode},
    page,
};

/// What a list says of events whose type it does not know.
pub const UNKNOWN_TYPE: &str = "unknown";
/// The same as workers store it.
const UNKNOWN_NOUN_VERB: &str = "unknown.unknown";
/// `state` of all dead letters, whatever became of them.
const ANY_STATE: &str = "any";
/// Characters of a reason's code: a filter that is longer fits none.
const CODE_CHARS_MAX: usize = 100;

/// Which dead letters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDeadLetters {
    /// Only those of this worker: `analytics`, `fraud` or `settlement`.
    #[param(pattern = "^(analytics|fraud|settlement)$")]
    worker: Option<String>,
    /// `parked`, `replayed`, `discarded` or `any`; `parked` by default.
    #[param(pattern = "^(parked|replayed|discarded|any)$")]
    state: Option<String>,
    /// Only those given up for this reason, such as `constraint`.
    #[param(pattern = "^[!-~]+$", min_length = 1, max_length = 100)]
    reason: Option<String>,
    /// Only those about events of this type, with or without `florin.ledger.` and `.v1`;
    /// `unknown` for those whose type nobody knows.
    #[serde(rename = "type")]
    event_type: Option<String>,
    /// Only those about this wallet, `wal_…`.
    wallet: Option<String>,
    /// Only those given up longer ago than this (`90s`, `30m`, `1h`, `7d`), or before this time.
    #[param(example = "1h")]
    older_than: Option<String>,
    /// Only those given up within this time, or at this time or later.
    #[param(example = "7d")]
    newer_than: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The query, understood.
pub struct Wanted {
    pub workers: Vec<Worker>,
    pub limit: u16,
    pub request: DeadLettersRequest,
}

impl ListDeadLetters {
    pub fn parse(self, now: DateTime<Utc>) -> Result<Wanted, ApiError> {
        let workers = match &self.worker {
            Some(name) => vec![worker(name).ok_or_else(|| wrong("worker"))?],
            None => Worker::ALL.to_vec(),
        };
        let limit = page::limit(self.limit.as_deref())?;
        let after: Option<DeadLetterId> = page::cursor(self.cursor.as_deref())?;
        let wallet: Option<WalletId> = self
            .wallet
            .map(|text| text.parse())
            .transpose()
            .map_err(|_| wrong("wallet"))?;
        let filter = DeadLetterFilter {
            state: state(self.state.as_deref())?,
            reason: self.reason.map(code).transpose()?,
            noun_verb: self.event_type.as_deref().map(noun_verb).transpose()?,
            wallet,
            before: moment("older_than", self.older_than.as_deref(), now)?,
            since: moment("newer_than", self.newer_than.as_deref(), now)?,
        };
        Ok(Wanted {
            workers,
            limit,
            request: DeadLettersRequest {
                filter,
                after,
                // One more: whether it is there tells whether there is a next page.
                limit: limit + 1,
            },
        })
    }
}

/// A worker of the fleet by its name.
pub fn worker(name: &str) -> Option<Worker> {
    let mut all = Worker::ALL.iter().copied();
    all.find(|worker| worker.as_str() == name)
}

fn state(text: Option<&str>) -> Result<Option<DeadLetterState>, ApiError> {
    match text {
        None => Ok(Some(DeadLetterState::Parked)),
        Some(ANY_STATE) => Ok(None),
        Some(text) => DeadLetterState::parse(text)
            .map(Some)
            .ok_or_else(|| wrong("state")),
    }
}

fn code(text: String) -> Result<String, ApiError> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && (1..=CODE_CHARS_MAX).contains(&text.len()) {
        Ok(text)
    } else {
        Err(wrong("reason"))
    }
}

fn noun_verb(text: &str) -> Result<String, ApiError> {
    if text == UNKNOWN_TYPE {
        return Ok(UNKNOWN_NOUN_VERB.to_owned());
    }
    let mut all = EventType::ALL.iter();
    let known = all.find(|known| known.as_str() == text || known.noun_verb() == text);
    known
        .map(|known| known.noun_verb().to_owned())
        .ok_or_else(|| wrong("type"))
}

/// A length of time before now, or a moment.
fn moment(
    field: &'static str,
    text: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let ago = length(text).and_then(|length| now.checked_sub_signed(length));
    let at = ago.or_else(|| {
        let at = DateTime::parse_from_rfc3339(text).ok()?;
        Some(at.to_utc())
    });
    // Within what Postgres keeps.
    at.filter(|at| (1900..=9999).contains(&chrono::Datelike::year(at)))
        .map(Some)
        .ok_or_else(|| wrong(field))
}

/// `90s`, `30m`, `1h`, `7d`.
fn length(text: &str) -> Option<TimeDelta> {
    let digits = text.trim_end_matches(|char: char| !char.is_ascii_digit());
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u32 = digits.parse().ok()?;
    let number = i64::from(number);
    match &text[digits.len()..] {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number).filter(|_| number <= 36_500),
        _ => None,
    }
}

fn wrong(field: &'static str) -> ApiError {
    ApiError::from(ErrorCode::InvalidQuery)
        .field(field)
        .detail(format!("{field} has no possible value"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_length_or_a_moment() {
        let now = DateTime::from_timestamp(1_700_000_000, 0).expect("in range");
        let of = |text| moment("older_than", Some(text), now).ok().flatten();
        let ago = |seconds| Some(now - TimeDelta::seconds(seconds));
        assert_eq!(of("90s"), ago(90));
        assert_eq!(of("30m"), ago(1_800));
        assert_eq!(of("1h"), ago(3_600));
        assert_eq!(of("7d"), ago(7 * 86_400));
        assert_eq!(of("2023-11-14T23:13:20+01:00"), ago(0));
        for wrong in [
            "",
            "h",
            "1",
            "-1h",
            "1.5h",
            "1 h",
            "1w",
            "1hh",
            "yesterday",
            "99999999999d",
            "4294967295d",
            "999999999h",
            "+5s",
            "1ü",
            "0000-01-01T00:00:00Z",
        ] {
            assert_eq!(of(wrong), None, "{wrong}");
        }
        assert!(moment("older_than", None, now).is_ok_and(|none| none.is_none()));
    }

    #[test]
    fn a_type_has_a_long_and_a_short_name() {
        for text in ["florin.ledger.transfer.posted.v1", "transfer.posted"] {
            assert_eq!(noun_verb(text).ok().as_deref(), Some("transfer.posted"));
        }
        assert_eq!(
            noun_verb("unknown").ok().as_deref(),
            Some(UNKNOWN_NOUN_VERB)
        );
        for wrong in ["", "transfer", "posted", "unknown.unknown", "dance.posted"] {
            assert!(noun_verb(wrong).is_err(), "{wrong}");
        }
    }
}
