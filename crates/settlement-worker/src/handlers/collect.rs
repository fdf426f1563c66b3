//! Adds up what a batch of events moved, and keeps its payments.

use anyhow::anyhow;
use contracts::{LedgerEvent, topology};
use service_runtime::worker::{Delivery, Failure, Handler};
use sqlx::PgConnection;

use super::Sums;
use crate::store;

/// Collects every payment once: the runtime's inbox sees to that. Sums do not depend on order
/// or batching, and items only on their own event.
#[derive(Debug, Clone, Copy)]
pub struct CollectPayments;

impl Handler for CollectPayments {
    type Event = LedgerEvent;

    const WORKER: topology::Worker = topology::Worker::Settlement;

    async fn handle(
        &self,
        tx: &mut PgConnection,
        batch: &[Delivery<LedgerEvent>],
    ) -> Result<(), Failure> {
        let mut sums = Sums::default();
        for delivery in batch {
            sums.add(&delivery.event).map_err(|unfit| Failure::Park {
                reason: unfit.reason(),
                error: anyhow!(unfit),
            })?;
        }
        store::sums::add_in_tx(tx, &sums).await?;
        store::items::insert_in_tx(tx, sums.items()).await?;
        Ok(())
    }
}
