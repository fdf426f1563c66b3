//! Every metric of the worker loop, with its help text.

crate::metrics_table! {
    EVENTS = Counter "florin_worker_events_total",
        "Messages by consumer and outcome: effect, repeat, parked, retry, foreign, wait.";
    HANDLING = Histogram "florin_worker_handling_seconds",
        "Time of one transaction of a batch, by consumer.";
    AGE = Histogram "florin_worker_age_seconds",
        "Time from an event's commit in the ledger to the commit of its effect, by consumer.";
    LAG = Gauge "florin_worker_lag_events",
        "Events of the log that the consumer has not settled.";
    REDELIVERIES = Counter "florin_worker_redeliveries_total",
        "Messages that nats-server delivered more than once, by consumer.";
    MISSING_RANGES = Gauge "florin_worker_missing_ranges",
        "Gaps in what the consumer has settled; above 1,000 it stops pulling.";
    RECOVERED = Counter "florin_worker_recovered_events_total",
        "Events read from the log because they were missing, by consumer.";
    DEAD_LETTERS = Gauge "florin_worker_dead_letters_open",
        "Dead letters that wait for an operator, by consumer.";
    SESSIONS = Counter "florin_worker_sessions_total",
        "How often the consumer was looked for anew, by consumer.";
    CONTRADICTIONS = Counter "florin_worker_log_contradictions_total",
        "Times that the log had another event than one that was taken for it, by consumer.";
    CRASHES = Counter "florin_worker_crashes_total",
        "Instances that died with events in hand, as their peers and successors saw it.";
}
