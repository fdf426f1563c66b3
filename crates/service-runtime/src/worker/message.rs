//! What a message says about itself, before anybody believes it. Pure.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use contracts::{
    EventId, EventType,
    chain::{self, Hash},
    headers,
    rpc::LoggedEvent,
};
use serde::Deserialize;

use crate::telemetry::Trail;

/// Headers that are kept with an event. A list of names that are allowed, because a foreign
/// message may carry any, and one that ends in `Nats-Msg-Id` would be taken for it.
const KEPT: &[&str] = &[
    headers::CE_SPECVERSION,
    headers::CE_ID,
    headers::CE_TYPE,
    headers::CE_SOURCE,
    headers::CE_TIME,
    headers::CONTENT_TYPE,
    headers::TRACEPARENT,
    headers::SEQ,
    headers::HASH,
    headers::EPOCH,
];

/// The bytes of an event with what came with them.
#[derive(Debug, Clone)]
pub(crate) struct Raw {
    /// Without the prefix.
    pub(crate) subject: String,
    pub(crate) data: Bytes,
    /// Only those of [`KEPT`].
    pub(crate) headers: Vec<(String, String)>,
}

impl Raw {
    /// A header that was kept.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.0 == name)
            .map(|header| header.1.as_str())
    }

    /// What the lines that are logged about it say that it belongs to.
    pub(crate) fn trail(&self) -> Trail {
        Trail {
            request_id: None,
            trace_id: self
                .header(headers::TRACEPARENT)
                .and_then(headers::trace_id)
                .map(str::to_owned),
        }
    }

    /// The tail of a dead letter's subject: nothing of a message that may be foreign goes into
    /// a subject but a name that the contracts know.
    pub(crate) fn noun_verb(&self) -> &'static str {
        let in_data = serde_json::from_slice::<Typed>(&self.data).ok();
        let known = in_data.and_then(|typed| typed.event_type.parse::<EventType>().ok());
        known.map_or("unknown.unknown", EventType::noun_verb)
    }
}

/// An event that is in the log: its bytes are proven.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) seq: u64,
    /// Its link of the chain; unknown for events that come from the retry table.
    pub(crate) hash: Option<Hash>,
    pub(crate) posted_at: Option<DateTime<Utc>>,
    pub(crate) raw: Raw,
}

impl Item {
    /// An event read from the log. Its hash is taken as the log gives it.
    pub(crate) fn from_log(event: LoggedEvent) -> Self {
        let own = [
            (headers::CE_ID, event.id.to_string()),
            (headers::SEQ, event.seq.to_string()),
            (headers::HASH, event.hash.clone()),
            (headers::CONTENT_TYPE, "application/json".to_owned()),
        ];
        let own = own.into_iter().chain(
            event
                .traceparent
                .map(|traceparent| (headers::TRACEPARENT, traceparent)),
        );
        Self {
            seq: event.seq,
            hash: chain::parse(&event.hash),
            posted_at: Some(event.posted_at),
            raw: Raw {
                subject: event.subject,
                data: Bytes::from(event.data),
                headers: own.map(|(name, value)| (name.to_owned(), value)).collect(),
            },
        }
    }
}

/// The part of an event's data that every source has.
#[derive(Deserialize)]
struct Shape {
    id: EventId,
    #[serde(rename = "type")]
    event_type: String,
    seq: u64,
    posted_at: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Typed {
    #[serde(rename = "type")]
    event_type: String,
}

/// A message that may be the relay's: the hash chain or the log has the last word.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) seq: u64,
    pub(crate) hash: Hash,
    pub(crate) posted_at: Option<DateTime<Utc>>,
}

/// Reads what the message claims, or says why no relay can have published it.
pub(crate) fn claim(raw: &Raw) -> Result<Claim, &'static str> {
    let seq = raw.header(headers::SEQ).ok_or("no Florin-Seq")?;
    let digits = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
    let seq: u64 = seq
        .parse()
        .ok()
        .filter(|_| digits)
        .ok_or("Florin-Seq is not a number")?;
    if seq == 0 || i64::try_from(seq).is_err() {
        return Err("Florin-Seq is out of range");
    }
    let hash = raw
        .header(headers::HASH)
        .and_then(chain::parse)
        .ok_or("no valid Florin-Hash")?;
    // Data that is no envelope may still be in the log, written by a version of the future:
    // the hash decides between a foreign message and an event that we cannot read.
    let Ok(shape) = serde_json::from_slice::<Shape>(&raw.data) else {
        return Ok(Claim {
            seq,
            hash,
            posted_at: None,
        });
    };
    if shape.seq != seq {
        return Err("the data's seq is not that of the header");
    }
    if raw.header(headers::CE_ID) != Some(shape.id.to_string().as_str()) {
        return Err("the data's id is not that of the header");
    }
    if raw.header(headers::CE_TYPE) != Some(shape.event_type.as_str()) {
        return Err("the data's type is not that of the header");
    }
    Ok(Claim {
        seq,
        hash,
        posted_at: shape.posted_at,
    })
}

/// When the source's owner wrote an event, if its data says so.
pub(crate) fn posted_at(data: &[u8]) -> Option<DateTime<Utc>> {
    serde_json::from_slice::<Shape>(data).ok()?.posted_at
}

/// The text as Postgres can store it: neither `text` nor `jsonb` takes a NUL, and whoever may
/// send us one must not be able to stop a worker with it.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// The headers to keep of a message.
pub(crate) fn kept(headers: Option<&async_nats::HeaderMap>) -> Vec<(String, String)> {
    let Some(headers) = headers else {
        return Vec::new();
    };
    KEPT.iter()
        .filter_map(|name| {
            let value = headers.get(*name)?;
            Some(((*name).to_owned(), storable(value.as_str())))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATA: &str = r#"{"id":"evt_0190c9a28c047d1f8a6b3c4d5e6f7090","type":"florin.ledger.transfer.posted.v1","seq":4,"posted_at":"2026-11-20T21:00:00Z"}"#;

    fn raw(changes: &[(&str, Option<&str>)], data: &str) -> Raw {
        let hash = "0".repeat(64);
        let mut all = vec![
            (headers::SEQ, "4"),
            (headers::HASH, hash.as_str()),
            (headers::CE_ID, "evt_0190c9a28c047d1f8a6b3c4d5e6f7090"),
            (headers::CE_TYPE, "florin.ledger.transfer.posted.v1"),
        ];
        for (name, value) in changes {
            all.retain(|header| header.0 != *name);
            all.extend(value.map(|value| (*name, value)));
        }
        Raw {
            subject: "ledger.v1.transfer.posted.00".to_owned(),
            data: Bytes::copy_from_slice(data.as_bytes()),
            headers: all
                .into_iter()
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
        }
    }

    #[test]
    fn a_message_of_the_relay_makes_its_claim() {
        let claim = claim(&raw(&[], DATA)).expect("plausible");
        assert_eq!((claim.seq, claim.posted_at.is_some()), (4, true));
    }

    #[test]
    fn the_trace_of_an_event_is_the_same_by_the_stream_and_by_the_log() {
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let logged = |traceparent: Option<&str>| {
            let traceparent = traceparent.map(|text| format!(r#","traceparent":"{text}""#));
            let text = format!(
                r#"{{"seq":4,"id":"evt_0190c9a28c047d1f8a6b3c4d5e6f7090","subject":"s","hash":"",
                    "posted_at":"2026-11-20T21:00:00Z","data":"{{}}"{}}}"#,
                traceparent.unwrap_or_default()
            );
            Item::from_log(serde_json::from_str(&text).expect("a row of the log")).raw
        };
        let streamed = raw(&[(headers::TRACEPARENT, Some(traceparent))], DATA);
        assert_eq!(
            streamed.trail().trace_id.as_deref(),
            Some("4bf92f3577b34da6a3ce929d0e0e4736")
        );
        assert_eq!(logged(Some(traceparent)).trail(), streamed.trail());
        assert_eq!(logged(Some("nonsense")).trail(), Trail::default());
        // As a ledger of before answers.
        assert_eq!(logged(None).trail(), Trail::default());
    }

    #[test]
    fn data_without_an_envelope_is_left_to_the_hash() {
        for data in ["", "{", "null", r#"{"seq":4}"#, "\u{0}"] {
            assert_eq!(
                claim(&raw(&[], data)).map(|claim| claim.seq).ok(),
                Some(4),
                "{data}"
            );
        }
    }

    #[test]
    fn what_no_relay_writes_is_foreign() {
        for (name, value) in [
            (headers::SEQ, None),
            (headers::SEQ, Some("")),
            (headers::SEQ, Some("+4")),
            (headers::SEQ, Some("0")),
            (headers::SEQ, Some("5")),
            (headers::SEQ, Some("9223372036854775808")),
            (headers::HASH, None),
            (headers::HASH, Some("00")),
            (headers::CE_ID, None),
            (headers::CE_ID, Some("evt_0190c9a28c047d1f8a6b3c4d5e6f7091")),
            (headers::CE_TYPE, Some("florin.ledger.deposit.posted.v1")),
        ] {
            assert!(
                claim(&raw(&[(name, value)], DATA)).is_err(),
                "{name}: {value:?}"
            );
        }
    }

    #[test]
    fn only_types_of_the_contracts_reach_a_subject() {
        assert_eq!(raw(&[], DATA).noun_verb(), "transfer.posted");
        assert_eq!(
            raw(&[], r#"{"type":"a.b.>"}"#).noun_verb(),
            "unknown.unknown"
        );
        assert_eq!(raw(&[], "not json").noun_verb(), "unknown.unknown");
    }
}
