//! What only the processes know: gauges that must be zero, or stay below a limit.

use super::patient::Patient;
use super::report::Severity;

/// A gauge with its limit.
struct Rule {
    metric: &'static str,
    /// Above it something is wrong.
    limit: u64,
    severity: Severity,
    found: &'static str,
    advice: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        metric: "florin_ledger_unbalanced_currencies",
        limit: 0,
        severity: Severity::Broken,
        found: "there are currencies whose balances do not sum to zero",
        advice: "Run `florin verify`: it names the accounts. Stop writes until you know why: \
                 somebody changed rows past the ledger.",
    },
    Rule {
        metric: "florin_worker_log_contradictions_total",
        limit: 0,
        severity: Severity::Broken,
        found: "the log had another event than one that the stream brought",
        advice: "Somebody who can publish on the stream forged an event, or Postgres was restored. \
                 Close the stream's subjects to everybody but ledger-api, and rebuild the worker's \
                 tables.",
    },
    Rule {
        metric: "florin_settlement_breaks_open",
        limit: 0,
        severity: Severity::Broken,
        found: "the last tie-out found sums that differ between the ledger and its events",
        advice: "Ask `GET /v1/settlements/breaks?state=open` which, and run `florin verify`: it names \
                 the rows. Cuts go on being closed: pay nothing out of them until you know why.",
    },
    Rule {
        metric: "florin_settlement_cuts_waiting_seconds",
        limit: 3_600,
        severity: Severity::Worrying,
        found: "a settlement cut waits for more than an hour",
        advice: "It waits for every event before it: run `florin dlq list --worker settlement`, and \
                 replay or discard what is there.",
    },
];
/// Beyond this part of the files that a process may open, the next connections are refused.
const FILES_PERCENT: u64 = 80;

/// Tie-outs come every minute, or when they take long as seldom as costs 2 % of the time; after
/// this long somebody should look.
const TIE_OUT_SECONDS_MAX: u64 = 3_600;

pub fn check(patient: &mut Patient) {
    let now = u64::try_from(service_runtime::Clock::system().now().timestamp()).unwrap_or_default();
    if let Some(seconds) = untied(patient.metrics.values().map(String::as_str), now)
        && seconds > TIE_OUT_SECONDS_MAX
    {
        let found = format!("the books were not tied out for {} minutes", seconds / 60);
        let advice = "The settlement worker's log says why: a dead letter that cannot be read, a \
                      backlog, or a ledger that does not answer.";
        patient.worrying("metrics", "settlement-worker", found, advice);
    }
    for (service, text) in patient.metrics.clone() {
        for rule in RULES {
            if most(&text, rule.metric).is_some_and(|value| value > rule.limit) {
                patient.find("metrics", rule.severity, &service, rule.found, rule.advice);
            }
        }
        let files = most(&text, "process_open_fds").zip(most(&text, "process_max_fds"));
        if let Some((open, limit)) = files
            && limit > 0
            && open * 100 >= limit * FILES_PERCENT
        {
            let found = format!("{open} of the {limit} files that it may open are open");
            let advice = "Raise its limit: `ulimit -n` before `florin up`, or LimitNOFILE= in its \
                          unit.";
            patient.worrying("metrics", &service, found, advice);
        }
    }
}

/// Seconds since any process completed a tie-out, or since the longest-lived that could have one
/// began; nothing when there is none.
fn untied<'a>(texts: impl Iterator<Item = &'a str>, now: u64) -> Option<u64> {
    let (mut last, mut began) = (0, u64::MAX);
    for text in texts {
        let Some(tied_out) = most(text, "florin_settlement_tie_out_timestamp_seconds") else {
            continue;
        };
        last = last.max(tied_out);
        began = began.min(most(text, "process_start_time_seconds").unwrap_or(now));
    }
    (began != u64::MAX).then(|| now.saturating_sub(last.max(began)))
}

/// The largest value of a metric over its labels, in whole numbers, rounded up.
fn most(text: &str, metric: &str) -> Option<u64> {
    let samples = text.lines().filter_map(|line| {
        let rest = line.strip_prefix(metric)?;
        if !rest.starts_with([' ', '{']) {
            return None;
        }
        let value = rest.rsplit_once(' ')?.1;
        let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
        let up = u64::from(fraction.bytes().any(|digit| digit != b'0'));
        // What is negative is as wrong as what is not.
        Some(whole.trim_start_matches('-').parse::<u64>().ok()? + up)
    });
    samples.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_is_read_over_its_labels_and_never_rounded_to_zero() {
        let text =
            "# HELP a_b words\n# TYPE a_b gauge\na_b{c=\"d\"} 0\na_b{c=\"e f\"} -0.01\na_bc 9\n";
        assert_eq!(most(text, "a_b"), Some(1));
        assert_eq!(most(text, "a_bc"), Some(9));
        assert_eq!(most(text, "a"), None);
    }

    #[test]
    fn tie_outs_are_as_old_as_the_latest_of_any_process_or_as_the_oldest_process() {
        let process = |tied_out: u64, began: u64| {
            format!(
                "florin_settlement_tie_out_timestamp_seconds {tied_out}\n\
                 process_start_time_seconds {began}.25\n"
            )
        };
        let untied = |texts: &[String]| untied(texts.iter().map(String::as_str), 1_000);
        assert_eq!(untied(&[process(900, 100), process(0, 990)]), Some(100));
        assert_eq!(untied(&[process(0, 99), process(0, 990)]), Some(900));
        assert_eq!(untied(&["process_start_time_seconds 7\n".to_owned()]), None);
    }
}
