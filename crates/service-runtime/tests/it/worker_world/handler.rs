//! Counts events, or does something else at those that it is told to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use contracts::{LedgerEvent, topology};
use service_runtime::worker::{Delivery, Failure, Handler};
use sqlx::PgConnection;
use tokio::sync::Semaphore;

/// What a handler does at an event instead of counting it.
#[derive(Clone)]
pub(crate) enum Deed {
    Retry,
    Park,
    Panic,
    /// Breaks a constraint of the database.
    BreakConstraint,
    /// Counts it, then waits for a permit before it returns.
    Wait(Arc<Semaphore>),
}

/// What handlers do at which event; shared by all workers of a test.
#[derive(Clone, Default)]
pub(crate) struct Deeds(Arc<Mutex<BTreeMap<u64, Deed>>>);

impl Deeds {
    pub(crate) fn set(&self, seq: u64, deed: Deed) {
        self.0.lock().expect("no panic held it").insert(seq, deed);
    }

    pub(crate) fn clear(&self) {
        self.0.lock().expect("no panic held it").clear();
    }

    fn at(&self, seq: u64) -> Option<Deed> {
        self.0.lock().expect("no panic held it").get(&seq).cloned()
    }
}

/// Counts events.
#[derive(Clone)]
pub(crate) struct Counting {
    pub(crate) name: String,
    pub(crate) deeds: Deeds,
}

impl Handler for Counting {
    type Event = LedgerEvent;
    const WORKER: topology::Worker = topology::Worker::Analytics;

    async fn handle(
        &self,
        tx: &mut PgConnection,
        batch: &[Delivery<LedgerEvent>],
    ) -> Result<(), Failure> {
        let n: i64 = sqlx::query_scalar("SELECT n FROM counter")
            .fetch_one(&mut *tx)
            .await?;
        for delivery in batch {
            assert_eq!(delivery.seq, delivery.event.seq());
            assert_eq!(delivery.posted_at, delivery.event.posted_at());
            match self.deeds.at(delivery.seq) {
                Some(Deed::Retry) => {
                    return Err(Failure::Retry(anyhow::anyhow!("not now, \0 is no text")));
                }
                Some(Deed::Park) => {
                    let error = anyhow::anyhow!("never");
                    return Err(Failure::Park {
                        reason: "hopeless",
                        error,
                    });
                }
                Some(Deed::Panic) => panic!("event {} is too much", delivery.seq),
                Some(Deed::BreakConstraint) => {
                    sqlx::query("INSERT INTO refused VALUES (1)")
                        .execute(&mut *tx)
                        .await?;
                }
                Some(Deed::Wait(permits)) => {
                    permits.acquire().await.expect("is never closed").forget();
                }
                None => {}
            }
        }
        let seqs: Vec<i64> = batch
            .iter()
            .map(|delivery| delivery.seq.cast_signed())
            .collect();
        sqlx::query("INSERT INTO effects SELECT seq, $2 FROM unnest($1::bigint[]) t (seq)")
            .bind(seqs)
            .bind(&self.name)
            .execute(&mut *tx)
            .await?;
        sqlx::query("UPDATE counter SET n = $1")
            .bind(n + i64::try_from(batch.len()).expect("small"))
            .execute(tx)
            .await?;
        Ok(())
    }
}
