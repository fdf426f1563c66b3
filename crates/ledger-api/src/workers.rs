//! What the ledger asks its workers, by request/reply over NATS.

use std::time::Duration;

use async_nats::{Client, connection};
use contracts::{
    AlertId, WalletId,
    rpc::{
        Alert, AlertRequest, AlertsRequest, Batch, BatchItems, BatchRequest, BatchesRequest, Break,
        BreaksRequest, CutOutcome, CutRequest, StatsRequest, WalletStats,
    },
    subjects::rpc::{
        ANALYTICS_STATS, FRAUD_ALERT, FRAUD_ALERTS, SETTLEMENT_BATCH, SETTLEMENT_BATCHES,
        SETTLEMENT_BREAKS, SETTLEMENT_CUT,
    },
    topology::Topology,
};
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::rpc::{self, CallError};

/// How long a worker has: it reads one row by its key, or a page of them. Longer, and callers
/// would rather be told.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the settlement worker has for a cut: it asks for the log's head and waits for up to
/// a second and a half for the cut to be closed.
const CUT_TIMEOUT: Duration = Duration::from_secs(5);

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
        self.ask_for(SETTLEMENT_CUT, request, CUT_TIMEOUT).await
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

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> Option<A> {
        self.ask_for(subject, request, ANSWER_TIMEOUT).await
    }

    async fn ask_for<Q: Serialize, A: DeserializeOwned>(
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
