//! Every metric of this crate, with its help text: dashboards and alerts use these names.

use std::sync::OnceLock;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

/// A row of the table of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus spells it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it tells, with its labels.
    pub help: &'static str,
}

impl Metric {
    /// Tells the recorder the help text.
    pub fn describe(&self) {
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, self.help),
            Kind::Gauge => metrics::describe_gauge!(self.name, self.help),
            Kind::Histogram => metrics::describe_histogram!(self.name, self.help),
        }
    }
}

/// Declares a table of metrics: a constant for each and `ALL`. Services use it for theirs.
#[macro_export]
macro_rules! metrics_table {
    ($($name:ident = $kind:ident $text:literal, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $name: $crate::metrics::Metric = $crate::metrics::Metric {
                name: $text,
                kind: $crate::metrics::Kind::$kind,
                help: $help,
            };
        )*
        /// Every metric of the table.
        pub const ALL: &[$crate::metrics::Metric] = &[$($name,)*];
    };
}

metrics_table! {
    HEALTH = Gauge "florin_health",
        "Health by part: 0 works, 1 degraded, 2 down.";
    RELAY_LEADER = Gauge "florin_relay_leader",
        "1 in the process that leads the relay of a stream, 0 in those that stand by.";
    RELAY_LAG_EVENTS = Gauge "florin_relay_lag_events",
        "Events of the log that are not in the stream yet, by stream.";
    RELAY_LAG_SECONDS = Gauge "florin_relay_lag_seconds",
        "Age of the oldest event that is not in the stream yet, by stream.";
    RELAY_PUBLISHED = Counter "florin_relay_published_total",
        "Events that the relay published, by stream.";
    RELAY_RESYNCS = Counter "florin_relay_resyncs_total",
        "How often the relay looked for its place in the stream, by stream and cause.";
    RELAY_FOREIGN = Counter "florin_relay_foreign_messages_total",
        "Messages at the end of a stream that the relay did not publish, by stream.";
    RELAY_EPOCH = Gauge "florin_relay_epoch",
        "The epoch of a stream: 1, and one more each time that it had to be filled again.";
    RPC_ANSWERED = Counter "florin_rpc_answered_total",
        "Requests over NATS that were answered, by subject and outcome.";
}

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// The process's recorder, installed and told all help texts when first asked for.
pub fn recorder() -> &'static PrometheusHandle {
    RECORDER.get_or_init(|| {
        // From half a millisecond to ten seconds: a commit is at the low end, a timeout at the
        // high one.
        const SECONDS: &[f64] = &[
            0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
        ];
        // Batches: powers of two up to the largest.
        const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_size".to_owned()), SIZES)
            })
            .expect("the buckets are not empty")
            .build_recorder();
        let handle = recorder.handle();
        if metrics::set_global_recorder(recorder).is_err() {
            tracing::warn!("Another recorder of metrics is installed; /metrics will be empty");
        }
        for metric in ALL {
            metric.describe();
        }
        handle
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions_of_prometheus() {
        for metric in ALL {
            assert!(metric.name.starts_with("florin_"), "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            assert_eq!(
                metric.kind == Kind::Counter,
                metric.name.ends_with("_total")
            );
        }
    }
}
