//! What the document says of an operation: by its type, exactly what the single route takes, with
//! the operation's key, and the wallet that the single route has in its path.

use serde_json::{Map, Value, json};

use super::operation;

/// The schema of one operation.
const OPERATION: &str = "BatchOperation";
/// Where the single route has the wallet, when not in its body.
const IN_PATH: &str = "{id}";

/// Replaces what the document says of operations by one alternative for each type.
pub fn apply(mut document: Value) -> Value {
    let alternatives: Vec<Value> = operation::kinds()
        .filter_map(|(name, route)| alternative(&document, name, route))
        .collect();
    let schemas = document.pointer_mut("/components/schemas");
    if let Some(schema) = schemas.and_then(|schemas| schemas.get_mut(OPERATION)) {
        *schema = json!({
            "description": "One operation: its type, a key of its own, and the fields that the single \
                            route of its type takes.",
            "oneOf": alternatives,
        });
    }
    document
}

fn alternative(document: &Value, name: &str, route: &str) -> Option<Value> {
    let operation = &document["paths"][route]["post"];
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    let schema = body["$ref"].as_str()?.rsplit('/').next()?;
    let mut schema = document["components"]["schemas"][schema].clone();
    let mut further = Map::from_iter([
        (
            "key".to_owned(),
            json!({
                "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$",
                "description": "The operation's own idempotency key, once per batch.",
            }),
        ),
        (
            "type".to_owned(),
            json!({ "type": "string", "enum": [name], "description": "What is done." }),
        ),
    ]);
    if route.contains(IN_PATH) {
        let wallet = json!({ "type": "string", "description": "The wallet, `wal_…`." });
        further.insert("wallet".to_owned(), wallet);
    }
    let names = further.keys().map(|name| Value::from(name.as_str()));
    schema["required"]
        .as_array_mut()?
        .extend(names.collect::<Vec<_>>());
    schema["properties"].as_object_mut()?.extend(further);
    schema["title"] = name.into();
    Some(schema)
}

#[cfg(test)]
mod tests {
    use super::super::super::openapi;

    #[test]
    fn every_type_of_operation_takes_what_its_route_takes_and_nothing_else() {
        let document = openapi::document();
        let schema = &document["components"]["schemas"][super::OPERATION];
        let types = schema["oneOf"].as_array().expect("alternatives");
        assert_eq!(types.len(), super::operation::kinds().count());
        let named = |name: &str| types.iter().find(|it| it["title"] == name).expect(name);
        let transfer = named("transfer");
        assert_eq!(transfer["additionalProperties"], false);
        assert_eq!(transfer["properties"]["type"]["enum"][0], "transfer");
        assert!(transfer["properties"]["to_wallet"].is_object());
        assert!(transfer["properties"]["merchant"].is_null());
        assert_eq!(
            transfer["properties"]["wallet"]["pattern"],
            "^wal_[0-9a-f]{32}$"
        );
        assert!(named("payment")["properties"]["merchant"].is_object());
    }
}
