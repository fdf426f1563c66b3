//! Every metric of the worker loop, with its help text.

use crate::metrics::Metric;

/// What becomes of a message.
const OUTCOMES: &[&str] = &["effect", "repeat", "parked", "retry", "foreign", "wait"];

crate::metrics_table! {
    EVENTS = Counter "florin_worker_events_total" [consumer, outcome],
        "Messages by consumer and outcome: effect, repeat, parked, retry, foreign, wait.";
    HANDLING = Histogram "florin_worker_handling_seconds" [consumer],
        "Time of one transaction of a batch, by consumer.";
    AGE = Histogram "florin_worker_age_seconds" [consumer],
        "Time from an event's commit in the ledger to the commit of its effect, by consumer.";
    LAG = Gauge "florin_worker_lag_events" [consumer],
        "Events of the log that the consumer has not settled.";
    LAG_SECONDS = Gauge "florin_worker_lag_seconds" [consumer],
        "Age of the oldest event that the consumer has not settled; 0 when there is none.";
    REDELIVERIES = Counter "florin_worker_redeliveries_total" [consumer],
        "Messages that nats-server delivered more than once, by consumer.";
    MISSING_RANGES = Gauge "florin_worker_missing_ranges" [consumer],
        "Gaps in what the consumer has settled; above 1,000 it stops pulling.";
    RECOVERED = Counter "florin_worker_recovered_events_total" [consumer],
        "Events read from the log because they were missing, by consumer.";
    RETRYING = Gauge "florin_worker_retrying_events" [consumer],
        "Events that failed and wait for another try, by consumer.";
    DEAD_LETTERS = Gauge "florin_worker_dead_letters_open" [consumer],
        "Dead letters that wait for an operator, by consumer.";
    SESSIONS = Counter "florin_worker_sessions_total" [consumer],
        "How often the consumer was looked for anew, by consumer.";
    CONTRADICTIONS = Counter "florin_worker_log_contradictions_total" [consumer],
        "Times that the log had another event than one that was taken for it, by consumer.";
    CRASHES = Counter "florin_worker_crashes_total" [consumer],
        "Instances that died with events in hand, as their peers and successors saw it.";
}

/// Shows the whole table for a consumer, before anything has happened.
pub(crate) fn show(consumer: &str) {
    ALL.iter().for_each(Metric::describe);
    for metric in ALL.iter().filter(|metric| metric.labels == ["consumer"]) {
        metric.show(&[("consumer", consumer)]);
    }
    for outcome in OUTCOMES {
        EVENTS.show(&[("consumer", consumer), ("outcome", outcome)]);
    }
}
