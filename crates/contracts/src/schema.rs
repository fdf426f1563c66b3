//! JSON Schemas of the events, generated from the types. The committed copies in `schemas/`
//! are what other teams read; a test fails when they drift.

use schemars::{Schema, generate::SchemaSettings};

use crate::{EventType, fraud::AlertRaised, settlement::BatchClosed};

/// The JSON Schema (draft 2020-12) of an event type's data.
pub fn of(event_type: EventType) -> Schema {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = match event_type {
        EventType::AlertRaised => generator.into_root_schema_for::<AlertRaised>(),
        EventType::BatchClosed => generator.into_root_schema_for::<BatchClosed>(),
        ledger => ledger
            .ledger_schema(generator)
            .expect("every other event is the ledger's"),
    };
    schema.insert("title".to_owned(), event_type.as_str().into());
    schema.insert("description".to_owned(), event_type.meaning().into());
    if let Some(properties) = schema
        .get_mut("properties")
        .and_then(|value| value.as_object_mut())
    {
        properties.insert(
            "type".to_owned(),
            serde_json::json!({ "const": event_type.as_str() }),
        );
    }
    schema
}
