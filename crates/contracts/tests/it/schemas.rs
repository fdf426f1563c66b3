//! The committed JSON Schemas are those of the code.

use std::{fs, path::PathBuf};

use contracts::{EventType, schema};

fn path(event_type: EventType) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("schemas")
        .join(format!("{}.json", event_type.as_str()))
}

#[test]
fn committed_schemas_do_not_drift_from_the_types() {
    for event_type in EventType::ALL {
        let path = path(*event_type);
        let mut generated =
            serde_json::to_string_pretty(&schema::of(*event_type)).expect("serialises");
        generated.push('\n');
        if std::env::var_os("FLORIN_BLESS").is_some() {
            fs::write(&path, &generated).expect("the schema can be written");
        }
        let committed = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(
            committed,
            generated,
            "{} is not what the code says; if the change is additive, run \
             FLORIN_BLESS=1 cargo test -p contracts and commit it",
            path.display()
        );
    }
}

#[test]
fn every_committed_schema_belongs_to_an_event_type() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("UTF-8");
        let stem = name.strip_suffix(".json").expect("only schemas");
        assert!(
            stem.parse::<EventType>().is_ok(),
            "{name} is of no known event type"
        );
    }
}
