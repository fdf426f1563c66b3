//! `florin simulate` and `florin demo`.

use local_servers::{Signal, is_running};
use serde_json::Value;
use sqlx::Connection as _;

use crate::SOON;
use crate::fleet::{TestFleet, florin, ran};

fn document(output: &std::process::Output) -> Value {
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test]
async fn a_simulated_day_agrees_with_the_ledger_and_a_wrong_balance_is_found() {
    let fleet = TestFleet::start(&[]).await;
    let data = fleet.data_text();
    let day = [
        "simulate",
        "--data",
        &data,
        "--seed",
        "11",
        "--operations",
        "300",
        "--json",
    ];
    let first = ran(&day);
    assert_eq!(
        first.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&first.stderr)
    );
    let first = document(&first);
    assert_eq!(first["operations"], 300);
    assert_eq!(first["replayed"], 0);
    assert!(
        first["refused"]["insufficient_funds"].as_u64() > Some(0),
        "{first}"
    );
    assert_eq!(first["differences"], Value::Array(Vec::new()));

    // The same day again moves nothing.
    let again = document(&ran(&day));
    assert_eq!(again["posted"], first["posted"]);
    assert!(again["replayed"].as_u64() > Some(200), "{again}");
    assert_eq!(again["differences"], Value::Array(Vec::new()));

    let mut owner = sqlx::PgConnection::connect(&fleet.endpoints().postgres)
        .await
        .expect("connect");
    sqlx::query(
        "UPDATE ledger.balances SET posted = posted + 1 WHERE wallet_id IN
         (SELECT id FROM ledger.wallets WHERE owner LIKE '%-ada')",
    )
    .execute(&mut owner)
    .await
    .expect("tampered with");
    let tampered = ran(&day);
    assert_eq!(tampered.status.code(), Some(1));
    let found = document(&tampered)["differences"].to_string();
    assert!(
        found.contains("Ada") && found.contains("must hold"),
        "{found}"
    );
}

#[tokio::test]
async fn a_demonstration_proves_its_books_and_leaves_nothing_behind() {
    let output = ran(&["demo", "--json", "--operations", "400"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report = document(&output);
    assert_eq!(report["proof"]["clean"], true);
    assert_eq!(report["market"]["differences"], Value::Array(Vec::new()));
    let found = report["fraud"]["found"].as_array().expect("alerts");
    let rules: Vec<_> = found.iter().map(|alert| &alert["rule"]).collect();
    assert_eq!(
        rules,
        ["large_deposit", "large_withdrawal", "rapid_withdrawals"]
    );
    let settlement = &report["settlement"];
    assert_eq!(settlement["replayed"], "replayed");
    assert_eq!(settlement["at_stake"]["EUR"], "42.00");
    assert_eq!(settlement["differences"], Value::Array(Vec::new()));
    assert!(!settlement["paid"].as_array().expect("batches").is_empty());
    assert_eq!(report["refund"]["fee"], "0.60");
    assert_eq!(report["refund"]["left"], "25.00");
    let workers = report["poison"]["workers"].as_array().expect("workers");
    assert_eq!(workers.len(), 3, "{report}");
    assert_eq!(report["poison"]["discarded"], 3);
    for consumer in report["proof"]["consumers"].as_array().expect("consumers") {
        assert_eq!(consumer["parked"], 0, "{report}");
    }
}

#[tokio::test]
async fn a_demonstration_that_is_kept_stays_until_it_is_told_to_end() {
    let folder = tempfile::tempdir().expect("tempdir");
    let log = folder.path().join("log");
    let mut kept = florin()
        .args(["demo", "--keep", "--json", "--operations", "100"])
        .env("TMPDIR", folder.path())
        .stdout(std::process::Stdio::null())
        .stderr(std::fs::File::create(&log).expect("a log"))
        .spawn()
        .expect("florin starts");
    let said = || std::fs::read_to_string(&log).unwrap_or_default();
    testkit::eventually("the day is over", SOON, async || {
        if said().contains("stays up") {
            Ok(())
        } else {
            Err(said())
        }
    })
    .await;
    assert!(is_running(kept.id()));
    local_servers::send(kept.id(), Signal::Int).expect("a signal");
    assert!(kept.wait().expect("it ends").success(), "{}", said());
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .expect("readable")
        .flatten()
        .map(|entry| entry.file_name())
        .filter(|name| name != "log")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
