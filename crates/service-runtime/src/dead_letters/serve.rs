//! Answers about a worker's dead letters over NATS, and acts on them.

use std::{future::Future, sync::Arc};

use async_nats::Client;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use contracts::{
    DeadLetterId,
    limits::{DEAD_LETTER_BYTES_SHOWN_MAX, PAGE_ITEMS_MAX},
    rpc::{
        RpcError,
        dead_letters::{
            ActOnDeadLetter, ActedOnDeadLetter, DeadLetter, DeadLetterRequest, DeadLetterSummary,
            DeadLettersPage, DeadLettersRequest,
        },
    },
    subjects::rpc::{self as subjects, DEAD_LETTER, DEAD_LETTERS},
    topology::Topology,
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::PgPool;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    manage::{self, Acted, Order},
    store::{self, actions, reading},
};
use crate::{Clock, Process, rpc, worker::Handler, worker::stake};

/// Orders of one process that are acted on at a time. They take turns on the inbox row anyway,
/// and each that waits for it would hold a connection that the worker needs.
const ORDERS_MAX: usize = 1;
/// Things that were done to a dead letter, in one answer: as many as a person reads.
const HISTORY_MAX: i64 = 50;
/// Characters of a header's value or of an error in one answer, beside the data.
const TEXT_CHARS_MAX: usize = 1_000;
/// Dead letters that are read at a time to learn their stakes: up to 256 KiB each.
const LEARNT_MAX: i64 = 50;

/// What the answers need.
struct Desk<H> {
    handler: H,
    pool: PgPool,
    clock: Clock,
    turn: Semaphore,
}

/// Answers about the dead letters of a worker and acts on them, until the process stops: lists
/// and shows them, replays and discards them. The pool's `search_path` is the worker's schema.
pub fn serve<H: Handler>(
    process: &Process,
    client: &Client,
    topology: &Topology,
    pool: &PgPool,
    handler: H,
) {
    let desk = Arc::new(Desk {
        handler,
        pool: pool.clone(),
        clock: process.clock().clone(),
        turn: Semaphore::new(ORDERS_MAX),
    });
    let at = |subject| topology.subject(&subjects::of(subject, H::WORKER));
    let on = (process, client, &desk);
    answer(on, at(DEAD_LETTERS), list);
    answer(on, at(DEAD_LETTER), show);
    answer(on, at(subjects::REPLAY_DEAD_LETTER), replay);
    answer(on, at(subjects::DISCARD_DEAD_LETTER), discard);
    process.spawn("dead letters", async move {
        if let Err(error) = learn_stakes::<H>(&desk.pool).await {
            let error = error.to_string();
            tracing::warn!(error, "Could not look at dead letters of unknown stake");
        }
        Ok(())
    });
}

fn answer<H, Q, A, F, Fut>(
    (process, client, desk): (&Process, &Client, &Arc<Desk<H>>),
    subject: String,
    act: F,
) where
    H: Handler,
    Q: DeserializeOwned + Send + 'static,
    A: Serialize + Send + 'static,
    F: Fn(Arc<Desk<H>>, Q) -> Fut + Copy + Send + 'static,
    Fut: Future<Output = Result<A, sqlx::Error>> + Send + 'static,
{
    let desk = Arc::clone(desk);
    rpc::serve(
        process,
        client.clone(),
        subject,
        process.name(),
        move |request| {
            let answer = act(Arc::clone(&desk), request);
            async move { answer.await.map_err(|error| refusal(&error)) }
        },
    );
}

async fn list<H: Handler>(
    desk: Arc<Desk<H>>,
    request: DeadLettersRequest,
) -> Result<DeadLettersPage, sqlx::Error> {
    let consumer = H::WORKER.as_str();
    let DeadLettersRequest {
        filter,
        after,
        limit,
    } = request;
    // One more than a page may be asked for: it tells whether there is a next page.
    let limit = limit.min(PAGE_ITEMS_MAX + 1);
    let mut connection = desk.pool.acquire().await?;
    let items = reading::list(&mut connection, consumer, &filter, after, limit).await?;
    let sums = reading::sum_up(&mut connection, consumer, &filter).await?;
    Ok(DeadLettersPage {
        items,
        total: sums.total,
        at_stake: sums.at_stake,
        at_stake_unknown: sums.at_stake_unknown,
    })
}

async fn show<H: Handler>(
    desk: Arc<Desk<H>>,
    request: DeadLetterRequest,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    let id = request.id.as_uuid();
    let mut connection = desk.pool.acquire().await?;
    let Some(letter) = store::find(&mut connection, H::WORKER.as_str(), id).await? else {
        return Ok(None);
    };
    let mut history = actions::list_history(&mut connection, id, HISTORY_MAX).await?;
    for action in &mut history {
        action.error = action.error.as_deref().map(beginning);
    }
    let replays_failed = reading::count_failed_replays(&mut connection, id).await?;
    let headers = letter.headers.iter();
    let shown = letter.data.len().min(DEAD_LETTER_BYTES_SHOWN_MAX);
    Ok(Some(DeadLetter {
        headers: headers
            .map(|(name, value)| (name.clone(), beginning(value)))
            .collect(),
        data: BASE64_STANDARD.encode(&letter.data[..shown]),
        data_bytes: letter.data.len() as u64,
        history,
        summary: summary(letter, replays_failed),
    }))
}

async fn replay<H: Handler>(
    desk: Arc<Desk<H>>,
    request: ActOnDeadLetter,
) -> Result<ActedOnDeadLetter, sqlx::Error> {
    let _turn = desk.turn.acquire().await.map_err(|_| closing())?;
    let acted = if request.dry_run {
        manage::rehearse(&desk.pool, &desk.handler, request.id.as_uuid()).await?
    } else {
        manage::replay(&desk.pool, &desk.handler, order(&desk, &request)).await?
    };
    Ok(told("replay", &request, acted))
}

async fn discard<H: Handler>(
    desk: Arc<Desk<H>>,
    request: ActOnDeadLetter,
) -> Result<ActedOnDeadLetter, sqlx::Error> {
    let _turn = desk.turn.acquire().await.map_err(|_| closing())?;
    let consumer = H::WORKER.as_str();
    let acted = if request.dry_run {
        manage::rehearse_discard(&desk.pool, consumer, request.id.as_uuid()).await?
    } else {
        manage::discard(&desk.pool, consumer, order(&desk, &request)).await?
    };
    Ok(told("discard", &request, acted))
}

/// Nobody closes the semaphore; a request that came in while the process ends is refused.
const fn closing() -> sqlx::Error {
    sqlx::Error::PoolClosed
}

fn order<'a, H>(desk: &Desk<H>, request: &'a ActOnDeadLetter) -> Order<'a> {
    Order {
        id: request.id.as_uuid(),
        by: &request.caller,
        role: &request.role,
        reason: &request.reason,
        at: desk.clock.now(),
        key: &request.key,
        fingerprint: &request.fingerprint,
    }
}

fn told(verb: &str, request: &ActOnDeadLetter, acted: Acted) -> ActedOnDeadLetter {
    let (by, dry_run) = (request.caller.as_str(), request.dry_run);
    let (letter, outcome) = (request.id.to_string(), format!("{:?}", acted.outcome));
    tracing::info!(letter, by, dry_run, outcome, "Asked to {verb} {letter}");
    ActedOnDeadLetter {
        outcome: acted.outcome,
        repeated: acted.repeated,
        stake: acted.letter.and_then(|letter| letter.stake),
    }
}

fn summary(letter: store::DeadLetter, replays_failed: u64) -> DeadLetterSummary {
    DeadLetterSummary {
        id: DeadLetterId::from_uuid(letter.id),
        state: letter.state,
        seq: letter.seq,
        noun_verb: letter.noun_verb,
        subject: letter.subject,
        reason: letter.reason,
        error: beginning(&letter.error),
        attempts: letter.attempts,
        first_at: letter.first_at,
        last_at: letter.last_at,
        wallets: letter.wallets,
        stake: letter.stake,
        replays_failed,
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// Reads again what an earlier version parked and could not, or did not, tell the stake of.
async fn learn_stakes<H: Handler>(pool: &PgPool) -> Result<(), sqlx::Error> {
    let consumer = H::WORKER.as_str();
    let mut after: Option<Uuid> = None;
    loop {
        let mut connection = pool.acquire().await?;
        let letters =
            store::list_without_stake(&mut connection, consumer, after, LEARNT_MAX).await?;
        let Some((last, _)) = letters.last() else {
            return Ok(());
        };
        after = Some(*last);
        for (id, data) in &letters {
            if let Some(stake) = stake::<H>(data) {
                store::set_stake(&mut connection, *id, &stake).await?;
            }
        }
    }
}

fn refusal(error: &sqlx::Error) -> RpcError {
    let text = error.to_string();
    let (code, detail) = match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            tracing::error!(error = text, "A stored dead letter does not parse");
            ("inconsistent", "stored values do not parse")
        }
        _ => {
            tracing::warn!(error = text, "Could not work on dead letters");
            ("unavailable", "the database did not answer")
        }
    };
    RpcError {
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
