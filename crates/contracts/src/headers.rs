//! Names of the headers on every published message. Header names are case preserving.
//!
//! CloudEvents 1.0, binary mode: the `ce-*` headers repeat what the data says. No name may end
//! in `Nats-Msg-Id` but that header itself: nats-server before 2.11.11 looks for the suffix.

/// Position in the log, a decimal number.
pub const SEQ: &str = "Florin-Seq";
/// The event's link of the hash chain, 64 hexadecimal digits; see [`crate::chain`].
pub const HASH: &str = "Florin-Hash";
/// How often the stream was filled anew, a decimal number.
pub const EPOCH: &str = "Florin-Epoch";
/// The event id and the epoch: `evt_….1`.
pub const MSG_ID: &str = "Nats-Msg-Id";
/// The stream's own last sequence that the publisher expects.
pub const EXPECTED_LAST_SEQUENCE: &str = "Nats-Expected-Last-Sequence";
/// The stream that the publisher expects to write to.
pub const EXPECTED_STREAM: &str = "Nats-Expected-Stream";
/// Always `1.0`.
pub const CE_SPECVERSION: &str = "ce-specversion";
/// The event id.
pub const CE_ID: &str = "ce-id";
/// The event type, such as `florin.ledger.transfer.posted.v1`.
pub const CE_TYPE: &str = "ce-type";
/// Who published: `/florin/ledger`, `/florin/fraud`, `/florin/settlement`.
pub const CE_SOURCE: &str = "ce-source";
/// The event's `posted_at`.
pub const CE_TIME: &str = "ce-time";
/// Always `application/json`.
pub const CONTENT_TYPE: &str = "Content-Type";
/// W3C trace context of the request that caused the event.
pub const TRACEPARENT: &str = "traceparent";
/// On dead letters: the worker's reason, a short code.
pub const DLQ_REASON: &str = "Florin-Dlq-Reason";
/// On dead letters: the error in words.
pub const DLQ_ERROR: &str = "Florin-Dlq-Error";
/// On dead letters: the subject the event came on.
pub const DLQ_SUBJECT: &str = "Florin-Dlq-Subject";
/// On dead letters: how often it was tried.
pub const DLQ_ATTEMPTS: &str = "Florin-Dlq-Attempts";
/// On dead letters: when it was first seen, RFC 3339.
pub const DLQ_FIRST_AT: &str = "Florin-Dlq-First-At";
/// On dead letters: when it was given up, RFC 3339.
pub const DLQ_LAST_AT: &str = "Florin-Dlq-Last-At";

/// The trace that a `traceparent` belongs to, when it is a W3C trace context of version 00:
/// `00-<32 hex>-<16 hex>-<2 hex>`, ids not all zero.
pub fn trace_id(traceparent: &str) -> Option<&str> {
    let parts: Vec<&str> = traceparent.split('-').collect();
    let [version, trace, span, flags] = parts[..] else {
        return None;
    };
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let some = |part: &str| part.bytes().any(|byte| byte != b'0');
    let ids = hex(trace, 32) && some(trace) && hex(span, 16) && some(span);
    (version == "00" && ids && hex(flags, 2)).then_some(trace)
}
