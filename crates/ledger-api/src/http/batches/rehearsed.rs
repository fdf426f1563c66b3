//! What a rehearsal shows of an answer.

use serde_json::{Map, Value};

/// What an answer names that a rehearsal made up: nothing of it will ever be found.
const INVENTED: [&str; 5] = ["id", "transaction", "seq", "posted_at", "instance"];

/// The body of an answer that was never given.
pub fn without_inventions(body: &str) -> String {
    let mut body: Map<String, Value> =
        serde_json::from_str(body).expect("an answer is a JSON object");
    for name in INVENTED {
        body.remove(name);
    }
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_be_is_told_and_what_is_not_there_is_not_named() {
        let body = r#"{"id":"txn_1","seq":7,"posted_at":"now","legs":[{"amount":"1.00"}]}"#;
        assert_eq!(without_inventions(body), r#"{"legs":[{"amount":"1.00"}]}"#);
    }
}
