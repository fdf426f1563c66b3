//! What an operator does with a dead letter. A replay does not pass the inbox, which has the
//! event already: the change of state from parked commits together with the effect, its history
//! and its answer, and whoever finds it not parked came second.

use std::panic::AssertUnwindSafe;

use chrono::{DateTime, Utc};
use contracts::rpc::dead_letters::{DeadLetterOutcome, DeadLetterState};
use futures_util::FutureExt as _;
use sqlx::{Connection as _, PgConnection, PgPool, Postgres, pool::PoolConnection};
use uuid::Uuid;

use super::store::{self, DeadLetter, actions};
use crate::{
    inbox,
    worker::{
        Delivery, Event, Failure, Handler, SOURCE, error_text, panic_text, posted_at, storable,
        unreadable,
    },
};

/// Characters of a failure that are kept: what a person reads, and what fits an answer.
const FAILURE_CHARS_MAX: usize = 2_000;

/// Who wants to act on what, why and when, and the key under which the outcome is remembered.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The dead letter.
    pub id: Uuid,
    /// The operator: the scope of the key.
    pub by: &'a str,
    /// In which role.
    pub role: &'a str,
    /// Why.
    pub reason: &'a str,
    /// When.
    pub at: DateTime<Utc>,
    /// The same key gets the same outcome and has no second effect.
    pub key: &'a str,
    /// What the key stands for.
    pub fingerprint: &'a str,
}

/// What came of an order.
#[derive(Debug)]
pub struct Acted {
    /// What happened.
    pub outcome: DeadLetterOutcome,
    /// Whether it had been told before, under the same key.
    pub repeated: bool,
    /// The dead letter as it was found, unless there is none.
    pub letter: Option<DeadLetter>,
}

impl Acted {
    fn now(outcome: DeadLetterOutcome, letter: DeadLetter) -> Self {
        Self {
            outcome,
            repeated: false,
            letter: Some(letter),
        }
    }
}

/// A dead letter that may be acted on, or what to tell instead.
enum Opened {
    Letter(DeadLetter),
    Told(Acted),
}

/// Applies the event of a parked dead letter.
///
/// # Errors
/// When the database fails; then nothing has happened, or, if the commit got lost, the same
/// order tells.
pub async fn replay<H: Handler>(
    pool: &PgPool,
    handler: &H,
    order: Order<'_>,
) -> Result<Acted, sqlx::Error> {
    let consumer = H::WORKER.as_str();
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    // Handlers rely on taking turns with everything else that applies effects.
    inbox::store::lock_in_tx(&mut tx, consumer, SOURCE).await?;
    let letter = match open_in_tx(&mut tx, consumer, &order).await? {
        Opened::Letter(letter) => letter,
        Opened::Told(acted) => return Ok(acted),
    };
    let Some(seq) = letter.seq else {
        return Ok(Acted::now(DeadLetterOutcome::Foreign, letter));
    };
    match effect_in_tx(&mut tx, handler, &letter, seq).await {
        Effect::Done => {}
        Effect::Failed(failure) => {
            tx.rollback().await?;
            return note_failure(&mut connection, consumer, &order, &failure).await;
        }
        Effect::Panicked(failure) => {
            // It may have been amid a statement: nobody else shall have the connection. It holds
            // the dead letter's lock until it is closed.
            drop(tx);
            connection.close_on_drop();
            drop(connection);
            let mut connection = pool.acquire().await?;
            return note_failure(&mut connection, consumer, &order, &failure).await;
        }
    }
    let settled = (DeadLetterState::Replayed, DeadLetterOutcome::Replayed);
    if !settle_in_tx(&mut tx, &order, &settled).await? {
        return Ok(Acted::now(DeadLetterOutcome::KeyReused, letter));
    }
    tx.commit().await?;
    Ok(Acted::now(settled.1, letter))
}

/// Says what a replay would come to, and leaves everything as it is.
///
/// # Errors
/// When the database fails.
pub async fn rehearse<H: Handler>(
    pool: &PgPool,
    handler: &H,
    id: Uuid,
) -> Result<Acted, sqlx::Error> {
    let consumer = H::WORKER.as_str();
    let mut connection = pool.acquire().await?;
    let mut tx = connection.begin().await?;
    inbox::store::lock_in_tx(&mut tx, consumer, SOURCE).await?;
    let letter = match parked_in_tx(&mut tx, consumer, id).await? {
        Opened::Letter(letter) => letter,
        Opened::Told(acted) => return Ok(acted),
    };
    let Some(seq) = letter.seq else {
        return Ok(Acted::now(DeadLetterOutcome::Foreign, letter));
    };
    let outcome = match effect_in_tx(&mut tx, handler, &letter, seq).await {
        Effect::Done => {
            tx.rollback().await?;
            DeadLetterOutcome::WouldReplay
        }
        Effect::Failed(failure) => {
            tx.rollback().await?;
            let (reason, error) = words(&failure);
            DeadLetterOutcome::WouldFail { reason, error }
        }
        Effect::Panicked(failure) => {
            drop(tx);
            connection.close_on_drop();
            let (reason, error) = words(&failure);
            DeadLetterOutcome::WouldFail { reason, error }
        }
    };
    Ok(Acted::now(outcome, letter))
}

/// Decides that a parked dead letter of `consumer` stays without effect.
///
/// # Errors
/// When the database fails.
pub async fn discard(
    pool: &PgPool,
    consumer: &str,
    order: Order<'_>,
) -> Result<Acted, sqlx::Error> {
    let mut tx = pool.begin().await?;
    let letter = match open_in_tx(&mut tx, consumer, &order).await? {
        Opened::Letter(letter) => letter,
        Opened::Told(acted) => return Ok(acted),
    };
    let settled = (DeadLetterState::Discarded, DeadLetterOutcome::Discarded);
    if !settle_in_tx(&mut tx, &order, &settled).await? {
        return Ok(Acted::now(DeadLetterOutcome::KeyReused, letter));
    }
    tx.commit().await?;
    Ok(Acted::now(settled.1, letter))
}

/// Says what discarding would come to, and leaves everything as it is.
///
/// # Errors
/// When the database fails.
pub async fn rehearse_discard(
    pool: &PgPool,
    consumer: &str,
    id: Uuid,
) -> Result<Acted, sqlx::Error> {
    let mut tx = pool.begin().await?;
    Ok(match parked_in_tx(&mut tx, consumer, id).await? {
        Opened::Letter(letter) => Acted::now(DeadLetterOutcome::WouldDiscard, letter),
        Opened::Told(acted) => acted,
    })
}

/// What a handler made of one event.
enum Effect {
    Done,
    Failed(Failure),
    Panicked(Failure),
}

async fn effect_in_tx<H: Handler>(
    tx: &mut PgConnection,
    handler: &H,
    letter: &DeadLetter,
    seq: u64,
) -> Effect {
    let event = match H::Event::decode(&letter.data) {
        Ok(event) => event,
        Err(error) => {
            return Effect::Failed(Failure::Park {
                reason: unreadable(&error),
                error: error.into(),
            });
        }
    };
    let posted_at = posted_at(&letter.data).unwrap_or(letter.first_at);
    let deliveries = [Delivery {
        seq,
        event,
        posted_at,
        traceparent: letter.header(contracts::headers::TRACEPARENT),
    }];
    let effect = AssertUnwindSafe(handler.handle(tx, &deliveries));
    match effect.catch_unwind().await {
        // What a constraint finds only at the commit, it finds here: then it is the event's
        // failure, and told as one.
        Ok(Ok(())) => match store::check_constraints_in_tx(tx).await {
            Ok(()) => Effect::Done,
            Err(error) => Effect::Failed(error.into()),
        },
        Ok(Err(failure)) => Effect::Failed(failure),
        Err(panic) => Effect::Panicked(Failure::Park {
            reason: "panic",
            error: anyhow::anyhow!("the handler panicked: {}", panic_text(&*panic)),
        }),
    }
}

/// Writes down that a replay failed, after its effect is gone: nothing of it may commit with
/// these lines.
async fn note_failure(
    connection: &mut PoolConnection<Postgres>,
    consumer: &str,
    order: &Order<'_>,
    failure: &Failure,
) -> Result<Acted, sqlx::Error> {
    let mut tx = connection.begin().await?;
    // Somebody may have settled it in between; then that is the answer.
    let letter = match open_in_tx(&mut tx, consumer, order).await? {
        Opened::Letter(letter) => letter,
        Opened::Told(acted) => return Ok(acted),
    };
    let (reason, error) = words(failure);
    actions::insert_history_in_tx(&mut tx, order, "replay failed", Some(&error)).await?;
    let outcome = DeadLetterOutcome::FailedAgain { reason, error };
    if !actions::insert_answer_in_tx(&mut tx, order, &outcome).await? {
        return Ok(Acted::now(DeadLetterOutcome::KeyReused, letter));
    }
    tx.commit().await?;
    Ok(Acted::now(outcome, letter))
}

/// Takes the dead letter's turn and finds out whether there is something left to do.
async fn open_in_tx(
    tx: &mut PgConnection,
    consumer: &str,
    order: &Order<'_>,
) -> Result<Opened, sqlx::Error> {
    let opened = parked_in_tx(tx, consumer, order.id).await?;
    // Whoever had the turn before may have answered under this very key.
    let Some(answer) = actions::find_answer(tx, order).await? else {
        return Ok(opened);
    };
    let repeated = answer.fingerprint == order.fingerprint;
    let letter = match opened {
        Opened::Letter(letter) => Some(letter),
        Opened::Told(acted) => acted.letter,
    };
    Ok(Opened::Told(Acted {
        outcome: if repeated {
            answer.outcome
        } else {
            DeadLetterOutcome::KeyReused
        },
        repeated,
        letter,
    }))
}

async fn parked_in_tx(
    tx: &mut PgConnection,
    consumer: &str,
    id: Uuid,
) -> Result<Opened, sqlx::Error> {
    let Some(letter) = store::lock_in_tx(tx, consumer, id).await? else {
        return Ok(Opened::Told(Acted {
            outcome: DeadLetterOutcome::NotFound,
            repeated: false,
            letter: None,
        }));
    };
    if letter.state == DeadLetterState::Parked {
        return Ok(Opened::Letter(letter));
    }
    let (by, at) = actions::find_settler(tx, id)
        .await?
        .unwrap_or_else(|| (String::new(), letter.last_at));
    let state = letter.state;
    let outcome = DeadLetterOutcome::Already { state, by, at };
    Ok(Opened::Told(Acted::now(outcome, letter)))
}

/// State, history and answer; false when the key was taken meanwhile, and then nothing may
/// commit.
async fn settle_in_tx(
    tx: &mut PgConnection,
    order: &Order<'_>,
    (state, outcome): &(DeadLetterState, DeadLetterOutcome),
) -> Result<bool, sqlx::Error> {
    // It is locked and was parked, so this cannot find anything else; were it ever to, nothing
    // must commit.
    if !store::settle_in_tx(tx, order.id, *state).await? {
        return Err(sqlx::Error::RowNotFound);
    }
    actions::insert_history_in_tx(tx, order, state.as_str(), None).await?;
    actions::insert_answer_in_tx(tx, order, outcome).await
}

/// A failure as it is stored and told.
fn words(failure: &Failure) -> (String, String) {
    let (reason, error) = match failure {
        Failure::Retry(error) => ("retry", error),
        Failure::Park { reason, error } => (*reason, error),
    };
    let text = storable(&error_text(error));
    (
        reason.to_owned(),
        text.chars().take(FAILURE_CHARS_MAX).collect(),
    )
}
