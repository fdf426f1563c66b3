//! Typed ids: a prefix that makes a log line readable, and a UUIDv7 in 32 hexadecimal digits.
//!
//! The UUID sorts by the time it was minted. Nothing here knows the clock or draws random
//! numbers: both are arguments of `mint`.

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A text that is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id of the form {prefix}_ and 32 lower-case hexadecimal digits")]
pub struct InvalidId {
    /// The prefix that the wanted kind of id has.
    pub prefix: &'static str,
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// What the text form starts with, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Wraps a UUID that is known to be of this kind, such as a column's value.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, as the database stores it.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }

            /// A new UUIDv7 of the millisecond of `now`.
            pub fn mint(now: DateTime<Utc>, entropy: [u8; 10]) -> Self {
                Self(uuid_v7(now, entropy))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "_{}"), self.0.as_simple())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "pattern": concat!("^", $prefix, "_[0-9a-f]{32}$"),
                })
            }
        }
    )*};
}

ids! {
    /// A fraud alert.
    AlertId = "alt";
    /// A row of the audit trail.
    AuditId = "aud";
    /// A difference that a tie-out found.
    BreakId = "brk";
    /// A position in the log up to which payments are settled.
    CutId = "cut";
    /// A message that a worker gave up.
    DeadLetterId = "dlt";
    /// An event of a log; also the CloudEvents id and, with an epoch, the `Nats-Msg-Id`.
    EventId = "evt";
    /// A rule about what the house takes for transactions.
    FeeRuleId = "fee";
    /// A reservation against a wallet's available balance.
    HoldId = "hld";
    /// Money on its way to a merchant's bank.
    PayoutId = "pay";
    /// A price for an exchange, for a while.
    QuoteId = "qte";
    /// A settlement batch.
    SettlementId = "stl";
    /// One balanced movement of money.
    TransactionId = "txn";
    /// A customer's, merchant's or system wallet.
    WalletId = "wal";
}

/// A UUIDv7 of the millisecond of `now`, for rows that are nobody's public id.
pub fn uuid_v7(now: DateTime<Utc>, entropy: [u8; 10]) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &entropy).into_uuid()
}

fn parse(text: &str, prefix: &'static str) -> Result<Uuid, InvalidId> {
    let invalid = InvalidId { prefix };
    let digits = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or_else(|| invalid.clone())?;
    // One spelling for one id: `Uuid::try_parse` alone would take hyphens and capitals too.
    let canonical = digits.len() == 32
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if !canonical {
        return Err(invalid);
    }
    Uuid::try_parse(digits).map_err(|_| invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).expect("in range")
    }

    #[test]
    fn an_id_survives_its_text_form() {
        let id = WalletId::mint(at(1_700_000_000_000), [7; 10]);
        assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).expect("serialises");
        assert_eq!(serde_json::from_str::<WalletId>(&json).expect("parses"), id);
    }

    #[test]
    fn ids_sort_by_the_time_they_were_minted() {
        let early = EventId::mint(at(1_700_000_000_000), [255; 10]);
        let late = EventId::mint(at(1_700_000_000_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn an_id_has_one_spelling_and_one_kind() {
        let id = WalletId::mint(at(1_700_000_000_000), [171; 10]).to_string();
        let hyphenated = format!(
            "wal_{}",
            id[4..].parse::<Uuid>().expect("a uuid").hyphenated()
        );
        for wrong in [
            id.to_uppercase(),
            id.replace("wal_", "txn_"),
            id[4..].to_owned(),
            format!("{id}0"),
            hyphenated,
            String::new(),
            "wal_".to_owned(),
        ] {
            assert!(wrong.parse::<WalletId>().is_err(), "{wrong} was accepted");
        }
    }
}
