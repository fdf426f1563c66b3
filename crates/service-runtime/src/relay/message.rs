//! An event of the log as a message, and what a stored message says about itself.

use async_nats::{HeaderMap, jetstream::message::PublishMessage};
use chrono::SecondsFormat;
use contracts::{
    chain::{self, Hash},
    event::Envelope,
    headers,
};

use super::leader::LogRow;

/// Why a row cannot be published: it is not what the log's writer wrote.
#[derive(Debug, thiserror::Error)]
pub(super) enum BrokenRow {
    #[error("its data is not an event")]
    Malformed(#[source] serde_json::Error),
    #[error("its columns and its data disagree")]
    Envelope,
    #[error("its hash does not follow from the one before")]
    Hash,
}

/// Checks a row against itself and its predecessor, and gives its event type.
pub(super) fn check(row: &LogRow, before: &Hash) -> Result<String, BrokenRow> {
    let envelope: Envelope = serde_json::from_str(&row.data).map_err(BrokenRow::Malformed)?;
    if envelope.seq != row.seq || envelope.id != row.id {
        return Err(BrokenRow::Envelope);
    }
    if chain::link(before, row.data.as_bytes()) != row.hash {
        return Err(BrokenRow::Hash);
    }
    Ok(envelope.event_type)
}

/// What is the same for all messages of one look.
pub(super) struct Stamp<'a> {
    pub(super) source: &'a str,
    pub(super) stream: &'a str,
    pub(super) epoch: u64,
}

/// What a message must follow in the stream.
pub(super) struct Follows {
    /// The stream's own last sequence.
    pub(super) sequence: u64,
    /// The id of the message before, when that one is in flight too. The sequence alone does
    /// not do: somebody else's message may take the place of the one before, which is then
    /// refused, while this one finds the sequence that it expects.
    pub(super) id: Option<String>,
}

/// The id of a row's message, by which nats-server knows a repetition.
pub(super) fn id(row: &LogRow, epoch: u64) -> String {
    format!("{}.{epoch}", row.id)
}

/// The message of a row.
pub(super) fn of_row(
    row: LogRow,
    event_type: &str,
    stamp: &Stamp<'_>,
    follows: Follows,
) -> PublishMessage {
    let id = row.id.to_string();
    let mut map = HeaderMap::new();
    map.insert(headers::MSG_ID, self::id(&row, stamp.epoch));
    map.insert(headers::EXPECTED_STREAM, stamp.stream);
    map.insert(
        headers::EXPECTED_LAST_SEQUENCE,
        follows.sequence.to_string(),
    );
    map.insert(headers::SEQ, row.seq.to_string());
    map.insert(headers::HASH, hex::encode(row.hash));
    map.insert(headers::EPOCH, stamp.epoch.to_string());
    map.insert(headers::CE_SPECVERSION, "1.0");
    map.insert(headers::CE_ID, id);
    map.insert(headers::CE_TYPE, event_type);
    map.insert(headers::CE_SOURCE, stamp.source);
    map.insert(
        headers::CE_TIME,
        row.posted_at.to_rfc3339_opts(SecondsFormat::AutoSi, true),
    );
    map.insert(headers::CONTENT_TYPE, "application/json");
    // Whatever the writer stored: a header with a line break would be refused for ever.
    if let Some(traceparent) = row
        .traceparent
        .filter(|text| text.bytes().all(|b| b.is_ascii_graphic()))
    {
        map.insert(headers::TRACEPARENT, traceparent);
    }
    let message = PublishMessage::build()
        .headers(map)
        .payload(row.data.into());
    match follows.id {
        Some(id) => message.expected_last_message_id(id),
        None => message,
    }
}

/// What a stored message says about its place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) seq: u64,
    pub(super) hash: Hash,
    pub(super) epoch: u64,
}

/// Reads a stored message's headers; `None` when the relay cannot have written them.
pub(super) fn claim(map: &HeaderMap) -> Option<Claim> {
    let text = |name| map.get(name).map(async_nats::HeaderValue::as_str);
    Some(Claim {
        seq: text(headers::SEQ)?.parse().ok().filter(|seq| *seq > 0)?,
        hash: chain::parse(text(headers::HASH)?)?,
        epoch: text(headers::EPOCH)?.parse().ok()?,
    })
}

/// Whether the data says the same as its headers.
pub(super) fn agrees(claim: &Claim, payload: &[u8]) -> bool {
    serde_json::from_slice::<Envelope>(payload).is_ok_and(|envelope| envelope.seq == claim.seq)
}
