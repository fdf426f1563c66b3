//! Adds what a batch of events moved to the wallets' statistics.

use anyhow::anyhow;
use contracts::{LedgerEvent, topology};
use service_runtime::worker::{Delivery, Failure, Handler};
use sqlx::PgConnection;

use crate::{projections, store};

/// Counts every movement once: the runtime's inbox sees to that.
#[derive(Debug, Clone, Copy)]
pub struct CountMovements;

impl Handler for CountMovements {
    type Event = LedgerEvent;

    const WORKER: topology::Worker = topology::Worker::Analytics;

    async fn handle(
        &self,
        tx: &mut PgConnection,
        batch: &[Delivery<LedgerEvent>],
    ) -> Result<(), Failure> {
        let changes =
            projections::fold(batch.iter().map(|delivery| &delivery.event)).map_err(|error| {
                Failure::Park {
                    reason: "inexact_amount",
                    error: anyhow!(error),
                }
            })?;
        store::tallies::add_in_tx(tx, &changes).await?;
        store::activity::widen_in_tx(tx, &changes).await?;
        Ok(())
    }
}
