//! Commands other than transactions that were decided against.

use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::RejectionCode;
use crate::{EventId, EventType, WalletId};

/// A command that moves no money and was decided against: nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandRejected {
    /// The event id.
    pub id: EventId,
    /// The event type.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Position in the log.
    pub seq: u64,
    /// What was asked for, such as `wallet.close`.
    pub action: String,
    /// Why not.
    pub code: RejectionCode,
    /// The wallet the command was about, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wallet: Option<WalletId>,
    /// The hold, quote, account or rule that it was about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// When the ledger decided.
    pub posted_at: DateTime<Utc>,
}
