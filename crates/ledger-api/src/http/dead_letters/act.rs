//! What replaying and discarding share.

use std::sync::Arc;

use axum::{
    Json,
    http::HeaderValue,
    response::{IntoResponse, Response},
};
use contracts::{
    DeadLetterId, Totals,
    rpc::dead_letters::{ActOnDeadLetter, DeadLetterOutcome, DeadLetterState},
    topology::Worker,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::{
    super::{
        answer::IDEMPOTENT_REPLAYED,
        api::Api,
        error::{ApiError, ErrorCode},
        fields,
        idempotency::WriteHeaders,
    },
    find::find,
    query,
};
use crate::auth::Principal;

/// Why a dead letter is replayed or discarded.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Whose it is, as the list says; without it every worker is asked.
    #[schema(pattern = "^(analytics|fraud|settlement)$", example = "analytics")]
    worker: Option<String>,
    /// Why, for the history.
    #[schema(min_length = 1, max_length = 500, example = "fixed in 1.4.2")]
    reason: String,
    /// Only say what would happen: nothing is written, and the key stays free.
    #[serde(default)]
    dry_run: bool,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActedView {
    /// The dead letter.
    #[schema(value_type = String)]
    id: DeadLetterId,
    /// Whose it is.
    #[schema(example = "analytics")]
    worker: &'static str,
    /// `replayed` or `discarded`; of a dry run `would_replay`, `would_discard` or `would_fail`.
    #[schema(example = "replayed")]
    outcome: &'static str,
    /// How a replay would fail: a short code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// How a replay would fail, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The money that its event moved, by currency; null when nobody can tell.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    stake: Option<Totals>,
}

/// Asks the worker to act, and tells what came of it. `subject` says what is asked, `verb` is the
/// end of the route.
pub async fn act(
    api: &Api,
    principal: &Arc<Principal>,
    headers: WriteHeaders,
    (id, body): (DeadLetterId, Act),
    (subject, verb): (&str, &str),
) -> Result<Response, ApiError> {
    let reason = fields::reason(body.reason)?;
    let worker = match &body.worker {
        Some(name) => query::worker(name)
            .ok_or_else(|| ApiError::from(ErrorCode::InvalidField).field("worker"))?,
        None => find(api, id).await?.0,
    };
    let order = ActOnDeadLetter {
        id,
        caller: principal.subject.clone(),
        role: principal.role.as_str().to_owned(),
        key: headers.key,
        fingerprint: fingerprint(id, verb, &reason),
        reason,
        dry_run: body.dry_run,
    };
    let acted = api.workers().act(worker, subject, &order).await;
    let acted = acted.ok_or_else(|| {
        ApiError::from(ErrorCode::WorkerUnavailable)
            .detail("if it has acted all the same, the same Idempotency-Key tells")
    })?;
    let mut response = match view(id, worker, acted.outcome, acted.stake) {
        Ok(view) => Json(view).into_response(),
        Err(error) => error.into_response(),
    };
    if acted.repeated {
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// What a key stands for. Whose the dead letter is follows from its id.
fn fingerprint(id: DeadLetterId, verb: &str, reason: &str) -> String {
    let text = format!("POST /v1/dead-letters/{id}/{verb}\n{reason}");
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hex::encode(digest)
}

fn view(
    id: DeadLetterId,
    worker: Worker,
    outcome: DeadLetterOutcome,
    stake: Option<Totals>,
) -> Result<ActedView, ApiError> {
    let view = |outcome, failure: Option<(String, String)>| {
        let (reason, error) = failure.unzip();
        Ok(ActedView {
            id,
            worker: worker.as_str(),
            outcome,
            reason,
            error,
            stake,
        })
    };
    let refuse = |code: ErrorCode| Err(code.into());
    match outcome {
        DeadLetterOutcome::Replayed => view("replayed", None),
        DeadLetterOutcome::Discarded => view("discarded", None),
        DeadLetterOutcome::WouldReplay => view("would_replay", None),
        DeadLetterOutcome::WouldDiscard => view("would_discard", None),
        DeadLetterOutcome::WouldFail { reason, error } => view("would_fail", Some((reason, error))),
        DeadLetterOutcome::FailedAgain { reason, error } => {
            Err(ApiError::from(ErrorCode::ReplayFailed).detail(format!("{reason}: {error}")))
        }
        DeadLetterOutcome::Already { state, by, at } => {
            let code = match state {
                DeadLetterState::Discarded => ErrorCode::AlreadyDiscarded,
                DeadLetterState::Replayed | DeadLetterState::Parked => ErrorCode::AlreadyReplayed,
            };
            let at = at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            Err(ApiError::from(code).detail(format!("{} by {by} at {at}", state.as_str())))
        }
        DeadLetterOutcome::Foreign => refuse(ErrorCode::NotReplayable),
        DeadLetterOutcome::NotFound => refuse(ErrorCode::NotFound),
        DeadLetterOutcome::KeyReused => refuse(ErrorCode::IdempotencyKeyReused),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys are kept over releases: see `a_release_changes_no_fingerprint` of the ledger's own.
    #[test]
    fn a_release_changes_no_fingerprint_of_an_order() {
        let id = DeadLetterId::from_uuid(uuid::Uuid::from_u128(1));
        assert_eq!(
            fingerprint(id, "replay", "fixed"),
            "f8ea5b984eb317f824660f27f0967ee87ce0a14fbb76e208c2ae1a88de80a893"
        );
    }
}
