//! Streams and consumers as data. `florin topology` and the services create what stands here
//! and compare what the server made of it; tests take a prefix of their own.
//!
//! Only what nats-server 2.9.10 has: one filter subject, no metadata, no compression; newer
//! options are silently dropped by older servers.

use std::time::Duration;

use crate::limits;

/// The three services whose names occur in streams and consumers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Fraud rules.
    Fraud,
    /// Per-wallet statistics.
    Analytics,
    /// Merchant settlement.
    Settlement,
}

impl Worker {
    /// Every worker.
    pub const ALL: &'static [Self] = &[Self::Fraud, Self::Analytics, Self::Settlement];

    /// The name in subjects, durables and database schemas.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fraud => "fraud",
            Self::Analytics => "analytics",
            Self::Settlement => "settlement",
        }
    }
}

/// A stream as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// The name, with the prefix.
    pub name: String,
    /// The one subject filter it captures, with the prefix.
    pub subject: String,
    /// Oldest message kept.
    pub age_max: Duration,
    /// Bytes kept; the oldest messages go first.
    pub bytes_max: i64,
    /// How long message ids are remembered.
    pub duplicate_window: Duration,
}

/// A durable pull consumer as it must be. Deliveries are never limited (`max_deliver` -1): the
/// worker counts attempts in Postgres and gives up by a dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerSpec {
    /// The stream, with the prefix.
    pub stream: String,
    /// The durable's name.
    pub name: String,
    /// Its one filter subject, with the prefix.
    pub filter: String,
    /// Time for a delivered message before it is offered again.
    pub ack_wait: Duration,
    /// Unacknowledged messages before delivery stops.
    pub ack_pending_max: i64,
}

/// All names, under a prefix (empty in production).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topology {
    prefix: String,
}

impl Topology {
    /// Names under `prefix`: letters and digits, or nothing.
    pub fn with_prefix(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
        }
    }

    /// A subject of the tables, under the prefix.
    pub fn subject(&self, subject: &str) -> String {
        if self.prefix.is_empty() {
            subject.to_owned()
        } else {
            format!("{}.{subject}", self.prefix)
        }
    }

    /// The subject without the prefix, if it has it.
    pub fn strip<'a>(&self, subject: &'a str) -> Option<&'a str> {
        if self.prefix.is_empty() {
            return Some(subject);
        }
        subject
            .strip_prefix(self.prefix.as_str())?
            .strip_prefix('.')
    }

    fn name(&self, name: &str) -> String {
        if self.prefix.is_empty() {
            name.to_owned()
        } else {
            format!("{}_{name}", self.prefix)
        }
    }

    /// The ledger's stream.
    pub fn ledger_stream(&self) -> StreamSpec {
        self.event_stream("LEDGER", "ledger.v1.>")
    }

    /// The stream of a worker that publishes events of its own.
    pub fn worker_stream(&self, worker: Worker) -> Option<StreamSpec> {
        match worker {
            Worker::Fraud => Some(self.event_stream("FRAUD", "fraud.v1.>")),
            Worker::Settlement => Some(self.event_stream("SETTLEMENT", "settlement.v1.>")),
            Worker::Analytics => None,
        }
    }

    /// The stream that announces a worker's dead letters.
    pub fn dlq_stream(&self, worker: Worker) -> StreamSpec {
        StreamSpec {
            bytes_max: limits::DLQ_STREAM_BYTES_MAX,
            ..self.event_stream(
                &format!("DLQ_{}", worker.as_str().to_uppercase()),
                &format!("dlq.v1.{}.>", worker.as_str()),
            )
        }
    }

    /// The subject of a worker's dead letter about an event `<noun>.<verb>`.
    pub fn dlq_subject(&self, worker: Worker, noun_verb: &str) -> String {
        self.subject(&format!("dlq.v1.{}.{noun_verb}", worker.as_str()))
    }

    /// The durable consumer of a worker: all of the ledger, so that a gap is always a fault.
    pub fn consumer(&self, worker: Worker) -> ConsumerSpec {
        let stream = self.ledger_stream();
        ConsumerSpec {
            stream: stream.name,
            name: worker.as_str().to_owned(),
            filter: stream.subject,
            ack_wait: limits::ACK_WAIT,
            ack_pending_max: limits::ACK_PENDING_MAX,
        }
    }

    /// Every stream.
    pub fn streams(&self) -> Vec<StreamSpec> {
        let mut all = vec![self.ledger_stream()];
        all.extend(
            Worker::ALL
                .iter()
                .filter_map(|worker| self.worker_stream(*worker)),
        );
        all.extend(Worker::ALL.iter().map(|worker| self.dlq_stream(*worker)));
        all
    }

    /// Every consumer.
    pub fn consumers(&self) -> Vec<ConsumerSpec> {
        Worker::ALL
            .iter()
            .map(|worker| self.consumer(*worker))
            .collect()
    }

    fn event_stream(&self, name: &str, subject: &str) -> StreamSpec {
        StreamSpec {
            name: self.name(name),
            subject: self.subject(subject),
            age_max: limits::STREAM_AGE_MAX,
            bytes_max: limits::STREAM_BYTES_MAX,
            duplicate_window: limits::DUPLICATE_WINDOW,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_keeps_two_fleets_on_one_server_apart() {
        let plain = Topology::default();
        let prefixed = Topology::with_prefix("t7f3a");
        assert_eq!(plain.ledger_stream().name, "LEDGER");
        assert_eq!(prefixed.ledger_stream().name, "t7f3a_LEDGER");
        assert_eq!(
            prefixed.consumer(Worker::Analytics).filter,
            "t7f3a.ledger.v1.>"
        );
        assert_eq!(prefixed.strip("t7f3a.ledger.v1.x"), Some("ledger.v1.x"));
        assert_eq!(prefixed.strip("ledger.v1.x"), None);
    }

    #[test]
    fn stream_names_and_subjects_do_not_overlap() {
        let streams = Topology::default().streams();
        for (index, one) in streams.iter().enumerate() {
            for other in &streams[index + 1..] {
                assert_ne!(one.name, other.name);
                let stem = one.subject.trim_end_matches('>');
                assert!(
                    !other.subject.starts_with(stem),
                    "{} overlaps {}",
                    one.name,
                    other.name
                );
            }
        }
    }
}
