//! Bodies of requests about dead letters: every worker answers the same ones about its own.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{DeadLetterId, WalletId, totals::Totals};

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterState {
    /// It waits for an operator.
    Parked,
    /// Its event was applied after all.
    Replayed,
    /// An operator decided that it stays without effect.
    Discarded,
}

impl DeadLetterState {
    /// Every state.
    pub const ALL: &'static [Self] = &[Self::Parked, Self::Replayed, Self::Discarded];

    /// The state as JSON and the database spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Replayed => "replayed",
            Self::Discarded => "discarded",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|state| state.as_str() == text)
    }
}

/// Which dead letters; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterFilter {
    /// In this state.
    pub state: Option<DeadLetterState>,
    /// Given up for this reason.
    pub reason: Option<String>,
    /// About an event of this `<noun>.<verb>`; `unknown.unknown` where the type is not known.
    pub noun_verb: Option<String>,
    /// About this wallet.
    pub wallet: Option<WalletId>,
    /// Given up before this.
    pub before: Option<DateTime<Utc>>,
    /// Given up at this or later.
    pub since: Option<DateTime<Utc>>,
}

/// Asks for a page of a worker's dead letters, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLettersRequest {
    /// Which.
    pub filter: DeadLetterFilter,
    /// Only those that come after this one.
    pub after: Option<DeadLetterId>,
    /// How many at most.
    pub limit: u16,
}

/// A page of dead letters, and what all that the filter lets through come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLettersPage {
    /// The page.
    pub items: Vec<DeadLetterSummary>,
    /// How many the filter lets through, on all pages.
    pub total: u64,
    /// The money of those of them that are parked.
    pub at_stake: Totals,
    /// How many of those are about money that nobody can tell.
    pub at_stake_unknown: u64,
}

/// A dead letter without its data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterSummary {
    /// The dead letter; ids sort by the time of giving up.
    pub id: DeadLetterId,
    /// What became of it.
    pub state: DeadLetterState,
    /// Position in the log; none on a foreign message, which is not in the log.
    pub seq: Option<u64>,
    /// `<noun>.<verb>` of its type, or `unknown.unknown`.
    pub noun_verb: String,
    /// The subject it came on.
    pub subject: String,
    /// Why it was given up, as a short code.
    pub reason: String,
    /// Why, in words; the beginning of them where they are many.
    pub error: String,
    /// How often it was tried before it was given up.
    pub attempts: u32,
    /// When it was first tried.
    pub first_at: DateTime<Utc>,
    /// When it was given up.
    pub last_at: DateTime<Utc>,
    /// The wallets that its event is about.
    pub wallets: Vec<WalletId>,
    /// The money that its event moved; absent when nobody can tell. A foreign message has none.
    pub stake: Option<Totals>,
    /// Replays that failed.
    pub replays_failed: u64,
}

/// Asks for one dead letter; the answer is nothing when the worker has none of this id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterRequest {
    /// The dead letter.
    pub id: DeadLetterId,
}

/// A dead letter with its data and history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// What a list says about it.
    pub summary: DeadLetterSummary,
    /// The headers that came with it.
    pub headers: Vec<(String, String)>,
    /// The original bytes, base64; the beginning of them where they are many.
    pub data: String,
    /// How many bytes there are.
    pub data_bytes: u64,
    /// What was done to it, oldest first; the latest part of it where it is long.
    pub history: Vec<DeadLetterAction>,
}

/// Something that was done to a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterAction {
    /// When.
    pub at: DateTime<Utc>,
    /// `replayed`, `replay failed` or `discarded`.
    pub action: String,
    /// Who.
    pub by: String,
    /// The role of that token; empty where nobody noted it.
    pub role: String,
    /// Why, in that person's words.
    pub reason: String,
    /// How it failed.
    pub error: Option<String>,
}

/// Asks to replay or to discard a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActOnDeadLetter {
    /// The dead letter.
    pub id: DeadLetterId,
    /// Who asks: the scope of `key`.
    pub caller: String,
    /// The role of that token.
    pub role: String,
    /// The same key gets the same outcome and has no second effect.
    pub key: String,
    /// What the key stands for: another one under the same key is refused.
    pub fingerprint: String,
    /// Why, for the history.
    pub reason: String,
    /// Only say what would happen: nothing is written, and the key stays free.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActedOnDeadLetter {
    /// What happened, or would.
    pub outcome: DeadLetterOutcome,
    /// Whether it had been told before, under the same key.
    pub repeated: bool,
    /// The money that the dead letter's event moved, where that is known.
    pub stake: Option<Totals>,
}

/// What became of an attempt to settle a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum DeadLetterOutcome {
    /// The effect is there, exactly once.
    Replayed,
    /// It stays without effect.
    Discarded,
    /// A replay would go through now.
    WouldReplay,
    /// Discarding it would.
    WouldDiscard,
    /// A replay would fail again.
    WouldFail {
        /// A short code.
        reason: String,
        /// In words.
        error: String,
    },
    /// The handler failed again; it stays parked, with this in its history.
    FailedAgain {
        /// A short code.
        reason: String,
        /// In words.
        error: String,
    },
    /// Somebody settled it before.
    Already {
        /// How.
        state: DeadLetterState,
        /// Who.
        by: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// It is not in the log, so it can have no effect: it can only be discarded.
    Foreign,
    /// There is no such dead letter here.
    NotFound,
    /// The key stands for another request.
    KeyReused,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_read_back_from_their_spelling() {
        for state in DeadLetterState::ALL {
            assert_eq!(DeadLetterState::parse(state.as_str()), Some(*state));
            let json = serde_json::to_string(state).expect("serialises");
            assert_eq!(json, format!("\"{}\"", state.as_str()));
        }
        assert_eq!(DeadLetterState::parse("Parked"), None);
    }

    /// Outcomes are stored: what one version wrote, the next must read.
    #[test]
    fn a_stored_outcome_is_read_for_ever() {
        for json in [
            r#"{"is":"replayed"}"#,
            r#"{"is":"discarded"}"#,
            r#"{"is":"failed_again","reason":"constraint","error":"too much"}"#,
        ] {
            let outcome: DeadLetterOutcome = serde_json::from_str(json).expect(json);
            assert_eq!(serde_json::to_string(&outcome).expect("serialises"), json);
        }
    }
}
