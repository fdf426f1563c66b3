//! Releases holds that have run out. Nothing depends on it being on time: a hold that has run out is
//! not captured any more, whether or not it was released. Every replica looks; the key of an expiry
//! is made of the hold's id, so that it is decided once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use service_runtime::Process;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::{
    domain::{Action, Caller, Command, HoldAction, ReleaseHold, Sight},
    posting::Engine,
    store::{self, StoreError, holds::HoldRow},
};

/// Between two looks: somebody's money comes free a second late at most, and a look that finds
/// nothing is a probe of an index of open holds.
const PACE: Duration = Duration::from_secs(1);
/// Holds of one look: an eighth of the queue before the lanes, so that a day on which thousands run
/// out keeps nobody waiting.
const AT_ONCE: u16 = 256;

/// Runs until the process stops.
pub fn start(engine: Engine, pool: PgPool, process: &Process) {
    let (soft, clock) = (process.soft(), process.clock().clone());
    process.spawn("hold expiry", async move {
        loop {
            let more = match release_due(&engine, &pool, clock.now()).await {
                Ok(released) => released == usize::from(AT_ONCE),
                Err(error) => {
                    tracing::debug!(
                        error = &error as &dyn std::error::Error,
                        "Could not look for holds that have run out"
                    );
                    false
                }
            };
            let wait = if more { Duration::ZERO } else { PACE };
            tokio::select! {
                () = soft.cancelled() => return Ok(()),
                () = tokio::time::sleep(wait) => {}
            }
        }
    });
}

/// Releases the holds that are due and returns how many that were. What is refused now, because the
/// queue is full or the database away, is due at the next look too.
async fn release_due(
    engine: &Engine,
    pool: &PgPool,
    now: DateTime<Utc>,
) -> Result<usize, StoreError> {
    let due = store::holds::due(pool, now, AT_ONCE).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let commands = due.into_iter().map(command).collect();
    let answers = engine.submit_each(commands).await.unwrap_or_default();
    let released = answers.iter().flatten().filter(|answer| !answer.replayed);
    Ok(released.count())
}

fn command(row: HoldRow) -> Command {
    let key = format!("expire:{}", row.terms.id);
    Command {
        caller: Caller::ledger(),
        fingerprint: Sha256::digest(&key).into(),
        key,
        action: Action::Hold(HoldAction::Release(ReleaseHold {
            terms: row.terms,
            placed_at: row.placed_at,
            voided: false,
            reason: None,
        })),
        sight: Sight::All,
        traceparent: None,
    }
}
