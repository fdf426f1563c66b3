//! Every message ever published still decodes, says the same, and fits its schema.

use std::{collections::BTreeSet, fs, path::PathBuf};

use contracts::{
    DecodeError, EventType, LedgerEvent, fraud::AlertRaised, schema, settlement::BatchClosed,
};

struct Fixture {
    event_type: EventType,
    path: PathBuf,
    text: String,
}

/// `fixtures/<event type>/<nnn>.json`: one line, exactly as it was published. Files are added,
/// never changed.
fn fixtures() -> Vec<Fixture> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut all = Vec::new();
    for folder in fs::read_dir(root).expect("the folder is there") {
        let folder = folder.expect("an entry").path();
        let name = folder
            .file_name()
            .and_then(|name| name.to_str())
            .expect("UTF-8");
        let event_type = name.parse().expect("a folder per event type");
        for file in fs::read_dir(&folder).expect("readable") {
            let path = file.expect("an entry").path();
            let text = fs::read_to_string(&path)
                .expect("readable")
                .trim_end()
                .to_owned();
            all.push(Fixture {
                event_type,
                path,
                text,
            });
        }
    }
    all
}

/// The type and the data that come out when a reader of the type's source reads a message.
fn read(event_type: EventType, data: &[u8]) -> Result<(EventType, String), DecodeError> {
    match event_type {
        EventType::AlertRaised => {
            AlertRaised::decode(data).map(|event| (event.event_type, event.encode()))
        }
        EventType::BatchClosed => {
            BatchClosed::decode(data).map(|event| (event.event_type, event.encode()))
        }
        _ => LedgerEvent::decode(data).map(|event| (event.event_type(), event.encode())),
    }
}

#[test]
fn every_message_ever_published_still_decodes() {
    for fixture in fixtures() {
        let (event_type, _) = read(fixture.event_type, fixture.text.as_bytes())
            .unwrap_or_else(|error| panic!("{}: {error}", fixture.path.display()));
        assert_eq!(event_type, fixture.event_type, "{}", fixture.path.display());
    }
}

#[test]
fn decoding_and_encoding_loses_nothing() {
    for fixture in fixtures() {
        let (_, encoded) = read(fixture.event_type, fixture.text.as_bytes()).expect("decodes");
        let before: serde_json::Value = serde_json::from_str(&fixture.text).expect("JSON");
        let after: serde_json::Value = serde_json::from_str(&encoded).expect("JSON");
        for (field, value) in before.as_object().expect("an object") {
            assert_eq!(
                after.get(field),
                Some(value),
                "{}: {field}",
                fixture.path.display()
            );
        }
    }
}

#[test]
fn every_fixture_fits_its_schema() {
    for fixture in fixtures() {
        let schema = serde_json::to_value(schema::of(fixture.event_type)).expect("serialises");
        let value = serde_json::from_str(&fixture.text).expect("JSON");
        jsonschema::validate(&schema, &value)
            .unwrap_or_else(|error| panic!("{}: {error}", fixture.path.display()));
    }
}

#[test]
fn every_event_type_has_a_fixture() {
    let with: BTreeSet<EventType> = fixtures()
        .iter()
        .map(|fixture| fixture.event_type)
        .collect();
    assert_eq!(with, EventType::ALL.iter().copied().collect());
}

#[test]
fn a_newer_field_does_not_hurt_an_older_reader_and_nonsense_is_refused() {
    for fixture in fixtures() {
        let read = |data: &[u8]| read(fixture.event_type, data);
        let sample = &fixture.text;
        let newer = sample.replacen('{', r#"{"added_later":[1,2,3],"#, 1);
        assert!(read(newer.as_bytes()).is_ok());
        assert!(read(&sample.as_bytes()[..sample.len() - 1]).is_err());
        assert!(read(b"").is_err());
        let unknown = sample.replace(".v1\"", ".v9\"");
        assert!(matches!(
            read(unknown.as_bytes()),
            Err(DecodeError::UnknownType)
        ));
    }
}
