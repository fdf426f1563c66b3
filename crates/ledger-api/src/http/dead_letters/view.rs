//! Dead letters as the API shows them.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::{DateTime, Utc};
use contracts::{
    DeadLetterId, EventType, Totals, WalletId,
    rpc::dead_letters::{DeadLetter, DeadLetterAction, DeadLetterState, DeadLetterSummary},
    topology::Worker,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::query::UNKNOWN_TYPE;

/// A message that a worker gave up.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterView {
    /// The dead letter, `dlt_…`. Ids sort by the time of giving up.
    #[schema(value_type = String)]
    pub id: DeadLetterId,
    /// Whose it is: `analytics`, `fraud` or `settlement`.
    #[schema(example = "analytics")]
    worker: &'static str,
    /// `parked`, `replayed` or `discarded`.
    #[schema(value_type = String, example = "parked")]
    state: DeadLetterState,
    /// Its position in the log; null when the message is not in the log. Such a one cannot be
    /// replayed.
    seq: Option<u64>,
    /// The event's type, or `unknown`.
    #[serde(rename = "type")]
    #[schema(example = "florin.ledger.transfer.posted.v1")]
    event_type: String,
    /// The subject it came on.
    subject: String,
    /// Why it was given up: a short code.
    #[schema(example = "constraint")]
    reason: String,
    /// Why, in words.
    error: String,
    /// How often it was tried before it was given up.
    attempts: u32,
    /// When it was first tried.
    first_at: DateTime<Utc>,
    /// When it was given up.
    last_at: DateTime<Utc>,
    /// The wallets that its event is about.
    #[schema(value_type = Vec<String>)]
    wallets: Vec<WalletId>,
    /// The money that its event moved, by currency; null when nobody can tell.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    stake: Option<Totals>,
    /// Replays that failed since.
    replays_failed: u64,
}

/// A message that a worker gave up, with its bytes and what was done to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeDeadLetterView {
    #[serde(flatten)]
    summary: DeadLetterView,
    /// The headers that came with it.
    headers: Vec<HeaderView>,
    /// The original bytes, when they are text.
    data: Option<String>,
    /// The original bytes as base64, when they are no text.
    data_base64: Option<String>,
    /// How many bytes there are; no more than 512 KiB are shown.
    data_bytes: u64,
    /// What was done to it, oldest first; the latest 50 entries.
    history: Vec<ActionView>,
}

/// A header.
#[derive(Debug, Serialize, ToSchema)]
pub struct HeaderView {
    name: String,
    value: String,
}

/// Something that was done to a dead letter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ActionView {
    /// When.
    at: DateTime<Utc>,
    /// `replayed`, `replay failed` or `discarded`.
    #[schema(example = "replayed")]
    action: String,
    /// Who.
    by: String,
    /// In which role.
    role: String,
    /// Why, in that person's words.
    reason: String,
    /// How a replay failed.
    error: Option<String>,
}

/// A page of dead letters of several workers.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeadLetterPage {
    /// The items, oldest first.
    pub items: Vec<DeadLetterView>,
    /// Goes into `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// How many there are on all pages.
    pub total: u64,
    /// The money of those that are parked, on all pages, by currency. An event that two workers
    /// gave up counts for each of them.
    #[schema(value_type = std::collections::BTreeMap<String, String>, example = json!({"EUR": "12.50"}))]
    pub at_stake: Totals,
    /// How many of those are about money that nobody can tell.
    pub at_stake_unknown: u64,
    /// Workers that did not answer: theirs are missing everywhere above.
    #[schema(value_type = Vec<String>)]
    pub unavailable: Vec<&'static str>,
}

impl DeadLetterView {
    /// A worker's dead letter as it tells of it.
    pub fn of(worker: Worker, letter: DeadLetterSummary) -> Self {
        let mut all = EventType::ALL.iter();
        let known = all.find(|known| known.noun_verb() == letter.noun_verb);
        Self {
            id: letter.id,
            worker: worker.as_str(),
            state: letter.state,
            seq: letter.seq,
            event_type: known
                .map_or(UNKNOWN_TYPE, |known| known.as_str())
                .to_owned(),
            subject: letter.subject,
            reason: letter.reason,
            error: letter.error,
            attempts: letter.attempts,
            first_at: letter.first_at,
            last_at: letter.last_at,
            wallets: letter.wallets,
            stake: letter.stake,
            replays_failed: letter.replays_failed,
        }
    }
}

impl WholeDeadLetterView {
    /// A worker's dead letter as it tells of it.
    pub fn of(worker: Worker, letter: DeadLetter) -> Self {
        let bytes = BASE64_STANDARD.decode(&letter.data).unwrap_or_default();
        let (data, data_base64) = match String::from_utf8(bytes) {
            Ok(text) => (Some(text), None),
            Err(_) => (None, Some(letter.data)),
        };
        let headers = letter.headers.into_iter();
        Self {
            summary: DeadLetterView::of(worker, letter.summary),
            headers: headers
                .map(|(name, value)| HeaderView { name, value })
                .collect(),
            data,
            data_base64,
            data_bytes: letter.data_bytes,
            history: letter.history.into_iter().map(ActionView::of).collect(),
        }
    }
}

impl ActionView {
    fn of(action: DeadLetterAction) -> Self {
        Self {
            at: action.at,
            action: action.action,
            by: action.by,
            role: action.role,
            reason: action.reason,
            error: action.error,
        }
    }
}
