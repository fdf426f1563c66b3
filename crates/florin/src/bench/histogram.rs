//! Latencies, counted in buckets that are at most 3 % wide: exact enough for percentiles, and
//! small enough for one per connection.

use std::time::Duration;

/// Buckets per power of two.
const STEPS: u64 = 1 << STEP_BITS;
const STEP_BITS: u32 = 5;
/// Beyond 2^26 microseconds, 67 s, everything is alike.
const POWERS: u32 = 26;
const BUCKETS: usize = ((POWERS - STEP_BITS + 1) as usize) << STEP_BITS;

/// How often which latency occurred.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u32>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
        }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
    }

    /// Adds what another one counted.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// The latency in microseconds that so many in a thousand do not exceed; zero when nothing
    /// was counted.
    pub fn permille(&self, permille: u64) -> u64 {
        let rank = (self.count() * permille).div_ceil(1_000);
        let mut below = 0;
        for (index, count) in self.counts.iter().enumerate() {
            below += u64::from(*count);
            if below >= rank && below > 0 {
                return ceiling(index);
            }
        }
        0
    }
}

fn bucket(micros: u64) -> usize {
    let micros = micros.min((1 << POWERS) - 1);
    let (group, step) = if micros < STEPS {
        (0, micros)
    } else {
        let shift = micros.ilog2() - STEP_BITS;
        (u64::from(shift) + 1, (micros >> shift) - STEPS)
    };
    usize::try_from(group * STEPS + step).unwrap_or(BUCKETS - 1)
}

/// The largest latency of a bucket.
fn ceiling(bucket: usize) -> u64 {
    let (group, step) = (bucket as u64 / STEPS, bucket as u64 % STEPS);
    match group.checked_sub(1) {
        None => step,
        Some(shift) => ((STEPS + step + 1) << shift) - 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_latency_is_within_three_percent_of_its_bucket() {
        for micros in (0..10_000).chain((10_000..60_000_000).step_by(9_973)) {
            let shown = ceiling(bucket(micros));
            assert!(
                shown >= micros && shown - micros <= micros / 32,
                "{micros} is shown as {shown}"
            );
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn percentiles_are_those_of_what_was_counted() {
        let mut one = Histogram::default();
        assert_eq!(one.permille(500), 0);
        (1..=90).for_each(|_| one.record(Duration::from_micros(10)));
        let mut other = Histogram::default();
        (1..=10).for_each(|_| other.record(Duration::from_micros(20)));
        one.merge(&other);
        assert_eq!(
            (one.count(), one.permille(500), one.permille(900)),
            (100, 10, 10)
        );
        assert_eq!((one.permille(901), one.permille(990)), (20, 20));
    }
}
