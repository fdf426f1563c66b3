//! Every metric of this crate, with its help text: dashboards and alerts use these names.

use std::sync::OnceLock;

use metrics::Label;
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

impl Kind {
    /// As `# TYPE` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric is counted in. Its name says so, because Prometheus shows nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds; a `_timestamp_seconds` counts them from 1970.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things; the name says which.
    Number,
    /// Always 1: the labels are what it tells.
    Info,
}

impl Unit {
    /// The unit that a name ends in, before the `_total` of a counter.
    pub const fn of(name: &str) -> Self {
        const fn ends(name: &[u8], suffix: &[u8]) -> bool {
            let Some((_, end)) = name.split_at_checked(name.len().saturating_sub(suffix.len()))
            else {
                return false;
            };
            let mut at = 0;
            while at < suffix.len() {
                if end.len() != suffix.len() || end[at] != suffix[at] {
                    return false;
                }
                at += 1;
            }
            true
        }
        let name = name.as_bytes();
        if ends(name, b"_seconds") || ends(name, b"_seconds_total") {
            Self::Seconds
        } else if ends(name, b"_bytes") || ends(name, b"_bytes_total") {
            Self::Bytes
        } else if ends(name, b"_info") {
            Self::Info
        } else {
            Self::Number
        }
    }

    /// In words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Number => "number",
            Self::Info => "1",
        }
    }
}

/// A row of the table of metrics.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// As Prometheus spells it.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is counted in.
    pub unit: Unit,
    /// What it tells, with its labels.
    pub help: &'static str,
    /// The names of its labels. Their values are few and never ids.
    pub labels: &'static [&'static str],
}

impl Metric {
    /// Tells the recorder help text and unit.
    pub fn describe(&self) {
        let unit = match self.unit {
            Unit::Seconds => metrics::Unit::Seconds,
            Unit::Bytes => metrics::Unit::Bytes,
            Unit::Number | Unit::Info => metrics::Unit::Count,
        };
        match self.kind {
            Kind::Counter => metrics::describe_counter!(self.name, unit, self.help),
            Kind::Gauge => metrics::describe_gauge!(self.name, unit, self.help),
            Kind::Histogram => metrics::describe_histogram!(self.name, unit, self.help),
        }
    }

    /// Shows the metric with these labels from now on, 0 until something happens: an alert on
    /// what is absent never fires, and the first increase of a counter that appears with it is
    /// invisible to `rate`. Changes nothing that is shown already.
    pub fn show(&self, labels: &[(&'static str, &str)]) {
        debug_assert!(
            labels.iter().map(|(name, _)| name).eq(self.labels),
            "{} has the labels {:?}",
            self.name,
            self.labels
        );
        let labels: Vec<Label> = labels
            .iter()
            .map(|(name, value)| Label::new(*name, (*value).to_owned()))
            .collect();
        match self.kind {
            Kind::Counter => metrics::counter!(self.name, labels).increment(0),
            Kind::Gauge => metrics::gauge!(self.name, labels).increment(0.0),
            Kind::Histogram => drop(metrics::histogram!(self.name, labels)),
        }
    }
}

/// Declares a table of metrics: a constant for each and `ALL`. Services use it for theirs. A row
/// is `NAME = Kind "name" [labels], "help.";`, without the brackets when there are no labels.
#[macro_export]
macro_rules! metrics_table {
    ($($name:ident = $kind:ident $text:literal $([$($label:ident),+])?, $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $name: $crate::metrics::Metric = $crate::metrics::Metric {
                name: $text,
                kind: $crate::metrics::Kind::$kind,
                unit: $crate::metrics::Unit::of($text),
                help: $help,
                labels: &[$($(stringify!($label)),+)?],
            };
        )*
        /// Every metric of the table.
        pub const ALL: &[$crate::metrics::Metric] = &[$($name,)*];
    };
}

metrics_table! {
    BUILD_INFO = Gauge "florin_build_info" [service, version],
        "1, with the service that the process is and its version.";
    STARTED = Gauge "process_start_time_seconds",
        "When the process started, in seconds since 1970.";
    MEMORY = Gauge "process_resident_memory_bytes",
        "Memory of the process that is in RAM; 0 where the system does not tell.";
    OPEN_FILES = Gauge "process_open_fds",
        "Open files and sockets of the process; 0 where the system does not tell.";
    OPEN_FILES_MAX = Gauge "process_max_fds",
        "Files and sockets that the process may open; 0 where the system does not tell.";
    HEALTH = Gauge "florin_health" [part],
        "Health by part: 0 works, 1 degraded, 2 down.";
    POOL_CONNECTIONS = Gauge "florin_pool_connections" [pool, state],
        "Connections to Postgres by pool and state: used or idle.";
    POOL_CONNECTIONS_MAX = Gauge "florin_pool_max_connections" [pool],
        "Connections that a pool may open.";
    POOL_WAIT = Histogram "florin_pool_wait_seconds" [pool],
        "Time that a connection of a pool was waited for, asked once a second.";
    RELAY_LEADER = Gauge "florin_relay_leader" [stream],
        "1 in the process that leads the relay of a stream, 0 in those that stand by.";
    RELAY_LAG_EVENTS = Gauge "florin_relay_lag_events" [stream],
        "Events of the log that are not in the stream yet, by stream.";
    RELAY_LAG_SECONDS = Gauge "florin_relay_lag_seconds" [stream],
        "Age of the oldest event that is not in the stream yet, by stream.";
    RELAY_PUBLISHED = Counter "florin_relay_published_total" [stream],
        "Events that the relay published, by stream.";
    RELAY_RESYNCS = Counter "florin_relay_resyncs_total" [stream, cause],
        "How often the relay looked for its place in the stream, by stream and cause.";
    RELAY_FOREIGN = Counter "florin_relay_foreign_messages_total" [stream],
        "Messages at the end of a stream that the relay did not publish, by stream.";
    RELAY_EPOCH = Gauge "florin_relay_epoch" [stream],
        "The epoch of a stream: 1, and one more each time that it had to be filled again.";
    RPC_ANSWERED = Counter "florin_rpc_answered_total" [subject, outcome],
        "Requests over NATS that were answered, by subject and outcome.";
}

/// A number as a gauge takes it.
#[expect(clippy::cast_precision_loss, reason = "a gauge; exact below 2^53")]
pub const fn to_f64(value: u64) -> f64 {
    value as f64
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
            // `process_` is what every client library calls the process's own.
            let ours = ["florin_", "process_"]
                .iter()
                .any(|prefix| metric.name.starts_with(prefix));
            assert!(ours, "{}", metric.name);
            assert!(metric.help.ends_with('.'), "{}", metric.name);
            assert_eq!(
                metric.kind == Kind::Counter,
                metric.name.ends_with("_total")
            );
        }
    }

    #[test]
    fn a_unit_is_what_the_name_ends_in() {
        let units = [
            ("florin_relay_lag_seconds", Unit::Seconds),
            ("florin_busy_seconds_total", Unit::Seconds),
            ("process_resident_memory_bytes", Unit::Bytes),
            ("florin_build_info", Unit::Info),
            ("florin_seconds_events_total", Unit::Number),
            ("_bytes", Unit::Bytes),
            ("bytes", Unit::Number),
        ];
        for (name, unit) in units {
            assert_eq!(Unit::of(name), unit, "{name}");
        }
        assert_eq!(RELAY_RESYNCS.labels, ["stream", "cause"]);
    }
}
