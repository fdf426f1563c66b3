//! What the ledger asks its workers, by request/reply over NATS.

use std::time::Duration;

use async_nats::{Client, connection};
use contracts::{
    AlertId, WalletId,
    rpc::{Alert, AlertRequest, AlertsRequest, StatsRequest, WalletStats},
    subjects::rpc::{ANALYTICS_STATS, FRAUD_ALERT, FRAUD_ALERTS},
    topology::Topology,
};
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::rpc::{self, CallError};

/// How long a worker has: it reads one row by its key, or a page of them. Longer, and callers
/// would rather be told.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

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

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> Option<A> {
        // Without a connection the request would only wait for its timeout.
        if self.client.connection_state() != connection::State::Connected {
            return None;
        }
        let subject = self.topology.subject(subject);
        match rpc::call(&self.client, subject, request, ANSWER_TIMEOUT).await {
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
