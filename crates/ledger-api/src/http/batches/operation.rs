//! One operation of a batch, as it comes.

use std::fmt;

use contracts::limits::BATCH_OPERATIONS_MAX;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::{
    super::{
        api::Api,
        body,
        error::{ApiError, ErrorCode},
        idempotency::parse_key,
    },
    kinds::{Asked, KINDS},
};
use crate::auth::{self, Principal};

/// One operation: the fields of the single route of its type, with what that route has in its path
/// beside them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the shape for the document; parsing is by type")]
pub struct BatchOperation {
    /// The operation's own idempotency key: 1 to 255 visible ASCII characters, once per batch.
    #[schema(min_length = 1, max_length = 255, example = "payout-2026-11-21-0001")]
    key: String,
    /// `deposit`, `withdraw`, `transfer`, `payment`, `refund`, `reversal`, `adjustment`, `hold`,
    /// `capture`, `void` or `exchange`.
    #[schema(example = "transfer")]
    r#type: String,
    /// The wallet that the single route has in its path, or in its body; `wal_…`.
    wallet: Option<String>,
    /// The receiver of a transfer, or whom a hold is in favour of.
    to_wallet: Option<String>,
    /// The receiver of a payment, or the merchant whom a hold is in favour of.
    merchant: Option<String>,
    /// The merchant's order, on payments and holds.
    order_reference: Option<String>,
    /// What a refund pays back, `txn_…`.
    payment: Option<String>,
    /// What a reversal undoes, `txn_…`.
    transaction: Option<String>,
    /// What is captured or voided, `hld_…`.
    hold: Option<String>,
    /// The price of an exchange, `qte_…`.
    quote: Option<String>,
    /// `digits[.digits]`, above zero, no finer than the currency; of an adjustment with `-` to take
    /// away. All that is left when a refund or a capture has none.
    #[schema(pattern = r"^-?\d+(\.\d+)?$", example = "12.50")]
    amount: Option<String>,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: Option<String>,
    /// Release what a capture leaves.
    r#final: Option<bool>,
    /// When a hold runs out.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Why, of refunds, reversals, adjustments and voids.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
    /// A line for people.
    description: Option<String>,
    /// Yours.
    reference: Option<String>,
    /// When it counts, not in the future; needs the permission `money:backdate`.
    #[schema(format = DateTime)]
    effective_at: Option<String>,
    /// Yours; at most 20 entries.
    metadata: Option<std::collections::BTreeMap<String, String>>,
}

/// An operation that was read.
pub struct Operation {
    pub key: String,
    pub asked: Asked,
}

impl Operation {
    /// Reads one operation. Who may not use the single route may not do this.
    pub fn read(raw: &RawValue, principal: &Principal, api: &Api) -> Result<Self, ApiError> {
        let mut parts: Parts = read(raw.get())?;
        let name = parts.text("type")?;
        let kind = KINDS
            .iter()
            .find(|kind| kind.name == name)
            .ok_or_else(|| invalid("type").detail("there is no such type of operation"))?;
        let rule = auth::rule("POST", kind.route).ok_or(ErrorCode::Forbidden)?;
        if !principal.may(rule.permission) {
            return Err(ApiError::forbidden(rule.permission));
        }
        let key = parts.text("key")?;
        let key = parse_key(&key)
            .ok_or_else(|| ApiError::from(ErrorCode::InvalidIdempotencyKey).field("key"))?
            .to_owned();
        let asked = (kind.read)(parts, principal, api)?;
        Ok(Self { key, asked })
    }
}

/// The operations of a body as they came: one that cannot be read is told by its index.
#[derive(Debug)]
pub struct RawOperations(pub Vec<Box<RawValue>>);

impl<'de> Deserialize<'de> for RawOperations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(OperationsVisitor)
    }
}

struct OperationsVisitor;

impl<'de> Visitor<'de> for OperationsVisitor {
    type Value = RawOperations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of operations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RawOperations, A::Error> {
        let mut operations = Vec::new();
        // One more than a batch may have tells that there are too many; the others, which may be
        // half a million, are not kept.
        while operations.len() <= BATCH_OPERATIONS_MAX {
            match list.next_element()? {
                Some(operation) => operations.push(operation),
                None => return Ok(RawOperations(operations)),
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(RawOperations(operations))
    }
}

/// The fields of one operation, as they came.
pub struct Parts(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Parts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartsVisitor)
    }
}

struct PartsVisitor;

impl<'de> Visitor<'de> for PartsVisitor {
    type Value = Parts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an operation")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Parts(fields))
    }
}

impl Parts {
    /// Takes out a field that must be there once, as a text.
    pub fn text(&mut self, name: &'static str) -> Result<String, ApiError> {
        let (mut named, rest): (Vec<_>, Vec<_>) =
            self.0.drain(..).partition(|(field, _)| field == name);
        self.0 = rest;
        let value = named.pop().filter(|_| named.is_empty());
        value
            .and_then(|(_, value)| serde_json::from_str(value.get()).ok())
            .ok_or_else(|| invalid(name))
    }

    /// Reads what is left as the body of a single route: with its rules, and its words.
    pub fn read<T: DeserializeOwned>(self) -> Result<T, ApiError> {
        let fields: Vec<String> = self
            .0
            .iter()
            .map(|(name, value)| {
                let name = serde_json::to_string(name).expect("a text serialises");
                format!("{name}:{}", value.get())
            })
            .collect();
        read(&format!("{{{}}}", fields.join(",")))
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, ApiError> {
    body::parse(text.as_bytes())
}

fn invalid(field: &'static str) -> ApiError {
    ApiError::from(ErrorCode::InvalidField).field(field)
}

#[cfg(test)]
mod tests {
    use super::{super::super::wallets::MoveMoney, *};

    #[test]
    fn every_operation_has_a_route_that_takes_it_alone() {
        for kind in KINDS {
            assert!(auth::rule("POST", kind.route).is_some(), "{}", kind.name);
        }
    }

    #[test]
    fn a_field_that_comes_twice_is_never_taken() {
        let parts = |text| read::<Parts>(text).expect("an object");
        assert!(parts(r#"{"key": "a", "key": "b"}"#).text("key").is_err());
        assert!(parts(r#"{"key": 1}"#).text("key").is_err());
        assert!(parts(r#"{"Key": "a"}"#).text("key").is_err());
        let twice = r#"{"amount": "1", "amount": "2", "currency": "EUR"}"#;
        assert!(parts(twice).read::<MoveMoney>().is_err());
        let mut good = parts(r#"{"key": "a", "amount": "1", "currency": "EUR"}"#);
        assert_eq!(good.text("key").ok().as_deref(), Some("a"));
        assert!(good.read::<MoveMoney>().is_ok());
    }

    #[test]
    fn of_too_many_operations_no_more_are_kept_than_tell_so() {
        let many = format!("[{}1]", "1,".repeat(100_000));
        let operations: RawOperations = serde_json::from_str(&many).expect("a list");
        assert_eq!(operations.0.len(), BATCH_OPERATIONS_MAX + 1);
    }
}
