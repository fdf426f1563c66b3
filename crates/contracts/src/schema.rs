//! JSON Schemas of the events, generated from the types. The committed copies in `schemas/`
//! are what other teams read; a test fails when they drift.

use schemars::{Schema, SchemaGenerator, generate::SchemaSettings};

use crate::{
    EventType,
    event::{Posted, Rejected, WalletCreated},
    fraud::AlertRaised,
    settlement::BatchClosed,
};

/// The JSON Schema (draft 2020-12) of an event type's data.
pub fn of(event_type: EventType) -> Schema {
    let generator = SchemaSettings::draft2020_12().into_generator();
    let mut schema = match event_type {
        EventType::WalletCreated => root::<WalletCreated>(generator),
        EventType::DepositPosted
        | EventType::WithdrawalPosted
        | EventType::TransferPosted
        | EventType::PaymentPosted => root::<Posted>(generator),
        EventType::DepositRejected
        | EventType::WithdrawalRejected
        | EventType::TransferRejected
        | EventType::PaymentRejected => root::<Rejected>(generator),
        EventType::AlertRaised => root::<AlertRaised>(generator),
        EventType::BatchClosed => root::<BatchClosed>(generator),
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

fn root<T: schemars::JsonSchema>(generator: SchemaGenerator) -> Schema {
    generator.into_root_schema_for::<T>()
}
