//! Every wall stands: what is planted behind it is found.

use super::*;
use crate::tidy::source::Source;

/// A line that breaks the rule, and the file in which it does.
const PLANTED: &[(&str, &str, &str)] = &[
    (
        "a pure room",
        "crates/a/src/domain/decide.rs",
        "async fn decide() {}",
    ),
    (
        "a pure room",
        "crates/a/src/rules/velocity.rs",
        "use sqlx::PgPool;",
    ),
    (
        "a pure room",
        "crates/a/src/projections/stats.rs",
        "let now = Utc::now();",
    ),
    (
        "http/ writes",
        "crates/a/src/http/get.rs",
        "let q = \"SELECT 1\";",
    ),
    (
        "http/ writes",
        "crates/a/src/http/get.rs",
        "sqlx::query!(x)",
    ),
    (
        "http/ writes",
        "crates/a/src/http/get.rs",
        "client.publish(subject, data)",
    ),
    (
        "store/ knows",
        "crates/a/src/store/wallets.rs",
        "use axum::http::StatusCode;",
    ),
    (
        "store/ knows",
        "crates/a/src/store/wallets.rs",
        "use async_nats::Client;",
    ),
    (
        "store/ does not",
        "crates/a/src/store/wallets.rs",
        "tx.commit().await?;",
    ),
    (
        "posting/ orders",
        "crates/a/src/posting/lane.rs",
        "run(\"UPDATE head SET seq = 1\")",
    ),
    (
        "SQL lives",
        "crates/a/src/lib.rs",
        "run(\"DELETE FROM wallets\")",
    ),
    (
        "SQL lives",
        "crates/a/src/handlers/x.rs",
        "sqlx::query_scalar(TEXT)",
    ),
    (
        "money moves",
        "crates/a/src/store/wallets.rs",
        "x(\"INSERT INTO ledger.postings\")",
    ),
    (
        "money moves",
        "crates/a/src/store/wallets.rs",
        "x(\"UPDATE ledger.balances SET\")",
    ),
    (
        "no service names",
        "crates/a-worker/src/store/x.rs",
        "x(\"SELECT 1 FROM ledger.balances\")",
    ),
    (
        "a status code",
        "crates/a/src/http/get.rs",
        "Err(StatusCode::NOT_FOUND)",
    ),
    (
        "only retry.rs",
        "crates/a/src/lib.rs",
        "use backoff::ExponentialBackoff;",
    ),
    (
        "subjects come",
        "crates/a/src/lib.rs",
        "subscribe(\"ledger.v1.>\")",
    ),
    (
        "subjects come",
        "crates/a/src/lib.rs",
        "call(\"rpc.ledger.events\")",
    ),
    (
        "header names",
        "crates/a/src/lib.rs",
        "headers.get(\"Nats-Msg-Id\")",
    ),
    (
        "metrics are",
        "crates/a/src/lib.rs",
        "counter!(\"florin_things_total\").increment(1);",
    ),
    ("no unwrap", "crates/a/src/lib.rs", "let a = b.unwrap();"),
    (
        "tasks are",
        "crates/a/src/lib.rs",
        "tokio::spawn(async {});",
    ),
    (
        "time comes",
        "crates/a/src/lib.rs",
        "let now = chrono::Utc::now();",
    ),
    ("no floats", "crates/a/src/lib.rs", "let amount: f64 = x;"),
    (
        "tests do not",
        "crates/a/tests/it/x.rs",
        "tokio::time::sleep(SECOND).await;",
    ),
    (
        "tests do not",
        "tests/it/x.rs",
        "std::thread::sleep(SECOND);",
    ),
    ("no test is", "crates/a/tests/it/x.rs", "#[ignore]"),
];

fn named(name: &str) -> &'static Rule {
    RULES
        .iter()
        .find(|rule| rule.name.starts_with(name))
        .expect("the rule is in the table")
}

#[test]
fn what_is_planted_is_found() {
    for (name, path, line) in PLANTED {
        let found = named(name).check(&[Source::parse(path, line)]);
        assert!(!found.is_empty(), "{name}: {path}: {line}");
    }
}

#[test]
fn every_rule_has_something_planted() {
    for rule in RULES {
        assert!(
            PLANTED.iter().any(|(name, ..)| rule.name.starts_with(name)),
            "plant a line that breaks '{}'",
            rule.name
        );
    }
}

#[test]
fn comments_may_explain_what_code_may_not_do() {
    for (name, path, line) in PLANTED {
        let comment = format!("// {line}");
        assert_eq!(
            named(name).check(&[Source::parse(path, &comment)]),
            [],
            "{name}: {line}"
        );
    }
}

#[test]
fn the_places_of_the_table_are_let_be() {
    for rule in RULES {
        for (path, reason) in rule.except {
            let path = path.replace("**", "x.rs").replace('*', "a");
            for word in rule.code.iter().chain(rule.strings) {
                let line = format!("{word} \"{word}\"");
                assert_eq!(
                    rule.check(&[Source::parse(&path, &line)]),
                    [],
                    "{path}: {reason}"
                );
            }
        }
    }
}
