//! Pulls messages of a durable consumer, and notices when it is not there any more.
//!
//! Own pull requests instead of the client's streams: a batch is what is ready, not what a
//! count or a time-out says; and a deleted consumer, a wiped server or a silent connection end
//! the session within seconds, while the client's stream may report missing heartbeats for ever.

use std::time::Duration;

use async_nats::{
    Client, Message, StatusCode, Subject, Subscriber,
    jetstream::{
        self, AckKind,
        consumer::{PullConsumer, pull::BatchConfig},
    },
};
use contracts::{
    limits::PULL_BATCH_MAX,
    topology::{ConsumerSpec, Topology},
};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::message::{Raw, kept, storable};
use crate::nats;

/// A pull request lives this long: it bounds how long a request that got lost is believed in.
const EXPIRES: Duration = Duration::from_secs(5);
/// How often the server says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Two heartbeats and a little: then the session is over.
const QUIET_MAX: Duration = Duration::from_secs(5);

/// The consumer is gone, or nothing is heard of it.
#[derive(Debug, thiserror::Error)]
#[error("the consumer is lost: {0}")]
pub(crate) struct Lost(String);

/// How a message is answered.
#[derive(Debug, Clone)]
pub(crate) struct Receipt {
    client: Client,
    reply: Subject,
}

impl Receipt {
    /// The message is settled.
    pub(crate) async fn ack(&self) {
        self.send(AckKind::Ack).await;
    }

    /// Deliver it again, after a while or at once.
    pub(crate) async fn nak(&self, delay: Option<Duration>) {
        self.send(AckKind::Nak(delay)).await;
    }

    /// It is being worked on.
    pub(crate) async fn progress(&self) {
        self.send(AckKind::Progress).await;
    }

    /// Nothing depends on an answer that gets lost: the message comes again, and the inbox
    /// knows it.
    async fn send(&self, kind: AckKind) {
        if let Err(error) = self.client.publish(self.reply.clone(), kind.into()).await {
            tracing::debug!(error = error.to_string(), "Could not answer a message");
        }
    }
}

/// A message with its place in the stream.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) raw: Raw,
    pub(crate) receipt: Receipt,
    pub(crate) stream: String,
    pub(crate) stream_seq: u64,
    pub(crate) redelivered: bool,
}

/// A time with one consumer.
pub(crate) struct Session {
    client: Client,
    context: jetstream::Context,
    topology: Topology,
    consumer: PullConsumer,
    inbox: Subject,
    subscriber: Subscriber,
    /// Messages that the current pull request may still bring.
    outstanding: usize,
    heard: Instant,
}

impl Session {
    /// Finds or creates the consumer. The stream is the relay's: when it is missing, this fails
    /// until the relay has created it.
    pub(crate) async fn open(
        client: &Client,
        topology: &Topology,
        spec: &ConsumerSpec,
    ) -> anyhow::Result<Self> {
        let context = jetstream::new(client.clone());
        let consumer = nats::ensure_consumer(&context, spec).await?;
        let inbox = Subject::from(client.new_inbox());
        let subscriber = client.subscribe(inbox.clone()).await?;
        Ok(Self {
            client: client.clone(),
            context,
            topology: topology.clone(),
            consumer,
            inbox,
            subscriber,
            outstanding: 0,
            heard: Instant::now(),
        })
    }

    /// Waits for a message and takes what else is ready. May be cancelled: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Vec<Received>, Lost> {
        loop {
            if self.outstanding == 0 {
                self.request().await?;
            }
            let message = timeout_at(self.heard + QUIET_MAX, self.subscriber.next()).await;
            let message = message
                .map_err(|_| Lost("no heartbeat".to_owned()))?
                .ok_or_else(|| Lost("the subscription ended".to_owned()))?;
            self.heard = Instant::now();
            let mut batch: Vec<Received> = self.take(message)?.into_iter().collect();
            while batch.len() < PULL_BATCH_MAX {
                let Some(Some(message)) = self.subscriber.next().now_or_never() else {
                    break;
                };
                batch.extend(self.take(message)?);
            }
            if !batch.is_empty() {
                return Ok(batch);
            }
        }
    }

    /// Gives back what was delivered and not yet taken, so that others need not wait for it.
    pub(crate) async fn release(mut self) {
        while let Some(Some(message)) = self.subscriber.next().now_or_never() {
            if let Ok(Some(received)) = self.take(message) {
                received.receipt.nak(None).await;
            }
        }
    }

    async fn request(&mut self) -> Result<(), Lost> {
        let batch = BatchConfig {
            batch: PULL_BATCH_MAX,
            expires: Some(EXPIRES),
            idle_heartbeat: HEARTBEAT,
            ..BatchConfig::default()
        };
        self.outstanding = PULL_BATCH_MAX;
        self.heard = Instant::now();
        self.consumer
            .request_batch(batch, self.inbox.clone())
            .await
            .map_err(|error| Lost(error.to_string()))
    }

    /// A message to work on, or nothing when it only tells the state of the pull request.
    fn take(&mut self, message: Message) -> Result<Option<Received>, Lost> {
        match message.status.unwrap_or(StatusCode::OK) {
            StatusCode::OK => {
                self.outstanding = self.outstanding.saturating_sub(1);
                Ok(self.received(message))
            }
            StatusCode::IDLE_HEARTBEAT => Ok(None),
            StatusCode::TIMEOUT | StatusCode::NOT_FOUND => {
                self.outstanding = 0;
                Ok(None)
            }
            status => Err(Lost(format!(
                "{status} {}",
                message.description.unwrap_or_default()
            ))),
        }
    }

    /// Nothing when somebody sent to our inbox what no consumer delivered.
    fn received(&self, message: Message) -> Option<Received> {
        let reply = message.reply.clone()?;
        let message = jetstream::Message {
            message,
            context: self.context.clone(),
        };
        let info = message.info().ok()?;
        let (stream, stream_seq, delivered) =
            (info.stream.to_owned(), info.stream_sequence, info.delivered);
        let subject = self
            .topology
            .strip(&message.subject)
            .unwrap_or(&message.subject);
        let subject = storable(subject);
        let raw = Raw {
            subject,
            headers: kept(message.headers.as_ref()),
            data: message.message.payload,
        };
        let receipt = Receipt {
            client: self.client.clone(),
            reply,
        };
        Some(Received {
            raw,
            receipt,
            stream,
            stream_seq,
            redelivered: delivered > 1,
        })
    }
}
