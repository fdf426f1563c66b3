//! One batch: one transaction, phase by phase. The module `posting` says why in this order.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Instant,
};

use chrono::{DateTime, Utc};
use contracts::{RejectionCode, WalletId, ids::uuid_v7};
use service_runtime::entropy;
use sqlx::{Connection, PgConnection};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{Answer, Rendered, SubmitError, lane::Lane, record::Log};
use crate::{
    domain::{Action, BalanceKey, Command, Decision, Movement, State, SystemShard, decide, legs},
    metrics,
    store::{
        self, StoreError,
        claims::{NewClaim, StoredAnswer},
    },
};

/// A command on its way, and who waits for it.
pub(super) struct Pending {
    pub(super) command: Command,
    /// Minted once, so that after an unknown commit the answer is known as this request's own.
    pub(super) answer_id: Uuid,
    reply: oneshot::Sender<Result<Answer, SubmitError>>,
}

impl Pending {
    pub(super) fn new(
        command: Command,
        reply: oneshot::Sender<Result<Answer, SubmitError>>,
        now: DateTime<Utc>,
    ) -> Self {
        // Ordered by time, so that the index of the answers grows at its end.
        let answer_id = uuid_v7(now, entropy());
        Self {
            command,
            answer_id,
            reply,
        }
    }

    /// Answers the caller, who may be gone: the outcome stands all the same.
    pub(super) fn answer(self, answer: Result<Answer, SubmitError>) {
        if self.reply.send(answer).is_err() {
            tracing::debug!(
                key = self.command.key,
                "The caller did not wait for the answer"
            );
        }
    }

    fn claim(&self) -> NewClaim {
        NewClaim {
            caller: self.command.caller.0.clone(),
            key: self.command.key.clone(),
            fingerprint: self.command.fingerprint,
            answer_id: self.answer_id,
        }
    }
}

/// Why a batch wrote nothing, or may have.
pub(super) enum BatchError {
    /// The database failed.
    Store {
        source: StoreError,
        /// COMMIT was sent: nobody knows.
        committing: bool,
    },
    /// These commands (by answer id) name wallets that are not there.
    UnknownWallets(Vec<Uuid>),
}

impl BatchError {
    pub(super) fn before_commit(source: StoreError) -> Self {
        Self::Store {
            source,
            committing: false,
        }
    }
}

impl From<StoreError> for BatchError {
    fn from(source: StoreError) -> Self {
        Self::before_commit(source)
    }
}

impl From<sqlx::Error> for BatchError {
    fn from(source: sqlx::Error) -> Self {
        Self::before_commit(source.into())
    }
}

/// Runs one batch in one transaction and returns an answer per command, in the batch's order.
pub(super) async fn run(
    lane: &mut Lane,
    connection: &mut PgConnection,
    batch: &[Pending],
) -> Result<Vec<Result<Answer, SubmitError>>, BatchError> {
    let mut tx = connection.begin().await?;
    let claimed = claim(&mut tx, batch).await?;
    let fresh: Vec<&Pending> = batch
        .iter()
        .zip(&claimed)
        .filter(|(_, c)| matches!(c, Claim::Fresh))
        .map(|(p, _)| p)
        .collect();
    if fresh.is_empty() {
        // Replays only: nothing was written, and the head is left alone.
        tx.rollback().await?;
        return Ok(answers(batch, &claimed, &HashMap::new()));
    }

    let mut state = lock(&mut tx, lane.shard, &fresh).await?;
    let decisions = decide_all(&mut state, &fresh, lane.shard);
    write(&mut tx, &state, &decisions).await?;

    let waited = Instant::now();
    let head = store::journal::lock_head_in_tx(&mut tx).await?;
    metrics::head_lock_waited(waited.elapsed());
    let mut log = Log::after(head, lane.clock.now());
    let rendered = log.record(&state, &fresh, decisions, &*lane.render);
    if !log.wallets.is_empty() {
        store::wallets::insert_in_tx(&mut tx, &log.wallets, log.head.posted_at).await?;
    }
    store::journal::append_in_tx(&mut tx, &log.entries, &log.head).await?;

    let committing = Instant::now();
    tx.commit().await.map_err(|error| BatchError::Store {
        source: error.into(),
        committing: true,
    })?;
    metrics::committed(committing.elapsed());
    Ok(answers(batch, &claimed, &rendered))
}

/// What became of one command's key.
enum Claim {
    /// It is this command's: go on.
    Fresh,
    /// Another request of this very batch has it.
    SameAs { answer_id: Uuid, same: bool },
    /// It was answered before.
    Stored(StoredAnswer),
}

/// Phase 1: claims the keys and finds the answers of those that were claimed before.
async fn claim(tx: &mut PgConnection, batch: &[Pending]) -> Result<Vec<Claim>, StoreError> {
    // First come first served within the batch; sorted by the bytes of caller and key.
    let mut first: BTreeMap<(&str, &str), &Pending> = BTreeMap::new();
    for pending in batch {
        first
            .entry((&pending.command.caller.0, &pending.command.key))
            .or_insert(pending);
    }
    let claims: Vec<NewClaim> = first.values().map(|pending| pending.claim()).collect();
    let mine = store::claims::claim_in_tx(tx, &claims).await?;
    let others: Vec<&NewClaim> = claims
        .iter()
        .filter(|claim| !mine.contains(&claim.answer_id))
        .collect();
    let mut stored: HashMap<(&str, &str), StoredAnswer> = HashMap::new();
    if !others.is_empty() {
        for answer in store::claims::answers_in_tx(tx, &others).await? {
            let claim = others[answer.position];
            stored.insert((&claim.caller, &claim.key), answer);
        }
    }
    batch
        .iter()
        .map(|pending| {
            let key = (
                pending.command.caller.0.as_str(),
                pending.command.key.as_str(),
            );
            let winner = first[&key];
            if mine.contains(&pending.answer_id) {
                Ok(Claim::Fresh)
            } else if mine.contains(&winner.answer_id) {
                let same = winner.command.fingerprint == pending.command.fingerprint;
                Ok(Claim::SameAs {
                    answer_id: winner.answer_id,
                    same,
                })
            } else {
                let answer = stored.get(&key).cloned();
                answer.map(Claim::Stored).ok_or_else(|| {
                    StoreError::inconsistent("idempotency_keys", "answer_id", pending.answer_id)
                })
            }
        })
        .collect()
}

/// Phase 2: locks everything that the batch decides on, in one order for everybody: wallets,
/// balances, and last the balances that were not there.
async fn lock(
    tx: &mut PgConnection,
    shard: SystemShard,
    fresh: &[&Pending],
) -> Result<State, BatchError> {
    let mut wallets: BTreeSet<WalletId> = BTreeSet::new();
    let mut balances: BTreeSet<BalanceKey> = BTreeSet::new();
    for movement in fresh.iter().filter_map(|pending| movement(pending)) {
        wallets.insert(movement.wallet);
        wallets.extend(movement.counterparty);
        balances.extend(legs(movement, shard));
    }
    let mut state = State::default();
    if wallets.is_empty() {
        return Ok(state);
    }
    let wallets: Vec<WalletId> = wallets.into_iter().collect();
    state.wallets = store::wallets::lock_in_tx(tx, &wallets).await?;
    refuse_unknown(&state, fresh)?;

    let balances: Vec<BalanceKey> = balances.into_iter().collect();
    let there = store::balances::lock_in_tx(tx, &balances).await?;
    state.balances = there.into_iter().collect();
    let missing = |state: &State| -> Vec<BalanceKey> {
        let known = |key: &&BalanceKey| !state.balances.contains_key(key);
        balances.iter().filter(known).copied().collect()
    };
    // Few: each balance is new once. A row that somebody commits just now and holds again is
    // locked here out of order; should two transactions then wait for each other, Postgres ends
    // one, and its batch is run again.
    let new = missing(&state);
    if !new.is_empty() {
        store::balances::insert_missing_in_tx(tx, &new).await?;
        let there = store::balances::lock_in_tx(tx, &new).await?;
        state.balances.extend(there);
    }
    match missing(&state).first() {
        Some(absent) => {
            Err(StoreError::inconsistent("balances", "wallet_id", absent.wallet).into())
        }
        None => Ok(state),
    }
}

fn refuse_unknown(state: &State, fresh: &[&Pending]) -> Result<(), BatchError> {
    let is_unknown = |wallet: &WalletId| !state.wallets.contains_key(wallet);
    let refused: Vec<Uuid> = fresh
        .iter()
        .filter(|pending| {
            movement(pending).is_some_and(|movement| {
                is_unknown(&movement.wallet)
                    || movement.counterparty.as_ref().is_some_and(is_unknown)
            })
        })
        .map(|pending| pending.answer_id)
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(BatchError::UnknownWallets(refused))
    }
}

fn movement(pending: &Pending) -> Option<&Movement> {
    match &pending.command.action {
        Action::Move(movement) => Some(movement),
        Action::OpenWallet(_) => None,
    }
}

/// What was decided about one command.
pub(super) enum Decided {
    Open,
    Post(Decision),
    Reject(RejectionCode),
}

/// Phase 3: pure, in order of arrival.
fn decide_all(state: &mut State, fresh: &[&Pending], shard: SystemShard) -> Vec<Decided> {
    fresh
        .iter()
        .map(|pending| match &pending.command.action {
            Action::OpenWallet(_) => Decided::Open,
            Action::Move(movement) => match decide(state, movement, shard) {
                Ok(decision) => Decided::Post(decision),
                Err(code) => {
                    metrics::rejected(movement.kind, code);
                    Decided::Reject(code)
                }
            },
        })
        .collect()
}

/// Phase 4: writes the balances that changed.
async fn write(
    tx: &mut PgConnection,
    state: &State,
    decisions: &[Decided],
) -> Result<(), StoreError> {
    let touched: BTreeSet<BalanceKey> = decisions
        .iter()
        .filter_map(|decided| match decided {
            Decided::Post(decision) => Some(decision.map(|leg| leg.key)),
            Decided::Open | Decided::Reject(_) => None,
        })
        .flatten()
        .collect();
    if touched.is_empty() {
        return Ok(());
    }
    let changes: Vec<_> = touched
        .into_iter()
        .map(|key| (key, state.balances[&key]))
        .collect();
    store::balances::write_in_tx(tx, &changes).await
}

/// Puts the answers together, in the batch's order.
fn answers(
    batch: &[Pending],
    claimed: &[Claim],
    rendered: &HashMap<Uuid, Rendered>,
) -> Vec<Result<Answer, SubmitError>> {
    batch
        .iter()
        .zip(claimed)
        .map(|(pending, claim)| match claim {
            Claim::Fresh => Ok(Answer {
                rendered: rendered[&pending.answer_id].clone(),
                replayed: false,
            }),
            Claim::SameAs { same: false, .. } => Err(SubmitError::KeyReused),
            Claim::SameAs {
                answer_id,
                same: true,
            } => {
                metrics::key_replayed();
                Ok(Answer {
                    rendered: rendered[answer_id].clone(),
                    replayed: true,
                })
            }
            Claim::Stored(stored) if stored.fingerprint != pending.command.fingerprint => {
                Err(SubmitError::KeyReused)
            }
            Claim::Stored(stored) => {
                // After an unknown commit a lane meets its own answer: that is no replay.
                let replayed = stored.answer_id != pending.answer_id;
                if replayed {
                    metrics::key_replayed();
                }
                Ok(Answer {
                    rendered: stored.rendered.clone(),
                    replayed,
                })
            }
        })
        .collect()
}
