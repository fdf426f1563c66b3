//! What the document says of an operation: by its type, exactly what the single route takes, with
//! the operation's key, and the id that the single route has in its path.

use serde_json::{Map, Value, json};

use super::kinds::{KINDS, OperationKind};

/// The schema of one operation.
const OPERATION: &str = "BatchOperation";

/// Replaces what the document says of operations by one alternative for each type.
pub fn apply(mut document: Value) -> Value {
    let alternatives: Vec<Value> = KINDS
        .iter()
        .filter_map(|kind| alternative(&document, kind))
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

fn alternative(document: &Value, kind: &OperationKind) -> Option<Value> {
    let operation = &document["paths"][kind.route]["post"];
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
            json!({ "type": "string", "enum": [kind.name], "description": "What is done." }),
        ),
    ]);
    if let Some(id) = kind.id {
        // Its description names the form: `vocabulary` makes a pattern of that.
        let mut parameters = operation["parameters"].as_array()?.iter();
        let in_path = parameters.find(|parameter| parameter["in"] == "path")?;
        let field = json!({ "type": "string", "description": in_path["description"] });
        further.insert(id.to_owned(), field);
    }
    let names = further.keys().map(|name| Value::from(name.as_str()));
    let names: Vec<Value> = names.collect();
    // Of a capture the body itself requires nothing.
    let body = schema.as_object_mut()?;
    let required = body.entry("required").or_insert_with(|| json!([]));
    required.as_array_mut()?.extend(names);
    schema["properties"].as_object_mut()?.extend(further);
    schema["title"] = kind.name.into();
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
        assert_eq!(types.len(), super::KINDS.len());
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
        let capture = named("capture");
        assert!(capture["properties"]["hold"].is_object());
        assert_eq!(
            capture["required"].as_array().map(Vec::len),
            Some(3),
            "{capture}"
        );
    }
}
