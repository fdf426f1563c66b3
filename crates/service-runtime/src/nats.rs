//! The connection to NATS, and streams and consumers as the topology wants them.
//!
//! A created stream or consumer is read back and compared: older servers silently drop what
//! they do not know, and somebody may have changed it.

use std::time::Duration;

use anyhow::bail;
use async_nats::{
    Client, ConnectOptions, Event,
    jetstream::{
        self,
        consumer::{AckPolicy, DeliverPolicy, PullConsumer, ReplayPolicy, pull},
        context::{ConsumerInfoErrorKind, GetStreamErrorKind},
        stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream},
    },
};
use contracts::topology::{ConsumerSpec, StreamSpec};

use crate::{Process, State};

/// The oldest server whose JetStream does what Florin relies on.
const OLDEST: (i64, i64, i64) = (2, 9, 10);
/// A half-open connection is noticed after two of them.
const PING_EVERY: Duration = Duration::from_secs(10);
/// The longest wait between two attempts to reconnect.
const RECONNECT_MAX: Duration = Duration::from_secs(2);

/// Why a stream or consumer is not as it must be.
#[derive(Debug, thiserror::Error)]
pub enum TopologyError {
    /// NATS did not answer, or refused.
    #[error("NATS did not give {name}")]
    Server {
        /// The stream or consumer.
        name: String,
        /// Why.
        #[source]
        source: async_nats::Error,
    },
    /// It exists, and is not what the topology says.
    #[error("{name} has {field} {found}, and must have {wanted}")]
    Differs {
        /// The stream or consumer.
        name: String,
        /// Which of its settings.
        field: &'static str,
        /// As it is.
        found: String,
        /// As it must be.
        wanted: String,
    },
}

/// Connects, and goes on doing so for ever in the background: the answer comes at once, also
/// when no server is there. The process's health has the state as part `nats`: degraded, not
/// down, because a ledger serves without NATS. A server that is too old ends the process.
///
/// # Errors
/// When the URL does not parse.
pub async fn connect(url: &str, name: &str, process: &Process) -> anyhow::Result<Client> {
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let addresses: Vec<&str> = url.split(',').map(str::trim).collect();
    let client = ConnectOptions::new()
        .name(name)
        .ping_interval(PING_EVERY)
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            let sender = sender.clone();
            async move {
                // The receiver is gone only when the process is.
                let _ = sender.send(event);
            }
        })
        .connect(addresses)
        .await?;

    let health = process.health().clone();
    health.set("nats", State::Degraded("not connected yet".to_owned()));
    let (soft, watched) = (process.soft(), client.clone());
    process.spawn("nats watch", async move {
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = soft.cancelled() => return Ok(()),
            };
            match event {
                Some(Event::Connected) => {
                    check_version(&watched)?;
                    health.set("nats", State::Ok);
                }
                Some(Event::Disconnected) => {
                    health.set("nats", State::Degraded("disconnected".to_owned()));
                }
                Some(Event::Closed) | None => return Ok(()),
                Some(other) => tracing::warn!(event = other.to_string(), "NATS says: {other}"),
            }
        }
    });
    Ok(client)
}

/// Quickly at first, because a restarted server is back within a second.
fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts).unwrap_or(u32::MAX).min(6);
    (Duration::from_millis(25) * 2_u32.pow(doublings)).min(RECONNECT_MAX)
}

fn check_version(client: &Client) -> anyhow::Result<()> {
    let (major, minor, patch) = OLDEST;
    if client.is_server_compatible(major, minor, patch) {
        return Ok(());
    }
    let version = client.server_info().version;
    bail!("nats-server {version} is too old: Florin needs {major}.{minor}.{patch} or later")
}

/// The stream as the topology wants it, created when it is missing.
///
/// # Errors
/// When NATS does not answer, or the stream is another than the topology's.
pub async fn ensure_stream(
    js: &jetstream::Context,
    spec: &StreamSpec,
) -> Result<Stream, TopologyError> {
    let wanted = stream_config(spec);
    let failed = |source| TopologyError::Server {
        name: format!("stream {}", spec.name),
        source,
    };
    let stream = match js.get_stream(&spec.name).await {
        Ok(stream) => stream,
        Err(error) if is_missing_stream(&error) => {
            js.create_stream(wanted.clone())
                .await
                .map_err(|error| failed(error.into()))?;
            js.get_stream(&spec.name)
                .await
                .map_err(|error| failed(error.into()))?
        }
        Err(error) => return Err(failed(error.into())),
    };
    let found = &stream.cached_info().config;
    let compare = Compare {
        name: format!("stream {}", spec.name),
    };
    compare.equal("subjects", &found.subjects, &wanted.subjects)?;
    compare.equal("retention", &found.retention, &wanted.retention)?;
    compare.equal("discard", &found.discard, &wanted.discard)?;
    compare.equal("storage", &found.storage, &wanted.storage)?;
    compare.equal("max_age", &found.max_age, &wanted.max_age)?;
    compare.equal("max_bytes", &found.max_bytes, &wanted.max_bytes)?;
    compare.equal("max_msgs", &found.max_messages, &wanted.max_messages)?;
    compare.equal(
        "duplicate_window",
        &found.duplicate_window,
        &wanted.duplicate_window,
    )?;
    Ok(stream)
}

/// The consumer as the topology wants it, created when it is missing.
///
/// # Errors
/// When NATS does not answer, the stream is missing, or the consumer is another than the
/// topology's.
pub async fn ensure_consumer(
    js: &jetstream::Context,
    spec: &ConsumerSpec,
) -> Result<PullConsumer, TopologyError> {
    let wanted = consumer_config(spec);
    let name = format!("consumer {} of {}", spec.name, spec.stream);
    let failed = |source| TopologyError::Server {
        name: name.clone(),
        source,
    };
    let stream = js
        .get_stream_no_info(&spec.stream)
        .await
        .map_err(|error| failed(error.into()))?;
    // Looked for before it is created: 2.9 would overwrite the configuration of an existing one.
    match stream.consumer_info(&spec.name).await {
        Ok(_) => {}
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => {
            stream
                .create_consumer(wanted.clone())
                .await
                .map_err(|error| failed(error.into()))?;
        }
        Err(error) => return Err(failed(error.into())),
    }
    let consumer: PullConsumer = stream.get_consumer(&spec.name).await.map_err(failed)?;
    let found = &consumer.cached_info().config;
    let compare = Compare { name: name.clone() };
    compare.equal(
        "filter_subject",
        &found.filter_subject,
        &wanted.filter_subject,
    )?;
    compare.equal(
        "deliver_policy",
        &found.deliver_policy,
        &wanted.deliver_policy,
    )?;
    compare.equal("ack_policy", &found.ack_policy, &wanted.ack_policy)?;
    compare.equal("ack_wait", &found.ack_wait, &wanted.ack_wait)?;
    compare.equal("max_deliver", &found.max_deliver, &wanted.max_deliver)?;
    compare.equal(
        "max_ack_pending",
        &found.max_ack_pending,
        &wanted.max_ack_pending,
    )?;
    Ok(consumer)
}

fn is_missing_stream(error: &jetstream::context::GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(error)
        if error.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND)
}

/// The number of replicas is left to whoever runs a cluster.
fn stream_config(spec: &StreamSpec) -> Config {
    Config {
        name: spec.name.clone(),
        subjects: vec![spec.subject.clone()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        storage: StorageType::File,
        max_age: spec.age_max,
        max_bytes: spec.bytes_max,
        max_messages: -1,
        duplicate_window: spec.duplicate_window,
        ..Config::default()
    }
}

fn consumer_config(spec: &ConsumerSpec) -> pull::Config {
    pull::Config {
        durable_name: Some(spec.name.clone()),
        filter_subject: spec.filter.clone(),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait: spec.ack_wait,
        max_deliver: -1,
        max_ack_pending: spec.ack_pending_max,
        replay_policy: ReplayPolicy::Instant,
        ..pull::Config::default()
    }
}

struct Compare {
    name: String,
}

impl Compare {
    fn equal<T: PartialEq + std::fmt::Debug>(
        &self,
        field: &'static str,
        found: &T,
        wanted: &T,
    ) -> Result<(), TopologyError> {
        if found == wanted {
            return Ok(());
        }
        Err(TopologyError::Differs {
            name: self.name.clone(),
            field,
            found: format!("{found:?}"),
            wanted: format!("{wanted:?}"),
        })
    }
}
