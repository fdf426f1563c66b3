//! Sends days to the ledger, a bounded number at a time.

use std::time::Instant;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};

use super::history::{BASE, Day, History};
use super::report::Report;
use crate::api_client::{ApiClient, ApiError, NewRate, NewRates};
use crate::exit::Failure;

/// Requests in flight: each has some thirty rates, and a batch of them holds the log's head for
/// everybody.
const IN_FLIGHT_MAX: usize = 8;
/// Where the rates come from.
const SOURCE: &str = "ecb";

/// Sets the rates of every day. The same call after an interruption goes on where it was.
///
/// # Errors
/// When the ledger stays out of reach, or refuses a day.
pub async fn feed(
    client: &ApiClient,
    history: &History,
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let mut report = Report::of(history);
    let mut answers = stream::iter(&history.days)
        .map(|day| send(client, day))
        .buffer_unordered(IN_FLIGHT_MAX);
    while let Some(replayed) = answers.try_next().await? {
        if replayed {
            report.replayed += 1;
        } else {
            report.set += 1;
        }
        progress.inc(1);
    }
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Whether the day had been set before.
async fn send(client: &ApiClient, day: &Day) -> anyhow::Result<bool> {
    let rates = NewRates {
        source: SOURCE.to_owned(),
        rates: day
            .rates
            .iter()
            .map(|(currency, rate)| NewRate {
                base: BASE.to_owned(),
                quote: currency.code().to_owned(),
                rate: rate.clone(),
                as_of: day.date.to_string(),
            })
            .collect(),
    };
    match client.set_rates(&key(day), &rates).await {
        Ok(written) => Ok(written.replayed),
        Err(error @ ApiError::OutOfReach { .. }) => {
            Err(Failure::out_of_reach(error.to_string()).into())
        }
        Err(error) => Err(error).with_context(|| format!("the rates of {}", day.date)),
    }
}

/// The day and a hash of its rates.
fn key(day: &Day) -> String {
    let mut digest = Sha256::new();
    for (currency, rate) in &day.rates {
        digest.update(format!("{currency}={rate};"));
    }
    let hash = hex::encode(digest.finalize());
    format!("rates:{SOURCE}:{}:{}", day.date, &hash[..32])
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn a_key_stands_for_the_content_of_a_day() {
        let keys = |file: &str| -> Vec<String> {
            let history = parse(file.as_bytes()).expect("a good file");
            history.days.iter().map(key).collect()
        };
        let before = keys("Date,USD,JPY\n2026-04-13,1.1,186\n2026-04-10,1.1,186\n");
        assert_ne!(before[0], before[1]);
        // A day more, and an unknown currency more, change no other day's key.
        let after = keys("Date,USD,ZZZ,JPY\n2026-04-14,1,1,1\n2026-04-13,1.1,5,186\n");
        assert_eq!(after[1], before[0]);
        assert_ne!(keys("Date,USD,JPY\n2026-04-13,1.1,187\n")[0], before[0]);
    }
}
