//! What an operator does with a dead letter. A replay does not pass the inbox, which has the
//! event already: the change of state from parked commits together with the effect, and
//! whoever finds it not parked came second.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgPool};
use uuid::Uuid;

use super::store::{self, LetterState};
use crate::{
    inbox,
    worker::{Delivery, Event, Failure, Handler, SOURCE, panic_text, posted_at, storable},
};

/// Who acts, when and why; it goes into the history.
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    /// The operator.
    pub by: &'a str,
    /// Why.
    pub note: &'a str,
    /// When.
    pub at: DateTime<Utc>,
}

/// What a replay came to.
#[derive(Debug)]
pub enum Replayed {
    /// The effect is there, exactly once.
    Done,
    /// It was not parked, or there is no such dead letter.
    NotParked,
    /// It is a foreign message: it is not in the log, so it can have no effect.
    Foreign,
    /// The handler failed again; it stays parked, with this in its history.
    Failed(Failure),
}

/// What discarding came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discarded {
    /// It stays without effect.
    Done,
    /// It was not parked, or there is no such dead letter.
    NotParked,
}

/// Applies the event of a parked dead letter.
///
/// # Errors
/// When the database fails; then nothing has happened, or, if the commit got lost, a second
/// call tells.
pub async fn replay<H: Handler>(
    pool: &PgPool,
    handler: &H,
    id: Uuid,
    audit: Audit<'_>,
) -> Result<Replayed, sqlx::Error> {
    let outcome = try_replay(pool, handler, id, audit).await?;
    if let Replayed::Failed(failure) = &outcome {
        let mut connection = pool.acquire().await?;
        let note = storable(&format!("{}: {failure}", audit.note));
        store::insert_history(
            &mut connection,
            id,
            audit.at,
            "replay failed",
            audit.by,
            &note,
        )
        .await?;
    }
    Ok(outcome)
}

async fn try_replay<H: Handler>(
    pool: &PgPool,
    handler: &H,
    id: Uuid,
    audit: Audit<'_>,
) -> Result<Replayed, sqlx::Error> {
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    // Handlers rely on taking turns with everything else that applies effects.
    inbox::store::lock_in_tx(&mut tx, H::WORKER.as_str(), SOURCE).await?;
    let Some(letter) = store::settle_in_tx(&mut tx, id, LetterState::Replayed).await? else {
        return Ok(Replayed::NotParked);
    };
    let Some(seq) = letter.seq else {
        return Ok(Replayed::Foreign);
    };
    let event = match H::Event::decode(&letter.data) {
        Ok(event) => event,
        Err(error) => {
            let error = error.into();
            return Ok(Replayed::Failed(Failure::Park {
                reason: "malformed",
                error,
            }));
        }
    };
    let posted_at = posted_at(&letter.data).unwrap_or(letter.first_at);
    let delivery = Delivery {
        seq,
        event,
        posted_at,
        traceparent: None,
    };
    let deliveries = [delivery];
    let effect = AssertUnwindSafe(handler.handle(&mut tx, &deliveries));
    match effect.catch_unwind().await {
        Ok(Ok(())) => {}
        Ok(Err(failure)) => return Ok(Replayed::Failed(failure)),
        Err(panic) => {
            drop(tx);
            connection.close_on_drop();
            let error = anyhow::anyhow!("the handler panicked: {}", panic_text(&*panic));
            return Ok(Replayed::Failed(Failure::Park {
                reason: "panic",
                error,
            }));
        }
    }
    store::insert_history(&mut tx, id, audit.at, "replayed", audit.by, audit.note).await?;
    tx.commit().await?;
    Ok(Replayed::Done)
}

/// Decides that a parked dead letter stays without effect.
///
/// # Errors
/// When the database fails.
pub async fn discard(pool: &PgPool, id: Uuid, audit: Audit<'_>) -> Result<Discarded, sqlx::Error> {
    let mut tx = pool.begin().await?;
    if store::settle_in_tx(&mut tx, id, LetterState::Discarded)
        .await?
        .is_none()
    {
        return Ok(Discarded::NotParked);
    }
    store::insert_history(&mut tx, id, audit.at, "discarded", audit.by, audit.note).await?;
    tx.commit().await?;
    Ok(Discarded::Done)
}
