//! From commit to effect: the worker's own histogram, as its `/metrics` shows it.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive as _;

use crate::fleet::Fleet;

/// The worker's histogram of the time from an event's commit to the commit of its effect.
const METRIC: &str = "florin_worker_age_seconds_bucket{";

/// What each worker has counted so far.
///
/// # Errors
/// When one does not answer.
pub async fn of_workers(fleet: &Fleet) -> anyhow::Result<BTreeMap<String, Ages>> {
    let mut all = BTreeMap::new();
    for (name, service) in &fleet.endpoints.services {
        if name.ends_with("-worker") {
            let ages = Ages::of(service.admin).await.context(name.clone())?;
            all.insert(name.clone(), ages);
        }
    }
    Ok(all)
}

/// What a worker's `/metrics` shows.
///
/// # Errors
/// When it does not answer.
pub async fn metrics(admin: std::net::SocketAddr) -> anyhow::Result<String> {
    let answer = reqwest::get(format!("http://{admin}/metrics")).await;
    let answer = answer.context("the worker does not show its metrics")?;
    Ok(answer.text().await?)
}

/// How many events took at most so long: microseconds and count, cumulative, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ages(Vec<(u64, u64)>);

impl Ages {
    /// Asks a worker.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn of(admin: std::net::SocketAddr) -> anyhow::Result<Self> {
        Ok(Self::parse(&metrics(admin).await?))
    }

    fn parse(text: &str) -> Self {
        let mut buckets: Vec<(u64, u64)> = Vec::new();
        for line in text.lines().filter_map(|line| line.strip_prefix(METRIC)) {
            let Some((labels, count)) = line.rsplit_once("} ") else {
                continue;
            };
            let limit = labels
                .split("le=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next());
            let (Some(limit), Ok(count)) = (limit.map(micros), count.trim().parse::<u64>()) else {
                continue;
            };
            match buckets.iter_mut().find(|(known, _)| *known == limit) {
                Some((_, sum)) => *sum += count,
                None => buckets.push((limit, count)),
            }
        }
        buckets.sort_unstable();
        Self(buckets)
    }

    /// What was counted since an earlier look.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        let before = |limit| {
            earlier
                .0
                .iter()
                .find(|(known, _)| *known == limit)
                .map_or(0, |b| b.1)
        };
        let buckets = self
            .0
            .iter()
            .map(|(limit, count)| (*limit, count.saturating_sub(before(*limit))));
        Self(buckets.collect())
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.0.last().map_or(0, |(_, count)| *count)
    }

    /// The time in microseconds that so many in a thousand did not exceed, evened out within its
    /// bucket; nothing when none was counted, or when it is beyond the last limit.
    pub fn permille(&self, permille: u64) -> Option<u64> {
        let rank = (self.count() * permille).div_ceil(1_000);
        let (mut lower, mut below) = (0, 0);
        for (limit, count) in &self.0 {
            if *count >= rank && *count > below {
                let share = u128::from(rank - below) * u128::from(limit - lower);
                let within = u64::try_from(share / u128::from(count - below)).ok()?;
                return (*limit < u64::MAX).then_some(lower + within);
            }
            (lower, below) = (*limit, *count);
        }
        None
    }
}

/// A bucket's limit; infinity is the largest number.
fn micros(seconds: &str) -> u64 {
    let exact = seconds.parse::<Decimal>().ok();
    let micros = exact.and_then(|seconds| seconds.checked_mul(Decimal::from(1_000_000)));
    micros
        .and_then(|micros| micros.to_u64())
        .unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "# TYPE florin_worker_age_seconds histogram\n\
        florin_worker_age_seconds_bucket{consumer=\"analytics\",le=\"0.001\"} 10\n\
        florin_worker_age_seconds_bucket{consumer=\"analytics\",le=\"0.0025\"} 90\n\
        florin_worker_age_seconds_bucket{consumer=\"analytics\",le=\"1\"} 99\n\
        florin_worker_age_seconds_bucket{consumer=\"analytics\",le=\"+Inf\"} 100\n\
        florin_worker_age_seconds_sum{consumer=\"analytics\"} 3\n";

    #[test]
    fn percentiles_are_evened_out_within_a_bucket() {
        let ages = Ages::parse(METRICS);
        assert_eq!(ages.count(), 100);
        assert_eq!(ages.permille(50), Some(500));
        assert_eq!(ages.permille(500), Some(1_750));
        assert_eq!(ages.permille(990), Some(1_000_000));
        assert_eq!(
            ages.permille(999),
            None,
            "beyond the last limit nothing is known"
        );
        assert_eq!(Ages::default().permille(500), None);
    }

    #[test]
    fn only_what_came_since_counts() {
        let ages = Ages::parse(METRICS);
        let fresh = ages.since(&Ages::parse(
            &METRICS.replace(" 9", " 8").replace("100", "90"),
        ));
        assert_eq!(fresh.count(), 10);
        assert_eq!(ages.since(&ages).permille(500), None);
        assert_eq!(ages.since(&Ages::default()), ages);
    }
}
