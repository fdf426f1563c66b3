//! What the document says about texts, by what they are called: a word has one form in every
//! body and every query, so it is written down once. A handler that says more keeps its word.

use std::collections::BTreeSet;

use contracts::{
    Currency, EventType, Kind,
    limits::{
        CATEGORY_CHARS_MAX, DESCRIPTION_CHARS_MAX, METADATA_ENTRIES_MAX, METADATA_KEY_CHARS_MAX,
        METADATA_VALUE_CHARS_MAX, REFERENCE_CHARS_MAX,
    },
};
use serde_json::{Map, Value, json};

/// No control characters, in a way that every dialect of patterns reads alike.
const PRINTABLE: &str = r"^[^\x00-\x1f\x7f-\x9f]*$";
/// What base64 for URLs is made of.
const CURSOR: &str = "^[A-Za-z0-9_-]+$";
/// What `contracts::parse_amount` takes.
const AMOUNT: &str = r"^[0-9]+(\.[0-9]+)?$";
/// An age, or a moment. The API knows the length of every month; here 28 days are enough.
const AGE: &str = concat!(
    "^([0-9]{1,4}[smhd]|(19|[2-9][0-9])[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])",
    "T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]0[0-9]:[0-5][0-9]))$"
);
/// Letters of a currency's code.
const LETTERS: std::ops::RangeInclusive<u8> = b'A'..=b'Z';

/// Writes the forms into a document.
pub fn apply(mut document: Value) -> Value {
    let requests = request_schemas(&document);
    let words = Words::new();
    if let Some(schemas) = members(document.pointer_mut("/components/schemas")) {
        for (name, schema) in schemas {
            words.properties(schema, requests.contains(name.as_str()));
        }
    }
    if let Some(paths) = members(document.get_mut("paths")) {
        for operation in paths.values_mut().filter_map(Value::as_object_mut) {
            for parameters in operation.values_mut().map(|it| it.get_mut("parameters")) {
                let parameters = parameters.and_then(Value::as_array_mut);
                parameters
                    .into_iter()
                    .flatten()
                    .for_each(|it| words.parameter(it));
            }
        }
    }
    document
}

fn members(value: Option<&mut Value>) -> Option<&mut Map<String, Value>> {
    value.and_then(Value::as_object_mut)
}

/// The names of the schemas that bodies of requests are made of.
fn request_schemas(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let operations = document["paths"].as_object().into_iter().flatten();
    let mut open: Vec<&Value> = operations
        .filter_map(|(_, item)| item.as_object())
        .flat_map(|item| item.values().map(|operation| &operation["requestBody"]))
        .collect();
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => {
                let named = members.get("$ref").and_then(Value::as_str);
                if let Some(name) = named.and_then(|it| it.rsplit('/').next())
                    && found.insert(name.to_owned())
                {
                    open.push(&document["components"]["schemas"][name]);
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    found
}

/// The forms that take a moment to find out.
struct Words {
    currencies: Value,
    event_types: Value,
}

impl Words {
    fn new() -> Self {
        let types = EventType::ALL.iter();
        let types = types.flat_map(|it| [it.as_str(), it.noun_verb()]);
        Self {
            currencies: json!(currencies()),
            event_types: types.chain(["unknown"]).collect(),
        }
    }

    /// The properties of a schema, and of what stands within it.
    fn properties(&self, schema: &mut Value, is_request: bool) {
        match schema {
            Value::Object(members) => {
                let properties = members.get_mut("properties").and_then(Value::as_object_mut);
                for (name, property) in properties.into_iter().flatten() {
                    let described = property["description"].as_str().unwrap_or_default();
                    let id = id_form(described);
                    let named = is_request.then(|| self.of_body(name)).flatten();
                    extend(property, id.or(named).as_ref());
                }
                members
                    .values_mut()
                    .for_each(|inner| self.properties(inner, is_request));
            }
            Value::Array(items) => items
                .iter_mut()
                .for_each(|inner| self.properties(inner, is_request)),
            _ => {}
        }
    }

    fn parameter(&self, parameter: &mut Value) {
        let described = parameter["description"].as_str().unwrap_or_default();
        let name = parameter["name"].as_str().unwrap_or_default();
        let named = (parameter["in"] == "query").then(|| self.of_query(name));
        let form = id_form(described).or(named.flatten());
        if let Some(schema) = parameter.get_mut("schema") {
            extend(schema, form.as_ref());
        }
    }

    fn of_body(&self, name: &str) -> Option<Value> {
        match name {
            "currency" | "base" | "quote" => Some(json!({ "enum": self.currencies })),
            "owner" | "reference" | "order_reference" => Some(json!({
                "minLength": 1, "maxLength": REFERENCE_CHARS_MAX, "pattern": PRINTABLE,
            })),
            "category" | "merchant_category" => Some(json!({
                "minLength": 1, "maxLength": CATEGORY_CHARS_MAX, "pattern": "^[a-z0-9_-]+$",
            })),
            "description" => Some(json!({
                "maxLength": DESCRIPTION_CHARS_MAX, "pattern": PRINTABLE,
            })),
            "metadata" => Some(json!({
                "maxProperties": METADATA_ENTRIES_MAX,
                "propertyNames": {
                    "minLength": 1, "maxLength": METADATA_KEY_CHARS_MAX, "pattern": PRINTABLE,
                },
                "additionalProperties": {
                    "type": "string", "maxLength": METADATA_VALUE_CHARS_MAX, "pattern": PRINTABLE,
                },
            })),
            _ => None,
        }
    }

    fn of_query(&self, name: &str) -> Option<Value> {
        match name {
            "currency" | "base" | "quote" | "owner" | "reference" => self.of_body(name),
            "cursor" => Some(json!({ "minLength": 1, "pattern": CURSOR })),
            "older_than" | "newer_than" => Some(json!({ "pattern": AGE })),
            "type" => Some(json!({ "enum": self.event_types })),
            "by" => Some(json!({ "enum": ["posted", "effective"] })),
            "kind" => Some(json!({ "enum": Kind::ALL })),
            "min_amount" | "max_amount" => Some(json!({ "pattern": AMOUNT })),
            _ => None,
        }
    }
}

/// An id's form, which its description names: `wal_…` in backquotes.
fn id_form(description: &str) -> Option<Value> {
    let (before, _) = description.split_once("_…`")?;
    let prefix = before.rsplit('`').next()?;
    let known = prefix.len() == 3 && prefix.bytes().all(|byte| byte.is_ascii_lowercase());
    known.then(|| json!({ "pattern": format!("^{prefix}_[0-9a-f]{{32}}$") }))
}

/// Says more about a text, or an object; nothing that is said already is said again. `null` is
/// one more possible value where the type allows it.
fn extend(schema: &mut Value, form: Option<&Value>) {
    let is_null = |kind: &Value| kind == "null";
    let nullable = schema["type"]
        .as_array()
        .is_some_and(|it| it.iter().any(is_null));
    let form = form.and_then(Value::as_object);
    for (keyword, value) in form.into_iter().flatten() {
        let mut value = value.clone();
        if nullable && keyword == "enum" {
            value
                .as_array_mut()
                .into_iter()
                .for_each(|it| it.push(Value::Null));
        }
        match schema.get_mut(keyword) {
            // `additionalProperties: {"type": "string"}` says less.
            Some(said) if said.is_object() => *said = value,
            Some(_) => {}
            None => schema[keyword] = value,
        }
    }
}

/// Every currency there is a book for: which codes there are, only trying tells.
fn currencies() -> Vec<String> {
    let three = LETTERS.flat_map(|a| LETTERS.flat_map(move |b| LETTERS.map(move |c| [a, b, c])));
    let codes = three.filter_map(|code| String::from_utf8(code.to_vec()).ok());
    let crypto = contracts::currency::CRYPTO_ASSETS.iter();
    let crypto = crypto.map(|(code, _)| (*code).to_owned());
    codes
        .chain(crypto)
        .filter(|code| code.parse::<Currency>().is_ok())
        .collect::<BTreeSet<String>>()
        .into_iter()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_form_in_bodies_and_none_where_a_handler_says_its_own() {
        let text = |more: &Value| {
            let mut schema = json!({ "type": "string" });
            extend(&mut schema, Some(more));
            schema
        };
        let body = json!({ "$ref": "#/components/schemas/Outer" });
        let document = json!({
            "paths": { "/": { "post": {
                "parameters": [{ "name": "id", "in": "path", "description": "It, `wal_…`.", "schema": {} }],
                "requestBody": { "content": { "application/json": { "schema": body } } },
            } } },
            "components": { "schemas": {
                "Outer": { "properties": { "inner": { "$ref": "#/components/schemas/Inner" } } },
                "Inner": { "properties": {
                    "owner": { "type": "string" },
                    "reference": { "type": "string", "maxLength": 7 },
                    "currency": { "type": ["string", "null"] },
                } },
                "Answer": { "properties": { "owner": { "type": "string" } } },
            } },
        });
        let said = apply(document);
        let schemas = &said["components"]["schemas"];
        let inner = &schemas["Inner"]["properties"];
        let owner = json!({ "minLength": 1, "maxLength": 255, "pattern": PRINTABLE });
        assert_eq!(inner["owner"], text(&owner));
        assert_eq!(inner["reference"]["maxLength"], 7);
        let codes = inner["currency"]["enum"].as_array().expect("codes");
        assert!(codes.contains(&json!("EUR")) && codes.contains(&json!("USDT")));
        assert!(codes.contains(&Value::Null) && !codes.contains(&json!("XAU")));
        assert_eq!(
            schemas["Answer"]["properties"]["owner"],
            json!({ "type": "string" })
        );
        assert_eq!(
            said["paths"]["/"]["post"]["parameters"][0]["schema"]["pattern"],
            "^wal_[0-9a-f]{32}$"
        );
    }
}
