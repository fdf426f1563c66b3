//! What workers gave up, as the API shows it, and what is done about it.

use chrono::{DateTime, Utc};
use contracts::rpc::dead_letters::DeadLetterState;
use contracts::{DeadLetterId, Totals, WalletId};
use serde::{Deserialize, Serialize};

use super::{ApiClient, ApiError, Written};

/// A message that a worker gave up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The dead letter.
    pub id: DeadLetterId,
    /// Whose it is.
    pub worker: String,
    /// What became of it.
    pub state: DeadLetterState,
    /// Its position in the log; none when it is not in the log.
    pub seq: Option<u64>,
    /// The event's type, or `unknown`.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The subject it came on.
    pub subject: String,
    /// Why it was given up, as a short code.
    pub reason: String,
    /// Why, in words.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: DateTime<Utc>,
    /// When it was given up.
    pub last_at: DateTime<Utc>,
    /// The wallets that its event is about.
    pub wallets: Vec<WalletId>,
    /// The money that its event moved, where that is known.
    pub stake: Option<Totals>,
    /// Replays that failed since.
    pub replays_failed: u64,
}

/// The same with its bytes and what was done to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeDeadLetter {
    /// What a list says about it.
    #[serde(flatten)]
    pub summary: DeadLetter,
    /// The headers that came with it.
    pub headers: Vec<Header>,
    /// The original bytes, when they are text.
    pub data: Option<String>,
    /// The original bytes as base64, when they are no text.
    pub data_base64: Option<String>,
    /// How many bytes there are.
    pub data_bytes: u64,
    /// What was done to it, oldest first.
    pub history: Vec<Action>,
}

/// A header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// Something that was done to a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// When.
    pub at: DateTime<Utc>,
    /// `replayed`, `replay failed` or `discarded`.
    pub action: String,
    /// Who.
    pub by: String,
    /// In which role.
    pub role: String,
    /// Why.
    pub reason: String,
    /// How a replay failed.
    pub error: Option<String>,
}

/// A page of dead letters, and what all pages come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterPage {
    /// The page, oldest first.
    pub items: Vec<DeadLetter>,
    /// Where the next page begins; none after the last.
    pub next_cursor: Option<String>,
    /// How many there are on all pages.
    pub total: u64,
    /// The money of those that are parked.
    pub at_stake: Totals,
    /// How many of those are about money that nobody can tell.
    pub at_stake_unknown: u64,
    /// Workers that did not answer.
    pub unavailable: Vec<String>,
}

/// What to do with a dead letter, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Act {
    /// Whose it is.
    pub worker: String,
    /// Why.
    pub reason: String,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Acted {
    /// What happened, or would.
    pub outcome: String,
    /// How a replay would fail, as a short code.
    #[serde(default)]
    pub reason: Option<String>,
    /// How a replay would fail, in words.
    #[serde(default)]
    pub error: Option<String>,
}

impl ApiClient {
    /// A page of what workers gave up, oldest first.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn dead_letters(&self, query: &[(&str, &str)]) -> Result<DeadLetterPage, ApiError> {
        self.read(&["v1", "dead-letters"], query).await
    }

    /// One dead letter, whole.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn dead_letter(&self, id: DeadLetterId) -> Result<WholeDeadLetter, ApiError> {
        self.read(&["v1", "dead-letters", &id.to_string()], &[])
            .await
    }

    /// Replays or discards a dead letter: `verb` is the end of the route.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub async fn act_on_dead_letter(
        &self,
        key: &str,
        id: DeadLetterId,
        verb: &str,
        act: &Act,
    ) -> Result<Written<Acted>, ApiError> {
        self.write(key, &["v1", "dead-letters", &id.to_string(), verb], act)
            .await
    }
}
