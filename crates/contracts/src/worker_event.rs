//! Data of the workers' own events: one struct for one type, told by the envelope.

use serde::{Serialize, de::DeserializeOwned};

use crate::{DecodeError, EventType, event::Envelope};

/// Reads the data of an event that must be of this type.
pub(crate) fn decode<T: DeserializeOwned>(
    data: &[u8],
    event_type: EventType,
) -> Result<T, DecodeError> {
    let envelope: Envelope = serde_json::from_slice(data).map_err(DecodeError::Malformed)?;
    if envelope.event_type != event_type.as_str() {
        return Err(DecodeError::UnknownType);
    }
    serde_json::from_slice(data).map_err(DecodeError::Malformed)
}

/// The data as it is stored, hashed and sent.
pub(crate) fn encode(event: &impl Serialize) -> String {
    serde_json::to_string(event).expect("events have string keys only, so they serialise")
}
