//! The log, over request/reply: its head, and pages of it.

use std::time::Duration;

use async_nats::Client;
use contracts::{
    chain::{self, Hash},
    rpc::{EventsPage, EventsRequest},
};
use tokio::time::Instant;

use crate::rpc;

/// After a call without an answer nobody is asked for this long: a ledger that hangs must not
/// cost every batch a time-out.
const PAUSE: Duration = Duration::from_secs(2);

/// The log does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Away;

/// Asks the log's owner.
pub(crate) struct Ledger {
    client: Client,
    subject: String,
    timeout: Duration,
    paused_until: Option<Instant>,
}

impl Ledger {
    pub(crate) fn new(client: Client, subject: String, timeout: Duration) -> Self {
        Self {
            client,
            subject,
            timeout,
            paused_until: None,
        }
    }

    /// The number of the last event.
    pub(crate) async fn head(&mut self) -> Result<u64, Away> {
        self.page(1, 0).await.map(|page| page.head.seq)
    }

    /// The hash of one event, and nothing when the log ends before it.
    pub(crate) async fn hash_of(&mut self, seq: u64) -> Result<Option<Hash>, Away> {
        let page = self.page(seq, seq).await?;
        let event = page.events.iter().find(|event| event.seq == seq);
        Ok(event.and_then(|event| chain::parse(&event.hash)))
    }

    /// As many events from `from` to `to` as fit an answer.
    pub(crate) async fn page(&mut self, from: u64, to: u64) -> Result<EventsPage, Away> {
        if self
            .paused_until
            .is_some_and(|until| Instant::now() < until)
        {
            return Err(Away);
        }
        let request = EventsRequest { from, to };
        let answer: Result<EventsPage, _> =
            rpc::call(&self.client, self.subject.clone(), &request, self.timeout).await;
        match answer {
            Ok(page) => {
                if self.paused_until.take().is_some() {
                    tracing::info!("The log answers again");
                }
                Ok(page)
            }
            Err(error) => {
                if self.paused_until.is_none() {
                    let error = anyhow::Error::from(error);
                    tracing::warn!(error = format!("{error:#}"), "The log does not answer");
                }
                self.paused_until = Some(Instant::now() + PAUSE);
                Err(Away)
            }
        }
    }
}
