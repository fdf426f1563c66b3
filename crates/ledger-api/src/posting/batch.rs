//! One batch: one transaction, phase by phase. The module `posting` says why in this order.

use std::{collections::HashMap, time::Instant};

use contracts::{RejectionCode, event::LimitReached};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    Answer, SubmitError,
    claim::{self, Claim},
    lane::Lane,
    locks,
    pending::{Item, Outcome, Pending},
    record::Log,
    write::{paid_orders, write, write_named},
};
use crate::{
    domain::{self, Context, State, decide, limit_reached},
    metrics,
    store::{self, StoreError},
};

/// Why a batch wrote nothing, or may have.
pub(super) enum BatchError {
    /// The database failed.
    Store {
        source: StoreError,
        /// COMMIT was sent: nobody knows.
        committing: bool,
    },
    /// These commands (by answer id) cannot be decided on: the others are run again without them
    /// and without those they are linked to.
    Without(Vec<(Uuid, SubmitError)>),
    /// Fee rules changed since they were read: the batch is run again with the new ones.
    RulesChanged,
    /// The log has reached another day than limits were decided for: it is run again.
    AnotherDay,
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

/// Commands of one entry that have to be decided: all of them are new.
pub(super) struct Fresh<'a> {
    pub(super) items: Vec<&'a Item>,
    /// All or none.
    linked: bool,
}

/// What was decided about one command.
pub(super) type Decision = Result<domain::Outcome, Rejection>;

/// A decision against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) code: RejectionCode,
    /// Which limit of the account, when it was one.
    pub(super) limit: Option<LimitReached>,
}

impl From<RejectionCode> for Rejection {
    fn from(code: RejectionCode) -> Self {
        Self { code, limit: None }
    }
}

/// Runs one batch in one transaction and returns the outcomes per entry, in the batch's order.
/// A rehearsal is a batch of its own: it goes the same way up to the log, and is rolled back.
pub(super) async fn run(
    lane: &mut Lane,
    connection: &mut PgConnection,
    batch: &[Pending],
) -> Result<Vec<Vec<Outcome>>, BatchError> {
    let rules = lane.rules(connection).await?;
    let rehearsal = batch.iter().any(Pending::is_rehearsal);
    let mut tx = connection.begin().await?;
    let claimed = claim::claim(&mut tx, batch, rehearsal).await?;
    let fresh = fresh(batch, &claimed)?;
    if fresh.is_empty() {
        // Replays only: nothing was written, and the head is left alone.
        tx.rollback().await?;
        return Ok(outcomes(batch, &claimed, &HashMap::new()));
    }

    let context = Context {
        shard: lane.shard,
        now: lane.now(),
    };
    let mut state = locks::lock(&mut tx, &context, &rules.rules, &fresh).await?;
    let decisions = decide_all(&mut state, &fresh, &context);
    let rejected = rejected(&fresh, &decisions);
    if rehearsal {
        let head = store::journal::peek_head(&mut tx).await?;
        lane.check_rules(rules.version, head.rules_version)?;
        let mut log = Log::after(head, context.now);
        lane.reached(log.head.posted_at);
        refuse_another_day(&state, &context, &log)?;
        let mut rendered = log.record(&fresh, decisions, &*lane.render);
        // No event tells of it.
        for answer in rendered.values_mut() {
            answer.seq = None;
        }
        tx.rollback().await?;
        return Ok(outcomes(batch, &claimed, &rendered));
    }
    write(&mut tx, &state, &paid_orders(&state, &fresh, &decisions)).await?;

    let waited = Instant::now();
    let head = store::journal::lock_head_in_tx(&mut tx).await?;
    metrics::head_lock_waited(waited.elapsed());
    lane.check_rules(rules.version, head.rules_version)?;
    let mut log = Log::after(head, lane.now());
    lane.reached(log.head.posted_at);
    refuse_another_day(&state, &context, &log)?;
    let rendered = log.record(&fresh, decisions, &*lane.render);
    lane.keep_rules(log.head.rules_version);
    write_named(&mut tx, &state, &mut log).await?;
    store::journal::append_in_tx(&mut tx, &log.entries, &log.head).await?;

    let committing = Instant::now();
    tx.commit().await.map_err(|error| BatchError::Store {
        source: error.into(),
        committing: true,
    })?;
    metrics::committed(committing.elapsed());
    for (command, code) in rejected {
        metrics::rejected(command, code);
    }
    Ok(outcomes(batch, &claimed, &rendered))
}

/// The groups that have to be decided. A linked group of which only some keys were used before is
/// refused: all or none was promised, and it is not the group that was asked for then.
fn fresh<'a>(batch: &'a [Pending], claimed: &[Vec<Claim>]) -> Result<Vec<Fresh<'a>>, BatchError> {
    let mut groups = Vec::with_capacity(batch.len());
    let mut refused = Vec::new();
    for (pending, claims) in batch.iter().zip(claimed) {
        let fresh = |claim: &Claim| matches!(claim, Claim::Fresh);
        let all = pending.items.iter().zip(claims);
        let (new, used): (Vec<_>, Vec<_>) = all.partition(|(_, claim)| fresh(claim));
        let linked = pending.is_linked();
        if new.is_empty() {
            continue;
        }
        if linked && !used.is_empty() {
            refused.extend(
                used.iter()
                    .map(|(item, _)| (item.answer_id, SubmitError::KeyReused)),
            );
            continue;
        }
        let items = new.into_iter().map(|(item, _)| item).collect();
        groups.push(Fresh { items, linked });
    }
    if refused.is_empty() {
        Ok(groups)
    } else {
        Err(BatchError::Without(refused))
    }
}

/// Phase 3: pure, in order of arrival.
fn decide_all(state: &mut State, fresh: &[Fresh<'_>], context: &Context) -> Vec<Vec<Decision>> {
    fresh
        .iter()
        .map(|group| {
            if group.linked {
                decide_linked(state, &group.items, context)
            } else {
                let items = group.items.iter();
                items.map(|item| decide_one(state, item, context)).collect()
            }
        })
        .collect()
}

fn decide_one(state: &mut State, item: &Item, context: &Context) -> Decision {
    let action = &item.command.action;
    decide(state, action, context).map_err(|code| Rejection {
        code,
        limit: match code {
            RejectionCode::LimitExceeded => limit_reached(state, action, context),
            _ => None,
        },
    })
}

/// The day of a limit is that of the event. A batch that waited for the head past midnight has
/// counted for yesterday.
fn refuse_another_day(state: &State, context: &Context, log: &Log) -> Result<(), BatchError> {
    let same_day = log.head.posted_at.date_naive() == context.now.date_naive();
    if same_day || state.usages.is_empty() {
        Ok(())
    } else {
        Err(BatchError::AnotherDay)
    }
}

/// All or none: when one command is decided against, the state is as it was before the group.
fn decide_linked(state: &mut State, items: &[&Item], context: &Context) -> Vec<Decision> {
    let before = (items.len() > 1).then(|| state.clone());
    let mut decisions: Vec<Decision> = Vec::with_capacity(items.len());
    for item in items {
        let decision = decide_one(state, item, context);
        if let (Err(_), Some(before)) = (&decision, &before) {
            *state = before.clone();
            let earlier = decisions.len();
            decisions.clear();
            decisions.resize(earlier, Err(RejectionCode::BatchRejected.into()));
            decisions.push(decision);
            decisions.resize(items.len(), Err(RejectionCode::BatchRejected.into()));
            break;
        }
        decisions.push(decision);
    }
    decisions
}

/// What was decided against, for the metrics: counted once it is written, so neither when a batch
/// is run again nor for a rehearsal.
fn rejected(
    fresh: &[Fresh<'_>],
    decisions: &[Vec<Decision>],
) -> Vec<(&'static str, RejectionCode)> {
    let items = fresh.iter().flat_map(|group| &group.items);
    items
        .zip(decisions.iter().flatten())
        .filter_map(|(item, decision)| {
            let rejection = decision.as_ref().err()?;
            Some((item.command.action.name(), rejection.code))
        })
        .collect()
}

/// Puts the answers together, in the batch's order.
fn outcomes(
    batch: &[Pending],
    claimed: &[Vec<Claim>],
    rendered: &HashMap<Uuid, Answer>,
) -> Vec<Vec<Outcome>> {
    batch
        .iter()
        .zip(claimed)
        .map(|(pending, claims)| {
            pending
                .items
                .iter()
                .zip(claims)
                .map(|(item, claim)| outcome(item, claim, rendered))
                .collect()
        })
        .collect()
}

fn outcome(item: &Item, claim: &Claim, rendered: &HashMap<Uuid, Answer>) -> Outcome {
    match claim {
        Claim::Fresh => Ok(rendered[&item.answer_id].clone()),
        Claim::SameAs { same: false, .. } => Err(SubmitError::KeyReused),
        Claim::SameAs {
            answer_id,
            same: true,
        } => {
            metrics::key_replayed();
            Ok(Answer {
                replayed: true,
                ..rendered[answer_id].clone()
            })
        }
        Claim::Stored(stored) if stored.fingerprint != item.command.fingerprint => {
            Err(SubmitError::KeyReused)
        }
        Claim::Stored(stored) => {
            // After an unknown commit a lane meets its own answer: that is no replay.
            let replayed = stored.answer_id != item.answer_id;
            if replayed {
                metrics::key_replayed();
            }
            Ok(Answer {
                rendered: stored.rendered.clone(),
                replayed,
                seq: Some(stored.seq),
            })
        }
    }
}
