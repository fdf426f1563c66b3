//! What the ledger asks its workers, by request/reply over NATS.

use std::time::Duration;

use async_nats::{Client, connection};
use contracts::{
    AlertId, DeadLetterId, WalletId,
    rpc::{
        Alert, AlertRequest, AlertsRequest, Batch, BatchItems, BatchRequest, BatchesRequest, Break,
        BreaksRequest, CutOutcome, CutRequest, StatsRequest, WalletStats,
        dead_letters::{
            ActOnDeadLetter, ActedOnDeadLetter, DeadLetter, DeadLetterRequest, DeadLettersPage,
            DeadLettersRequest,
        },
    },
    subjects::rpc::{
        ANALYTICS_STATS, DEAD_LETTER, DEAD_LETTERS, FRAUD_ALERT, FRAUD_ALERTS, SETTLEMENT_BATCH,
        SETTLEMENT_BATCHES, SETTLEMENT_BREAKS, SETTLEMENT_CUT, of,
    },
    topology::{Topology, Worker},
};
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::rpc::{self, CallError};

/// How long a worker has: it reads one row by its key, or a page of them. Longer, and callers
/// would rather be told.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the settlement worker has for a cut: it asks for the log's head and waits for up to
/// a second and a half for the cut to be closed.
const CUT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a worker has to act on a dead letter: it waits for its turn (5 s at most), and its
/// handler has the time of one event.
const ACT_TIMEOUT: Duration = Duration::from_secs(10);

/// The workers, as far as the ledger asks them. Cheap to clone.
#[derive(Clone)]
pub struct Workers {
    client: Client,
    topology: Topology,
}

impl Workers {
    /// Asks through `client`, which may not be connected.
    pub fn new(client: Client, topology: Topology) -> Self {
        Self { client, topology }
    }

    /// A wallet's statistics; nothing when the analytics worker does not answer in time.
    pub async fn stats(&self, wallet: WalletId) -> Option<WalletStats> {
        self.ask(ANALYTICS_STATS, &StatsRequest { wallet }).await
    }

    /// A page of alerts; nothing when the fraud worker does not answer in time.
    pub async fn alerts(&self, request: &AlertsRequest) -> Option<Vec<Alert>> {
        self.ask(FRAUD_ALERTS, request).await
    }

    /// An alert, if there is one; nothing when the fraud worker does not answer in time.
    pub async fn alert(&self, alert: AlertId) -> Option<Option<Alert>> {
        self.ask(FRAUD_ALERT, &AlertRequest { alert }).await
    }

    /// A cut of the log; nothing when the settlement worker does not answer in time.
    pub async fn cut(&self, request: &CutRequest) -> Option<CutOutcome> {
        self.ask_within(SETTLEMENT_CUT, request, CUT_TIMEOUT).await
    }

    /// A page of settlement batches; nothing when the settlement worker does not answer in time.
    pub async fn batches(&self, request: &BatchesRequest) -> Option<Vec<Batch>> {
        self.ask(SETTLEMENT_BATCHES, request).await
    }

    /// A settlement batch with a page of its items, if there is one; nothing when the settlement
    /// worker does not answer in time.
    pub async fn batch(&self, request: &BatchRequest) -> Option<Option<BatchItems>> {
        self.ask(SETTLEMENT_BATCH, request).await
    }

    /// A page of breaks; nothing when the settlement worker does not answer in time.
    pub async fn breaks(&self, request: &BreaksRequest) -> Option<Vec<Break>> {
        self.ask(SETTLEMENT_BREAKS, request).await
    }

    /// A page of a worker's dead letters; nothing when it does not answer in time.
    pub async fn dead_letters(
        &self,
        worker: Worker,
        request: &DeadLettersRequest,
    ) -> Option<DeadLettersPage> {
        self.ask(&of(DEAD_LETTERS, worker), request).await
    }

    /// A worker's dead letter, if it has it; nothing when it does not answer in time.
    pub async fn dead_letter(
        &self,
        worker: Worker,
        id: DeadLetterId,
    ) -> Option<Option<DeadLetter>> {
        let request = DeadLetterRequest { id };
        self.ask(&of(DEAD_LETTER, worker), &request).await
    }

    /// Replays or discards a worker's dead letter; nothing when it does not answer in time. Then
    /// it may have acted, and tells so under the same key.
    pub async fn act(
        &self,
        worker: Worker,
        subject: &str,
        order: &ActOnDeadLetter,
    ) -> Option<ActedOnDeadLetter> {
        self.ask_within(&of(subject, worker), order, ACT_TIMEOUT)
            .await
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> Option<A> {
        self.ask_within(subject, request, ANSWER_TIMEOUT).await
    }

    async fn ask_within<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
        timeout: Duration,
    ) -> Option<A> {
        // Without a connection the request would only wait for its timeout.
        if self.client.connection_state() != connection::State::Connected {
            return None;
        }
        let subject = self.topology.subject(subject);
        match rpc::call(&self.client, subject, request, timeout).await {
            Ok(answer) => Some(answer),
            Err(CallError::NoAnswer(subject)) => {
                tracing::warn!(subject, "A worker did not answer");
                None
            }
            Err(error) => {
                tracing::error!(error = format!("{error:?}"), "A worker answered wrongly");
                None
            }
        }
    }
}
