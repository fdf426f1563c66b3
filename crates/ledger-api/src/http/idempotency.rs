//! What makes a write safe to repeat: its key, and the fingerprint of what the key stands for.

use std::convert::Infallible;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use contracts::{
    headers::{TRACEPARENT, trace_id},
    limits::IDEMPOTENCY_KEY_CHARS_MAX,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{
    error::{ApiError, ErrorCode},
    exchange, holds,
};
use crate::domain::{AccountChange, Action, Fingerprint, Movement, Remarks, Viewer, WalletChange};

/// The header.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What the headers of a write say.
#[derive(Debug)]
pub struct WriteHeaders {
    /// The `Idempotency-Key`.
    pub key: String,
    /// The caller's trace, when it is well-formed: it goes on with the event.
    pub traceparent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for WriteHeaders {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
        let value = values.next().ok_or(ErrorCode::IdempotencyKeyRequired)?;
        let key = value.to_str().ok().and_then(parse_key);
        match (key, values.next()) {
            (Some(key), None) => Ok(Self {
                key: key.to_owned(),
                traceparent: traceparent(&parts.headers),
            }),
            _ => Err(ErrorCode::InvalidIdempotencyKey.into()),
        }
    }
}

/// The caller's trace, on a route whose operations bring their keys in the body.
#[derive(Debug)]
pub struct Trace(pub Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Trace {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(traceparent(&parts.headers)))
    }
}

fn traceparent(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(TRACEPARENT)?.to_str().ok()?;
    trace_id(value).map(|_| value.to_owned())
}

/// A key, bare or as a quoted string of RFC 8941: the draft standard asks for quotation marks,
/// payment clients send none, and both mean the same key.
pub fn parse_key(value: &str) -> Option<&str> {
    let bare = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(value);
    let visible = bare.bytes().all(|byte| byte.is_ascii_graphic());
    (visible && (1..=IDEMPOTENCY_KEY_CHARS_MAX).contains(&bare.len())).then_some(bare)
}

/// SHA-256 of method, path, viewer and the parsed command in canonical form: reordered JSON, or
/// `12.5` for `12.50`, is the same request; another value or another route is not. Nor is the
/// same from somebody of the same name who sees other balances: the stored answer shows what
/// its first viewer may see.
pub fn fingerprint(method: &str, path: &str, viewer: &Viewer, action: &Action) -> Fingerprint {
    fingerprint_of(method, path, viewer, &canonical(action))
}

/// What the keys of an atomic batch stand for: each for its operation as a part of exactly this
/// batch. `operations` are the keys with the fingerprints that the operations have alone. So a
/// repetition is a replay only when it is the whole batch again, and none of its operations is
/// done alone by accident.
pub fn linked(operations: &[(&str, Fingerprint)]) -> Vec<Fingerprint> {
    let mut whole = Sha256::new();
    whole.update("linked\n");
    for (key, alone) in operations {
        // The length tells where the key ends.
        whole.update(format!("{} {key}\n", key.len()));
        whole.update(alone);
    }
    let whole = whole.finalize();
    operations
        .iter()
        .map(|(_, alone)| {
            Sha256::new()
                .chain_update(whole)
                .chain_update(alone)
                .finalize()
                .into()
        })
        .collect()
}

/// The same of a request that is no command of the ledger: `canonical` is its parsed value.
pub fn fingerprint_of(method: &str, path: &str, viewer: &Viewer, canonical: &str) -> Fingerprint {
    let mut digest = Sha256::new();
    digest.update(format!("{method} {path}\n"));
    match viewer {
        Viewer::All => digest.update("all\n"),
        // The length tells where the name ends.
        Viewer::Owner(owner) => digest.update(format!("owner {} {owner}\n", owner.len())),
    }
    digest.update(canonical);
    digest.finalize().into()
}

fn canonical(action: &Action) -> String {
    #[derive(Serialize)]
    struct Canonical<'a, T>(&'a str, T);

    let text = match action {
        Action::OpenWallet(open) => {
            let facts = (&open.owner, open.kind, &open.reference, &open.metadata);
            match &open.category {
                None => serde_json::to_string(&Canonical("open", facts)),
                Some(category) => serde_json::to_string(&Canonical("open", (facts, category))),
            }
        }
        Action::Move(movement) => {
            serde_json::to_string(&Canonical("move", movement_form(movement)))
        }
        Action::Hold(hold) => return holds::canonical(hold),
        Action::SetRates(_) | Action::CreateQuote(_) | Action::Exchange(_) => {
            return exchange::canonical(action);
        }
        Action::ChangeWallet(change) => {
            let limit = match change.change {
                WalletChange::CreditLimit(limit) => Some(limit.to_string()),
                _ => None,
            };
            serde_json::to_string(&Canonical(
                change.change.name(),
                (
                    change.wallet,
                    change.change.currency(),
                    limit,
                    &change.reason,
                ),
            ))
        }
        Action::Refund(refund) => {
            let amount = refund.amount.map(|amount| amount.to_string());
            let said = remarks(&refund.remarks);
            serde_json::to_string(&Canonical("refund", (refund.payment, amount, said)))
        }
        Action::Reverse(reversal) => {
            let said = remarks(&reversal.remarks);
            serde_json::to_string(&Canonical("reverse", (reversal.original, said)))
        }
        Action::CreateFeeRule(terms) => serde_json::to_string(&Canonical(action.name(), terms)),
        Action::DeactivateFeeRule(end) => {
            serde_json::to_string(&Canonical(action.name(), (end.rule, &end.reason)))
        }
        Action::ChangeAccount(change) => {
            let level = match &change.change {
                AccountChange::KycLevel {
                    level,
                    document_reference,
                } => Some((level.as_str(), document_reference.as_deref())),
                AccountChange::RiskLevel(level) => Some((level.as_str(), None)),
                _ => None,
            };
            serde_json::to_string(&Canonical(
                change.change.name(),
                (&change.owner, level, &change.reason),
            ))
        }
    };
    text.expect("tuples of texts and numbers always serialise")
}

fn remarks(remarks: &Remarks) -> impl Serialize {
    (
        &remarks.reason,
        remarks.effective_at.map(|at| at.timestamp_micros()),
        &remarks.reference,
        &remarks.metadata,
    )
}

/// A movement's part of a canonical form.
pub fn movement_form(movement: &Movement) -> impl Serialize {
    (
        (movement.kind, movement.wallet, movement.counterparty),
        (movement.amount.to_string(), movement.amount.currency()),
        movement.effective_at.map(|at| at.timestamp_micros()),
        (
            &movement.reference,
            &movement.order_reference,
            &movement.description,
        ),
        &movement.metadata,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;
    use contracts::{Kind, WalletId, event::WalletKind, parse_amount};
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Movement, OpenWallet};

    /// Keys are kept for months and over releases. Whoever changes a fingerprint turns every
    /// repetition of an older request into a reuse of its key.
    #[test]
    fn a_release_changes_no_fingerprint() {
        let wallet = |n| WalletId::from_uuid(Uuid::from_u128(n));
        let metadata = BTreeMap::from([("k".to_owned(), "\"v\"".to_owned())]);
        let open = Action::OpenWallet(OpenWallet {
            owner: "cust-1".to_owned(),
            kind: WalletKind::Merchant,
            reference: Some("r".to_owned()),
            category: None,
            metadata: metadata.clone(),
        });
        let pay = Action::Move(Movement {
            kind: Kind::Payment,
            wallet: wallet(1),
            counterparty: Some(wallet(2)),
            amount: parse_amount("12.5", "EUR".parse().expect("a currency")).expect("an amount"),
            effective_at: DateTime::from_timestamp_micros(1_577_836_800_123_456),
            reference: None,
            order_reference: Some("o".to_owned()),
            merchant_category: Some("food".to_owned()),
            description: Some(String::new()),
            metadata,
        });
        let owner = Viewer::Owner("cust-1".to_owned());
        let of = |path, viewer, action| hex::encode(fingerprint("POST", path, viewer, action));
        assert_eq!(
            [
                of("/v1/wallets", &Viewer::All, &open),
                of("/v1/payments", &Viewer::All, &pay),
                of("/v1/payments", &owner, &pay),
            ],
            [
                "d7291b619a57526c330b70054aafe3a296b99ef965c7286781594dc506e7db55",
                "d4b3943d984932e6f494590eedc2e3290319f715943051bbda8ca43f4353c8e2",
                "98503ef77551a37d08851a64a61b33a1ce5abf99ba2c34ddaaad8346d10f5270",
            ]
        );
    }

    /// As above, for the keys of atomic batches.
    #[test]
    fn an_operation_of_an_atomic_batch_stands_for_that_batch() {
        let [one, two] = [[1; 32], [2; 32]];
        let batch = linked(&[("a", one), ("b", two)]);
        assert_eq!(
            hex::encode(batch[0]),
            "c68c5554101bb93999393e0b9e02c7977496cdce1eb1a737b01317c93f79eff8"
        );
        for other in [
            vec![("b", two), ("a", one)],
            vec![("a", one)],
            vec![("a", one), ("c", two)],
            vec![("a", one), ("b", one)],
            vec![("a", one), ("b", two), ("c", two)],
        ] {
            let other = linked(&other);
            assert!(batch.iter().all(|own| !other.contains(own)));
        }
        assert!(!batch.contains(&one) && !batch.contains(&two));
    }

    #[test]
    fn a_key_is_visible_ascii_with_or_without_quotation_marks() {
        let longest = "k".repeat(255);
        for (value, key) in [
            ("abc", Some("abc")),
            ("\"abc\"", Some("abc")),
            ("replay:order-77!~", Some("replay:order-77!~")),
            ("\"", Some("\"")),
            (longest.as_str(), Some(longest.as_str())),
            ("", None),
            ("\"\"", None),
            ("a b", None),
            ("a\tb", None),
            ("kéy", None),
            (&"k".repeat(256), None),
        ] {
            assert_eq!(parse_key(value), key, "{value:?}");
        }
    }

    #[test]
    fn a_trace_is_passed_on_only_when_it_is_well_formed() {
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(trace_id(good), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        for bad in [
            "",
            "00",
            &good.to_uppercase(),
            &good.replacen("00", "ff", 1),
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            &format!("{good}-more"),
        ] {
            assert_eq!(trace_id(bad), None, "{bad}");
        }
    }
}
