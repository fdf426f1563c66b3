//! What a fleet writes into its logs, and what it never does.

use std::time::Duration;

use contracts::headers;
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use testkit::eventually;

use crate::fleet::{API, FRAUD_WORKER, Fleet, OTHER_API, WORKER, euros};

/// Until a worker has tried, failed and said so.
const SOON: Duration = Duration::from_secs(30);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The lines of a service's log, every one of which must be a JSON object.
fn lines(fleet: &Fleet, service: &str) -> Vec<Value> {
    let logs = fleet.logs();
    let file = format!("{service}.log");
    let (_, text) = logs.iter().find(|(name, _)| *name == file).expect("a log");
    // The last line may be half written.
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    whole.lines().map(line).collect()
}

fn with_trace(lines: &[Value]) -> Vec<&Value> {
    lines
        .iter()
        .filter(|line| line["trace_id"] == TRACE)
        .collect()
}

/// From the caller's header over the ledger's line, the event and its message to the line of the
/// worker that cannot do it; and the same for an event that was read from the log.
#[tokio::test(flavor = "multi_thread")]
async fn one_trace_leads_from_the_request_to_the_worker_that_fails() {
    let fleet = Fleet::logging(&[], "info,ledger_api::http=debug").await;
    let client = fleet.service("trace");
    let wallet = client.open("ann", "customer").await;
    // The statistics refuse one amount; the fleet is none the worse for it.
    sqlx::query("ALTER TABLE analytics.tallies ADD CONSTRAINT no_sevens CHECK (amount <> 777.77)")
        .execute(&fleet.owner)
        .await
        .expect("the owner may");
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    let headers = [
        ("traceparent", traceparent.as_str()),
        ("x-request-id", "req-7"),
    ];
    let deposit = format!("/v1/wallets/{wallet}/deposit");
    let (status, body) = client
        .post_with("seven", &deposit, &euros("777.77"), &headers)
        .await;
    assert_eq!(status, 201, "{body}");
    let seq = serde_json::from_str::<Value>(&body).expect("JSON")["seq"].clone();

    let ledger = lines(&fleet, API);
    let [line] = with_trace(&ledger)[..] else {
        panic!("one line of the request: {ledger:?}");
    };
    assert_eq!(
        (&line["request_id"], &line["fields"]["status"]),
        (&json!("req-7"), &json!(201))
    );
    assert_eq!(line["fields"]["route"], "/v1/wallets/{id}/deposit");
    assert_eq!(header_of(&fleet, &seq).await, traceparent);

    eventually("the worker names the trace", SOON, async || {
        let worker = lines(&fleet, WORKER);
        let failed = with_trace(&worker);
        if failed.iter().any(|line| line["fields"]["seq"] == seq) {
            Ok(())
        } else {
            Err(worker.last().cloned())
        }
    })
    .await;
    assert!(
        lines(&fleet, FRAUD_WORKER)
            .iter()
            .all(|line| line["trace_id"].is_null())
    );
}

/// The trace in the stream's message of an event.
async fn header_of(fleet: &Fleet, seq: &Value) -> String {
    let js = async_nats::jetstream::new(fleet.nats().await);
    let stream = js.get_stream("LEDGER").await.expect("is there");
    let config = async_nats::jetstream::consumer::pull::OrderedConfig::default();
    let consumer = stream.create_consumer(config).await.expect("creates");
    let mut messages = consumer.messages().await.expect("begins");
    loop {
        let message = messages.next().await.expect("goes on").expect("a message");
        let all = message.headers.as_ref().expect("headers");
        let header = |name| {
            all.get(name)
                .map_or_else(String::new, |value| value.as_str().to_owned())
        };
        if seq.as_u64() == header(headers::SEQ).parse().ok() {
            return header(headers::TRACEPARENT);
        }
    }
}

/// Everything is logged that can be, everything goes wrong that may, and nothing secret shows.
#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_any_log_whatever_is_logged_and_goes_wrong() {
    // As people log when they look for something; `trace` would print what sqlx sends.
    let fleet = Fleet::logging(&["--ledger-api", "2"], "debug").await;
    let client = fleet.service("canary-subject");
    let wallet = client.open("ann", "customer").await;
    let deposit = format!("/v1/wallets/{wallet}/deposit");
    // Refused tokens, broken bodies, a key that is reused, and servers that go away.
    let stranger = client.nobody();
    assert_eq!(stranger.get("/v1/wallets").await.status, 401);
    let bad = [("Authorization", "Bearer canary.bad.token")];
    let (status, _) = stranger
        .post_with("canary-key", &deposit, &euros("1.00"), &bad)
        .await;
    assert_eq!(status, 401);
    let wrong = json!({ "amount": "1.00", "currency": "EUR", "password": "canary-password" });
    assert_eq!(
        client.post("canary-body", &deposit, &wrong).await.status,
        400
    );
    client
        .deposit("canary-twice", &wallet, "1.00")
        .await
        .created();
    assert_eq!(
        client.deposit("canary-twice", &wallet, "2.00").await.status,
        422
    );
    fleet.kill_service(WORKER).await;
    fleet.take_nats_down().await;
    fleet.bring_nats_back().await;
    fleet.take_postgres_down().await;
    fleet.resume();
    client
        .deposit("canary-after", &wallet, "1.00")
        .await
        .created();
    fleet.settle().await;

    let secrets = secrets(&fleet, client.token());
    assert!(
        secrets.len() >= 8,
        "passwords, keys, tokens: {}",
        secrets.len()
    );
    let mut bytes = 0;
    for (name, text) in fleet.logs() {
        bytes += text.len();
        for (what, secret) in &secrets {
            assert!(!text.contains(secret), "{name} shows {what}");
        }
    }
    assert!(bytes > 10_000, "the logs were read: {bytes} bytes");
    for service in [API, OTHER_API, WORKER, FRAUD_WORKER] {
        assert!(!lines(&fleet, service).is_empty(), "{service}");
    }
    fleet.close().await;
}

/// Everything that must not be told, with a name for it.
fn secrets(fleet: &Fleet, token: &str) -> Vec<(String, String)> {
    let endpoints = fleet.endpoints();
    let password = endpoints
        .postgres
        .split([':', '@'])
        .nth(2)
        .expect("a password");
    let mut secrets = vec![
        ("the owner's password".to_owned(), password.to_owned()),
        ("a token".to_owned(), token.to_owned()),
        (
            "a token's signature".to_owned(),
            token.rsplit('.').next().expect("three").to_owned(),
        ),
        ("a refused token".to_owned(), "canary.bad.token".to_owned()),
        ("a body's field".to_owned(), "canary-password".to_owned()),
    ];
    let key = std::fs::read_to_string(fleet.dir().join("jwt-private.pem")).expect("a key");
    let key = key.lines().nth(1).expect("base64").to_owned();
    secrets.push(("the private key".to_owned(), key));
    let passwords = std::fs::read_to_string(fleet.dir().join("passwords.json")).expect("passwords");
    let passwords: Value = serde_json::from_str(&passwords).expect("JSON");
    for (role, password) in passwords.as_object().expect("by role") {
        secrets.push((role.clone(), password.as_str().expect("a text").to_owned()));
    }
    assert!(secrets.iter().all(|(_, secret)| secret.len() >= 8));
    secrets
}
