//! What the ledger asks its workers, by request/reply over NATS.

use std::time::Duration;

use async_nats::{Client, connection};
use contracts::{
    WalletId,
    rpc::{StatsRequest, WalletStats},
    subjects::rpc::ANALYTICS_STATS,
    topology::Topology,
};
use service_runtime::rpc::{self, CallError};

/// How long a worker has: it reads one row by its key. Longer, and callers would rather be told.
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
        // Without a connection the request would only wait for its timeout.
        if self.client.connection_state() != connection::State::Connected {
            return None;
        }
        let subject = self.topology.subject(ANALYTICS_STATS);
        let request = StatsRequest { wallet };
        match rpc::call(&self.client, subject, &request, ANSWER_TIMEOUT).await {
            Ok(stats) => Some(stats),
            Err(CallError::NoAnswer(subject)) => {
                tracing::warn!(subject, "The analytics worker did not answer");
                None
            }
            Err(error) => {
                tracing::error!(
                    error = format!("{error:?}"),
                    "The analytics worker answered wrongly"
                );
                None
            }
        }
    }
}
