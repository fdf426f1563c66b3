//! The ledger, over request/reply.

use std::time::Duration;

use async_nats::Client;
use chrono::{DateTime, Utc};
use contracts::{
    rpc::{EventsPage, EventsRequest, PaymentsPage, PaymentsRequest, TieOut, TieOutRequest},
    subjects::rpc::{LEDGER_EVENTS, LEDGER_PAYMENTS, LEDGER_TIE_OUT},
    topology::Topology,
};
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::rpc::{self, CallError};

/// For a page of the log: it is read by primary key.
const PAGE_TIMEOUT: Duration = Duration::from_secs(1);
/// For the sums over all postings: longer than the ledger lets its statement run.
const SUMS_TIMEOUT: Duration = Duration::from_secs(130);

/// The ledger does not answer, or answers that it cannot.
#[derive(Debug, thiserror::Error)]
#[error("the ledger did not answer")]
pub struct Away(#[from] CallError);

/// Asks the ledger.
#[derive(Clone)]
pub struct Ledger {
    client: Client,
    topology: Topology,
}

impl Ledger {
    /// Asks through `client`.
    pub fn new(client: Client, topology: Topology) -> Self {
        Self { client, topology }
    }

    /// The position of the last event.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn head(&self) -> Result<u64, Away> {
        Ok(self.events(1, 0).await?.head.seq)
    }

    /// The position of the last event that was written before `instant`, found by halving: time
    /// never runs backwards along the log.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn last_before(&self, instant: DateTime<Utc>) -> Result<u64, Away> {
        // Everything up to `before` was written before it, nothing from `after` on.
        let (mut before, mut after) = (0, self.head().await? + 1);
        while before + 1 < after {
            let middle = u64::midpoint(before, after);
            let page = self.events(middle, middle).await?;
            let is_before = page
                .events
                .first()
                .is_some_and(|event| event.posted_at < instant);
            if is_before {
                before = middle;
            } else {
                after = middle;
            }
        }
        Ok(before)
    }

    /// The ledger's own sums as of a position.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn tie_out(&self, at: u64) -> Result<TieOut, Away> {
        let request = TieOutRequest { at };
        self.ask(LEDGER_TIE_OUT, &request, SUMS_TIMEOUT).await
    }

    /// What merchants were paid up to a position, a page of them.
    ///
    /// # Errors
    /// When the ledger does not answer.
    pub async fn payments(&self, request: &PaymentsRequest) -> Result<PaymentsPage, Away> {
        self.ask(LEDGER_PAYMENTS, request, SUMS_TIMEOUT).await
    }

    async fn events(&self, from: u64, to: u64) -> Result<EventsPage, Away> {
        let request = EventsRequest { from, to };
        self.ask(LEDGER_EVENTS, &request, PAGE_TIMEOUT).await
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
        timeout: Duration,
    ) -> Result<A, Away> {
        let subject = self.topology.subject(subject);
        Ok(rpc::call(&self.client, subject, request, timeout).await?)
    }
}
