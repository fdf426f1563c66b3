//! Every event type with its subject: the one table from which streams, filters, JSON Schemas
//! and `docs/events.md` come.

use std::{borrow::Cow, fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::{WalletId, limits::SUBJECT_SHARDS};

/// A text that names no event type of the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown event type")]
pub struct UnknownEventType;

macro_rules! events {
    ($($name:ident => $source:literal $noun:literal $verb:literal, $meaning:literal;)*) => {
        /// What happened. The type string is `florin.<source>.<noun>.<verb>.v1`, the subject
        /// `<source>.v1.<noun>.<verb>` and, for the ledger, a shard.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $(#[doc = $meaning] $name,)*
        }

        impl EventType {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The CloudEvents type.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => concat!("florin.", $source, ".", $noun, ".", $verb, ".v1"),)*
                }
            }

            /// The subject without its shard.
            pub const fn subject_stem(self) -> &'static str {
                match self {
                    $(Self::$name => concat!($source, ".v1.", $noun, ".", $verb),)*
                }
            }

            /// Whose event it is: `ledger`, or the worker's name.
            pub const fn source(self) -> &'static str {
                match self { $(Self::$name => $source,)* }
            }

            /// `<noun>.<verb>`, the tail of a dead letter's subject.
            pub const fn noun_verb(self) -> &'static str {
                match self { $(Self::$name => concat!($noun, ".", $verb),)* }
            }

            /// One sentence for the catalogue.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$name => $meaning,)* }
            }
        }
    };
}

events! {
    WalletCreated => "ledger" "wallet" "created", "A wallet was opened.";
    WalletFrozen => "ledger" "wallet" "frozen", "A wallet, or one currency of it, was frozen: no debits.";
    WalletUnfrozen => "ledger" "wallet" "unfrozen", "A wallet, or one currency of it, was unfrozen.";
    WalletBlocked => "ledger" "wallet" "blocked", "A wallet was blocked: nothing moves.";
    WalletUnblocked => "ledger" "wallet" "unblocked", "A wallet was unblocked.";
    WalletClosed => "ledger" "wallet" "closed", "A wallet was closed for good, empty.";
    CreditLimitSet => "ledger" "credit_limit" "set", "How far below zero a wallet may go in a currency was set.";
    AccountSuspended => "ledger" "account" "suspended", "An account was suspended: nothing moves in any wallet of its owner.";
    AccountResumed => "ledger" "account" "resumed", "A suspended account is active again.";
    AccountClosed => "ledger" "account" "closed", "An account was closed for good, and its wallets with it, empty.";
    AccountFrozen => "ledger" "account" "frozen", "An account was frozen: no debits of any wallet of its owner.";
    AccountUnfrozen => "ledger" "account" "unfrozen", "An account was unfrozen.";
    KycLevelSet => "ledger" "account" "kyc_level_set", "How well an account's owner is known was set; limits follow from it.";
    RiskLevelSet => "ledger" "account" "risk_level_set", "The risk that an account is was set; limits follow from it.";
    DepositPosted => "ledger" "deposit" "posted", "Money came in from a funding account.";
    WithdrawalPosted => "ledger" "withdrawal" "posted", "Money left to a funding account.";
    TransferPosted => "ledger" "transfer" "posted", "Money moved between two wallets.";
    PaymentPosted => "ledger" "payment" "posted", "A customer paid a merchant.";
    RefundPosted => "ledger" "refund" "posted", "A merchant paid back a payment, or part of it.";
    ReversalPosted => "ledger" "reversal" "posted", "An earlier transaction was undone.";
    ExchangePosted => "ledger" "exchange" "posted", "Money of one currency became money of another.";
    AdjustmentPosted => "ledger" "adjustment" "posted", "Staff corrected a balance.";
    DepositRejected => "ledger" "deposit" "rejected", "A deposit was decided against.";
    WithdrawalRejected => "ledger" "withdrawal" "rejected", "A withdrawal was decided against.";
    TransferRejected => "ledger" "transfer" "rejected", "A transfer was decided against.";
    PaymentRejected => "ledger" "payment" "rejected", "A payment was decided against.";
    RefundRejected => "ledger" "refund" "rejected", "A refund was decided against.";
    ReversalRejected => "ledger" "reversal" "rejected", "A reversal was decided against.";
    ExchangeRejected => "ledger" "exchange" "rejected", "An exchange was decided against.";
    AdjustmentRejected => "ledger" "adjustment" "rejected", "An adjustment was decided against.";
    FeeRuleCreated => "ledger" "fee_rule" "created", "From here on the house takes a fee.";
    FeeRuleDeactivated => "ledger" "fee_rule" "deactivated", "From here on the house no longer takes this fee.";
    HoldPlaced => "ledger" "hold" "placed", "Money of a wallet was set aside.";
    HoldVoided => "ledger" "hold" "voided", "Money that was set aside was released by somebody.";
    HoldExpired => "ledger" "hold" "expired", "Money that was set aside was released because the hold ran out.";
    RatesSet => "ledger" "rates" "set", "Exchange rates were set.";
    QuoteCreated => "ledger" "quote" "created", "A price for an exchange was given, for a while.";
    CommandRejected => "ledger" "command" "rejected", "A command that moves no money was decided against.";
    AlertRaised => "fraud" "alert" "raised", "A fraud rule found a movement that somebody should look at.";
    BatchClosed => "settlement" "batch" "closed", "The payments to a merchant in a currency up to a cut were put into a batch.";
}

impl EventType {
    /// The subject that the ledger's event of this type about `wallet` is published on, shard
    /// `00` when it is about none. Events
    /// of workers have no shard: theirs is [`EventType::subject_stem`].
    pub fn subject(self, wallet: Option<WalletId>) -> String {
        format!("{}.{:02}", self.subject_stem(), wallet.map_or(0, shard))
    }
}

/// The shard of a wallet: the first byte of SHA-256 of the id's text form, mod 16. Shards only
/// spread load: order is by `seq`, or by `version` per balance.
pub fn shard(wallet: WalletId) -> u8 {
    Sha256::digest(wallet.to_string().as_bytes())[0] % SUBJECT_SHARDS
}

/// Request/reply subjects: `rpc.<service>.<verb>`.
pub mod rpc {
    /// Pages of the ledger's log, and its head.
    pub const LEDGER_EVENTS: &str = "rpc.ledger.events";
    /// Statistics of one wallet.
    pub const ANALYTICS_STATS: &str = "rpc.analytics.stats";
    /// Alerts of one wallet or of all, newest first.
    pub const FRAUD_ALERTS: &str = "rpc.fraud.alerts";
    /// One alert.
    pub const FRAUD_ALERT: &str = "rpc.fraud.alert";
    /// The sums over balances and postings as of a position in the log.
    pub const LEDGER_TIE_OUT: &str = "rpc.ledger.tie_out";
    /// The payments that merchants received up to a position in the log, a page of merchants.
    pub const LEDGER_PAYMENTS: &str = "rpc.ledger.payments";
    /// Cuts the log, so that payments are settled up to there.
    pub const SETTLEMENT_CUT: &str = "rpc.settlement.cut";
    /// Settlement batches, newest first.
    pub const SETTLEMENT_BATCHES: &str = "rpc.settlement.batches";
    /// One settlement batch with a page of its items.
    pub const SETTLEMENT_BATCH: &str = "rpc.settlement.batch";
    /// What tie-outs found, newest first.
    pub const SETTLEMENT_BREAKS: &str = "rpc.settlement.breaks";
    /// A worker's dead letters, oldest first, and the money at stake.
    pub const DEAD_LETTERS: &str = "rpc.<worker>.dead_letters";
    /// One dead letter with its data and history.
    pub const DEAD_LETTER: &str = "rpc.<worker>.dead_letter";
    /// Applies the event of a dead letter after all, once.
    pub const REPLAY_DEAD_LETTER: &str = "rpc.<worker>.replay_dead_letter";
    /// Decides that a dead letter stays without effect.
    pub const DISCARD_DEAD_LETTER: &str = "rpc.<worker>.discard_dead_letter";

    /// A subject that every worker answers on, as that of one of them.
    pub fn of(subject: &str, worker: crate::topology::Worker) -> String {
        subject.replace("<worker>", worker.as_str())
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for EventType {
    type Err = UnknownEventType;

    fn from_str(text: &str) -> Result<Self, UnknownEventType> {
        Self::ALL
            .iter()
            .copied()
            .find(|known| known.as_str() == text)
            .ok_or(UnknownEventType)
    }
}

impl Serialize for EventType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for EventType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl schemars::JsonSchema for EventType {
    fn schema_name() -> Cow<'static, str> {
        "EventType".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let all: Vec<&str> = Self::ALL.iter().map(|known| known.as_str()).collect();
        schemars::json_schema!({ "type": "string", "enum": all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_subjects_are_in_step_and_unique() {
        let mut stems: Vec<_> = EventType::ALL
            .iter()
            .map(|known| known.subject_stem())
            .collect();
        stems.sort_unstable();
        stems.dedup();
        assert_eq!(stems.len(), EventType::ALL.len());
        for known in EventType::ALL {
            assert_eq!(known.as_str().parse(), Ok(*known));
            assert!(known.subject_stem().ends_with(known.noun_verb()));
        }
    }

    #[test]
    fn a_shard_is_two_digits_below_sixteen_and_stays_the_same_for_ever() {
        let wallet: WalletId = "wal_0190aaaaaaaa7bbbbbbbcccccccccccc"
            .parse()
            .expect("an id");
        // printf wal_0190aaaaaaaa7bbbbbbbcccccccccccc | sha256sum
        let first = Sha256::digest(b"wal_0190aaaaaaaa7bbbbbbbcccccccccccc")[0];
        assert_eq!(
            EventType::TransferPosted.subject(Some(wallet)),
            format!("ledger.v1.transfer.posted.{:02}", first % 16)
        );
    }
}
