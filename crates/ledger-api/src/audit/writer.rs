//! Writes the rows of requests that the ledger did not decide: replays, refusals, orders.

use std::time::Duration;

use service_runtime::{Clock, Process};
use sqlx::PgPool;
use tokio::sync::mpsc;

use super::{Origin, Verdict};
use crate::{
    metrics,
    store::{self, audit::AuditRow},
};

/// Rows that wait while the database is away or slow: at a hundred refusals a second, which is a
/// lot, 80 seconds of an outage. Each has less than 2 KiB, so that is 16 MiB at the very most.
pub const QUEUE_MAX: usize = 8_192;
/// Rows of one statement: what one round trip carries without making it a long one.
const BATCH_MAX: usize = 512;
/// Between two tries while the database is away; a restart needs longer than that anyway.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Takes rows and never makes anybody wait. Cheap to clone.
#[derive(Clone)]
pub struct Recorder {
    queue: mpsc::Sender<AuditRow>,
    clock: Clock,
}

/// The other end: writes what [`Recorder`] takes.
pub struct Writer {
    waiting: mpsc::Receiver<AuditRow>,
}

impl Recorder {
    /// A recorder and its writer, with room for `queue` rows between them.
    pub fn new(queue: usize, clock: Clock) -> (Self, Writer) {
        let (queue, waiting) = mpsc::channel(queue);
        (Self { queue, clock }, Writer { waiting })
    }

    /// Hands over what came of a request. When there is no room the row is lost, and counted: the
    /// request was answered, and a queue without end would take the process with it.
    pub fn record(&self, origin: &Origin, verdict: Verdict) {
        if self
            .queue
            .try_send(origin.row(self.clock.now(), verdict))
            .is_err()
        {
            metrics::audit_rows_lost(1);
        }
    }
}

impl Writer {
    /// Writes until nobody can hand over any more. Every row is tried until it is written; only
    /// when the process stops while the database is away they are given up, and counted.
    ///
    /// # Errors
    /// None: a database that fails is waited for.
    pub async fn run(mut self, pool: PgPool, process: Process) -> anyhow::Result<()> {
        let mut rows = Vec::with_capacity(BATCH_MAX);
        while self.waiting.recv_many(&mut rows, BATCH_MAX).await > 0 {
            while let Err(error) = store::audit::insert(&pool, &rows).await {
                metrics::audit_retried();
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    rows = rows.len(),
                    "Audit rows could not be written and are tried again"
                );
                if process.is_draining() {
                    let lost = rows.len() + self.waiting.len();
                    metrics::audit_rows_lost(lost);
                    tracing::error!(rows = lost, "Audit rows are lost: the process stops");
                    return Ok(());
                }
                tokio::time::sleep(RETRY_PAUSE).await;
            }
            rows.clear();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_nobody_waits() {
        let recorder = service_runtime::metrics::recorder();
        metrics::show();
        let lost = || {
            let text = recorder.render();
            let mut lines = text.lines();
            lines
                .find_map(|line| line.strip_prefix("florin_ledger_audit_rows_lost_total "))
                .and_then(|number| number.parse::<u64>().ok())
                .expect("a number")
        };
        let (audit, writer) = Recorder::new(2, Clock::system());
        let origin = Origin::new(String::new(), "POST", "", "", None, "");
        let before = lost();
        for _ in 0..5 {
            audit.record(&origin, Verdict::default());
        }
        assert_eq!((lost() - before, writer.waiting.len()), (3, 2));
    }
}
