//! When merchants are settled without anybody asking.

use std::{fmt, str::FromStr};

use chrono::{DateTime, Utc};
use croner::Cron;

/// A cron pattern, in UTC.
#[derive(Clone, PartialEq, Eq)]
pub struct Schedule {
    pattern: String,
    cron: Cron,
}

/// A text that is no cron pattern, or one whose time never comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no cron pattern such as '0 0 * * *' (minute, hour, day, month, weekday): {0}")]
pub struct WrongPattern(String);

impl Schedule {
    /// The latest instant that is not after `at`.
    pub fn latest(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.cron.find_previous_occurrence(&at, true).ok()
    }
}

impl FromStr for Schedule {
    type Err = WrongPattern;

    fn from_str(text: &str) -> Result<Self, WrongPattern> {
        let wrong = |error: croner::errors::CronError| WrongPattern(error.to_string());
        let cron = Cron::from_str(text).map_err(wrong)?;
        // The 30th of February parses and never comes.
        let epoch = DateTime::UNIX_EPOCH;
        cron.find_next_occurrence(&epoch, false).map_err(wrong)?;
        Ok(Self {
            pattern: text.to_owned(),
            cron,
        })
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.pattern, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn the_latest_instant_is_the_last_one_that_has_come() {
        let daily: Schedule = "0 0 * * *".parse().expect("a pattern");
        for (now, instant) in [
            ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z"),
            ("2026-11-20T00:00:00.000001Z", "2026-11-20T00:00:00Z"),
            ("2026-11-19T23:59:59.999999Z", "2026-11-19T00:00:00Z"),
            ("2026-11-20T23:59:59Z", "2026-11-20T00:00:00Z"),
        ] {
            assert_eq!(daily.latest(at(now)), Some(at(instant)), "{now}");
        }
        let fridays: Schedule = "30 17 * * FRI".parse().expect("a pattern");
        assert_eq!(
            fridays.latest(at("2026-11-20T17:29:59Z")),
            Some(at("2026-11-13T17:30:00Z"))
        );
    }

    #[test]
    fn what_is_no_pattern_or_never_comes_is_refused() {
        for text in [
            "",
            "daily",
            "0 0 * *",
            "61 0 * * *",
            "0 0 30 2 *",
            "0 0 * * * * * *",
        ] {
            let refused = text.parse::<Schedule>().expect_err(text);
            assert!(refused.to_string().contains("'0 0 * * *'"), "{refused}");
        }
    }
}
