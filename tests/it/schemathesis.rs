//! The HTTP API as somebody meets it who has read `/openapi.json` and nothing else: schemathesis
//! asks every operation for what the document allows and for what it does not, and holds every
//! answer against it.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    dead_letters::Trouble,
    fleet::{API, Client, Fleet, euros},
};

/// Where the configuration is, and what it needs.
const FILES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schemathesis");
/// Says which schemathesis to run; then it must run.
const SETTING: &str = "FLORIN_SCHEMATHESIS";
/// Ten times what it takes on two cores that do nothing else, about a minute.
const PATIENCE: Duration = Duration::from_mins(10);
/// Dead letters to look at, replay and discard.
const DEAD_LETTERS: usize = 5;
/// Operations that must have gone well, not only been refused as they should.
const DONE: &[(&str, &str)] = &[
    ("POST", "/v1/wallets"),
    ("GET", "/v1/wallets/{id}"),
    ("GET", "/v1/wallets/{id}/history"),
    ("GET", "/v1/wallets/{id}/stats"),
    ("POST", "/v1/wallets/{id}/deposit"),
    ("POST", "/v1/wallets/{id}/withdraw"),
    ("POST", "/v1/wallets/{id}/transfer"),
    ("POST", "/v1/payments"),
    ("GET", "/v1/alerts/{id}"),
    ("POST", "/v1/settlements/batches"),
    ("GET", "/v1/settlements/batches/{id}"),
    ("GET", "/v1/dead-letters/{id}"),
    ("POST", "/v1/dead-letters/{id}/discard"),
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_read_only_the_openapi_document_finds_no_fault_with_any_operation() {
    let Some(program) = schemathesis() else {
        // Past the test harness, which keeps the output of tests that pass to itself.
        let _ = writeln!(std::io::stdout(), "schemathesis: absent");
        return;
    };
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("schemathesis");
    let known = known_ids(&fleet, &client).await;
    let output = ask_everything(&program, &fleet, &client, &known).await;
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");

    let document = client.get("/openapi.json").await.found();
    let operations: usize = document["paths"]
        .as_object()
        .expect("paths")
        .values()
        .map(|item| item.as_object().expect("methods").len())
        .sum();
    let all = format!("Tested: {operations}\n");
    assert!(
        said.contains(&all),
        "not all {operations} operations: {said}"
    );
    let metrics = fleet.metrics(API).await;
    let done = |(method, route): &&(&str, &str)| {
        let series =
            format!("florin_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"2");
        let mut of_series = metrics.lines().filter(|line| line.starts_with(&series));
        of_series.any(|line| !line.ends_with(" 0"))
    };
    let never: Vec<_> = DONE.iter().filter(|operation| !done(operation)).collect();
    assert!(never.is_empty(), "nothing was asked that works: {never:?}");
    // Whatever was asked, the books are whole.
    fleet.close().await;
    let _ = writeln!(std::io::stdout(), "schemathesis: run");
}

/// Where the setting says, or where `deploy/bootstrap.sh` puts it. Not from the path: another
/// version asks other questions.
fn schemathesis() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(SETTING) {
        return Some(named.into());
    }
    let ours = std::env::current_exe().ok()?;
    ours.ancestors()
        .map(|folder| folder.join("tools/schemathesis/bin/schemathesis"))
        .find(|file| file.is_file())
}

/// One of everything that an id can name.
async fn known_ids(fleet: &Fleet, client: &Client) -> Value {
    let trouble = Trouble::plant(fleet).await;
    trouble.cause(fleet, DEAD_LETTERS).await;
    trouble.mend(fleet).await;
    // Enough to raise an alert, and for every payment.
    let rich = client.open_with("rich", "1000000.00").await;
    let shop = client.open("shop", "merchant").await;
    let mut pay = euros("10.00");
    pay["wallet"] = json!(rich);
    pay["merchant"] = json!(shop);
    pay["order_reference"] = json!("order-1");
    client.post("pay", "/v1/payments", &pay).await.created();
    let mut hold = euros("10.00");
    hold["wallet"] = json!(rich);
    let hold = client.post("hold", "/v1/holds", &hold).await.created();
    fleet.settle().await;
    let cut = json!({ "merchant": shop });
    let cut = client.order("cut", "/v1/settlements/batches", &cut).await;
    let ids = |page: &Value| -> Vec<Value> {
        let items = page["items"].as_array().expect("a list");
        assert!(!items.is_empty(), "{page}");
        items.iter().map(|item| item["id"].clone()).collect()
    };
    json!({
        "wallet": [rich],
        "merchant": [shop],
        "hold": [hold["id"]],
        "batch": ids(&cut.created()),
        "alert": ids(&client.get("/v1/alerts").await.found()),
        "dead_letter": ids(&client.get("/v1/dead-letters").await.found()),
    })
}

async fn ask_everything(program: &Path, fleet: &Fleet, client: &Client, known: &Value) -> Output {
    // A copy: Python leaves files beside what it reads.
    let folder = tempfile::tempdir().expect("a directory");
    for name in ["schemathesis.toml", "hooks.py"] {
        let from = Path::new(FILES).join(name);
        fs::copy(from, folder.path().join(name)).expect("it can be copied");
    }
    let run = Command::new(program)
        .arg("--config-file=schemathesis.toml")
        .arg("run")
        .arg(format!("{}/openapi.json", fleet.endpoints().http))
        .arg(format!("--header=Authorization: Bearer {}", client.token()))
        .arg("--no-color")
        .env("KNOWN_IDS", known.to_string())
        // Somebody's proxy does not know our address.
        .env("NO_PROXY", "*")
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    tokio::time::timeout(PATIENCE, run)
        .await
        .expect("schemathesis comes to an end")
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()))
}
