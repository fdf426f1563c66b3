//! Time and randomness, which everything else takes as arguments. The only file that asks the
//! system for either.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};

/// Tells the time, to the microsecond: what Postgres stores is what the program saw.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until a test moves it. Clones show the same time.
    pub fn manual(start: DateTime<Utc>) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(
            start.timestamp_micros(),
        ))))
    }

    /// The time now.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that others are given"
    )]
    pub fn now(&self) -> DateTime<Utc> {
        let micros = match &self.0 {
            Source::System => Utc::now().timestamp_micros(),
            Source::Manual(micros) => micros.load(Ordering::SeqCst),
        };
        DateTime::from_timestamp_micros(micros).expect("clocks stay within chrono's range")
    }

    /// Moves a manual clock on. The system's clock does not obey.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(
                i64::try_from(by.as_micros()).unwrap_or(i64::MAX),
                Ordering::SeqCst,
            );
        }
    }

    /// Sets a manual clock. The system's clock does not obey.
    pub fn set(&self, to: DateTime<Utc>) {
        if let Source::Manual(micros) = &self.0 {
            micros.store(to.timestamp_micros(), Ordering::SeqCst);
        }
    }
}

/// Random bytes for `contracts::ids::*::mint`.
pub fn entropy() -> [u8; 10] {
    rand::random()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand_and_its_clones_with_it() {
        let start = DateTime::from_timestamp(1_700_000_000, 123_456_789).expect("in range");
        let clock = Clock::manual(start);
        let clone = clock.clone();
        clock.advance(Duration::from_secs(5));
        assert_eq!(
            clone.now().timestamp_micros(),
            start.timestamp_micros() + 5_000_000
        );
        assert_eq!(
            clone.now().timestamp_subsec_nanos() % 1_000,
            0,
            "microseconds"
        );
    }
}
