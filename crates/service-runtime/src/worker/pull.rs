//! Pulls messages of a durable consumer, and notices when it is not there any more.
//!
//! Own pull requests instead of the client's streams: a batch is what has come, and the next one
//! is on its way meanwhile; and a deleted consumer, a wiped server or a silent connection end
//! the session within seconds, while the client's stream may report missing heartbeats for ever.

use std::{mem, time::Duration};

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
use tokio::time::{Instant, timeout, timeout_at};

use super::message::{Raw, kept, storable};
use crate::nats;

/// A pull request lives this long: it bounds how long a request that got lost is believed in.
const EXPIRES: Duration = Duration::from_secs(5);
/// How often the server says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// Two heartbeats and a little: then the session is over.
const QUIET_MAX: Duration = Duration::from_secs(5);
/// How long the end of a session may take: a round trip or two, and without a server nobody waits.
const RELEASE_MAX: Duration = Duration::from_secs(2);
/// From one batch that is not full to the next. A transaction costs about as much as a hundred
/// events in it, so under load a batch waits for more; after a quiet moment nothing waits.
const PACE: Duration = Duration::from_millis(50);

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
    /// The batch that is being gathered.
    gathered: Vec<Received>,
    /// When the batch before was handed over.
    handed_at: Instant,
    /// What the next call will say.
    lost: Option<Lost>,
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
            gathered: Vec::new(),
            handed_at: Instant::now(),
            lost: None,
        })
    }

    /// Waits until a batch is due: it is full, or there is a message and [`PACE`] has passed since
    /// the batch before. May be cancelled: nothing is lost.
    pub(crate) async fn next(&mut self) -> Result<Vec<Received>, Lost> {
        if let Some(lost) = self.lost.take() {
            return Err(lost);
        }
        match self.gather().await {
            Ok(()) => {}
            // What is here already is worked on first.
            Err(lost) if !self.gathered.is_empty() => self.lost = Some(lost),
            Err(lost) => return Err(lost),
        }
        // What comes next is on its way while this batch is worked on.
        if self.outstanding == 0 && self.lost.is_none() {
            self.lost = self.request().await.err();
        }
        self.handed_at = Instant::now();
        Ok(mem::take(&mut self.gathered))
    }

    async fn gather(&mut self) -> Result<(), Lost> {
        loop {
            if self.outstanding == 0 {
                self.request().await?;
            }
            while self.gathered.len() < PULL_BATCH_MAX {
                let Some(Some(message)) = self.subscriber.next().now_or_never() else {
                    break;
                };
                self.heard = Instant::now();
                self.take(message)?;
            }
            let due = self.handed_at + PACE;
            let full = self.gathered.len() >= PULL_BATCH_MAX;
            if full || (!self.gathered.is_empty() && due <= Instant::now()) {
                return Ok(());
            }
            if self.outstanding == 0 {
                continue;
            }
            let silent = self.heard + QUIET_MAX;
            let until = if self.gathered.is_empty() {
                silent
            } else {
                due
            };
            match timeout_at(until, self.subscriber.next()).await {
                Ok(Some(message)) => {
                    self.heard = Instant::now();
                    self.take(message)?;
                }
                Ok(None) => return Err(Lost("the subscription ended".to_owned())),
                Err(_) if self.gathered.is_empty() => {
                    return Err(Lost("no heartbeat".to_owned()));
                }
                Err(_) => {}
            }
        }
    }

    /// Gives back what was delivered and not yet taken, so that others need not wait for it, and
    /// sees that it and the last answers are sent.
    pub(crate) async fn release(self) {
        match timeout(RELEASE_MAX, self.give_back()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let error = format!("{error:#}");
                tracing::debug!(error, "Could not give messages back");
            }
            Err(_) => tracing::debug!("Could not give messages back in time"),
        }
    }

    async fn give_back(mut self) -> anyhow::Result<()> {
        // What is given back while our request is open would be delivered to us again.
        self.subscriber.drain().await?;
        while let Some(message) = self.subscriber.next().await {
            // A status is of no interest any more.
            let _ = self.take(message);
        }
        for received in self.gathered {
            received.receipt.nak(None).await;
        }
        // The client ends with its last owner, whatever it has not sent.
        Ok(self.client.flush().await?)
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

    /// Adds a message to the batch, unless it only tells the state of the pull request.
    fn take(&mut self, message: Message) -> Result<(), Lost> {
        match message.status.unwrap_or(StatusCode::OK) {
            StatusCode::OK => {
                self.outstanding = self.outstanding.saturating_sub(1);
                let received = self.received(message);
                self.gathered.extend(received);
                Ok(())
            }
            StatusCode::IDLE_HEARTBEAT => Ok(()),
            StatusCode::TIMEOUT | StatusCode::NOT_FOUND => {
                self.outstanding = 0;
                Ok(())
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
