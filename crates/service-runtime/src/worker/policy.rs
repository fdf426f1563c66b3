//! The decisions about failures, without IO: how long to wait, when to give up, and whether it
//! is the event's fault at all. Pure.

use std::{collections::BTreeSet, time::Duration};

use chrono::{DateTime, Utc};

/// First wait of a retry: longer than a deadlock, shorter than anybody notices.
const DELAY_FIRST: Duration = Duration::from_millis(200);
/// Longest wait while the message stays in the stream: several tries within [`STAY_MAX`].
const DELAY_STREAM_MAX: Duration = Duration::from_secs(5);
/// Longest wait in the retry table: an hour's budget still gives dozens of tries.
const DELAY_TABLE_MAX: Duration = Duration::from_mins(1);
/// How long a retry stays with the stream: messages that wait count as pending there, and too
/// many of them would stall the consumer for everybody.
pub(crate) const STAY_MAX: Duration = Duration::from_secs(30);
/// Tries from the retry table before time alone may park an event: a long outage uses up the
/// time budget without a single honest try.
pub(crate) const TRIES_MIN: u32 = 10;
/// An event that panicked the handler this often alone is parked. The first could be the
/// neighbour's fault or bad luck; the second is its own.
pub(crate) const PANICS_MAX: u32 = 2;
/// The same for events that took the process with them.
pub(crate) const DEATHS_MAX: u32 = 2;
/// Different events that fail in a row before the fault is looked for elsewhere.
const STREAK_MAX: usize = 10;

/// What is recorded about an event in trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attempts {
    pub(crate) suspect: bool,
    pub(crate) tries: u32,
    pub(crate) panics: u32,
    pub(crate) deaths: u32,
    pub(crate) first_at: DateTime<Utc>,
    pub(crate) next_at: Option<DateTime<Utc>>,
}

/// What to do with an event whose handler asked for a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Leave it where it is and try again after this.
    Wait(Duration),
    /// Take it out of the stream, into the retry table, and try again after this.
    Table(Duration),
    /// Its time is up.
    Park,
}

/// After a failed try of a message that is in the stream.
pub(crate) fn after_stream(
    attempts: &Attempts,
    now: DateTime<Utc>,
    fleet: &Fleet,
    luck: u8,
) -> Next {
    let spent = (now - attempts.first_at).to_std().unwrap_or_default();
    if spent > STAY_MAX && !fleet.is_struggling() {
        return Next::Table(delay(attempts.tries, DELAY_TABLE_MAX, luck));
    }
    Next::Wait(delay(attempts.tries, DELAY_STREAM_MAX, luck))
}

/// After a failed try from the retry table.
pub(crate) fn after_table(
    attempts: &Attempts,
    now: DateTime<Utc>,
    budget: Duration,
    fleet: &Fleet,
    luck: u8,
) -> Next {
    let spent = (now - attempts.first_at).to_std().unwrap_or_default();
    if spent > budget && attempts.tries >= TRIES_MIN && !fleet.is_struggling() {
        return Next::Park;
    }
    Next::Table(delay(attempts.tries, DELAY_TABLE_MAX, luck))
}

/// Doubles from try to try; the upper half of it is chance, so that events that failed
/// together do not come back together.
pub(crate) fn delay(tries: u32, max: Duration, luck: u8) -> Duration {
    let whole = DELAY_FIRST
        .saturating_mul(1 << tries.saturating_sub(1).min(16))
        .min(max);
    whole / 2 + whole / 2 * u32::from(luck) / 255
}

/// Tells an event's fault from everybody's. When many different events in a row ask for a
/// retry, a dependency is down: nothing is taken out of the stream and nothing is parked.
#[derive(Debug, Default)]
pub(crate) struct Fleet {
    streak: BTreeSet<u64>,
}

impl Fleet {
    /// An event went through, or was given up for its own fault.
    pub(crate) fn passed(&mut self) {
        self.streak.clear();
    }

    /// An event asked for a retry.
    pub(crate) fn failed(&mut self, seq: u64) {
        if !self.is_struggling() {
            self.streak.insert(seq);
        }
    }

    pub(crate) fn is_struggling(&self) -> bool {
        self.streak.len() >= STREAK_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts(tries: u32) -> Attempts {
        let first_at = DateTime::from_timestamp(1_700_000_000, 0).expect("in range");
        Attempts {
            suspect: false,
            tries,
            panics: 0,
            deaths: 0,
            first_at,
            next_at: None,
        }
    }

    fn after(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).expect("in range")
    }

    fn struggling() -> Fleet {
        let mut fleet = Fleet::default();
        (1..=10).for_each(|seq| fleet.failed(seq));
        fleet
    }

    #[test]
    fn waits_double_up_to_a_limit_and_at_most_half_of_them_is_chance() {
        let table = [
            (1, 100, 200),
            (2, 200, 400),
            (3, 400, 800),
            (9, 2_500, 5_000),
        ];
        for (tries, least, most) in table {
            assert_eq!(
                delay(tries, DELAY_STREAM_MAX, 0),
                Duration::from_millis(least)
            );
            assert_eq!(
                delay(tries, DELAY_STREAM_MAX, 255),
                Duration::from_millis(most)
            );
        }
        assert_eq!(delay(u32::MAX, DELAY_TABLE_MAX, 255), DELAY_TABLE_MAX);
    }

    #[test]
    fn a_retry_leaves_the_stream_after_thirty_seconds() {
        let fleet = Fleet::default();
        assert!(matches!(
            after_stream(&attempts(3), after(30), &fleet, 0),
            Next::Wait(_)
        ));
        assert!(matches!(
            after_stream(&attempts(3), after(31), &fleet, 0),
            Next::Table(_)
        ));
    }

    #[test]
    fn an_event_is_parked_when_time_and_tries_are_both_used_up() {
        let (fleet, hour) = (Fleet::default(), Duration::from_hours(1));
        let next = |tries, seconds| after_table(&attempts(tries), after(seconds), hour, &fleet, 0);
        assert_eq!(next(TRIES_MIN, 3_601), Next::Park);
        assert!(
            matches!(next(TRIES_MIN, 3_600), Next::Table(_)),
            "time is left"
        );
        assert!(
            matches!(next(1, 100_000), Next::Table(_)),
            "an outage is no try"
        );
    }

    #[test]
    fn while_everything_fails_nothing_is_taken_out_or_parked() {
        let day = after(86_400);
        assert!(matches!(
            after_stream(&attempts(50), day, &struggling(), 0),
            Next::Wait(_)
        ));
        let next = after_table(&attempts(50), day, Duration::ZERO, &struggling(), 0);
        assert!(matches!(next, Next::Table(_)));
    }

    #[test]
    fn one_success_ends_the_struggle() {
        let mut fleet = struggling();
        assert!(fleet.is_struggling());
        fleet.passed();
        assert!(!fleet.is_struggling());
    }

    #[test]
    fn one_event_that_fails_for_ever_is_no_struggle() {
        let mut fleet = Fleet::default();
        (0..100).for_each(|_| fleet.failed(7));
        assert!(!fleet.is_struggling());
    }
}
