//! Cents that nobody moved.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::eventually;

use super::Market;
use crate::fleet::{Fleet, Load, LoadWallets, SETTLEMENT_WORKER, florin};

/// A few tie-outs: on a busy machine one takes a second, and the next comes fifty later.
const SOON: Duration = Duration::from_mins(3);

/// Where a cent is planted, how it is taken back, and which sums then differ.
const PLANTED: &[(&str, &str, &[&str])] = &[
    (
        "UPDATE ledger.balances SET posted = posted + 0.01 WHERE posted = 988.00",
        "UPDATE ledger.balances SET posted = posted - 0.01 WHERE posted = 988.01",
        &["balance", "balances"],
    ),
    (
        "UPDATE ledger.postings SET amount = amount + 0.01 WHERE amount = 12.00",
        "UPDATE ledger.postings SET amount = amount - 0.01 WHERE amount = 12.01",
        &["balance", "payments", "postings", "turnover"],
    ),
    // In two postings, so that the account's sum stays right.
    (
        "UPDATE ledger.postings SET amount = amount + sign(amount) * 0.01 WHERE abs(amount) = 12.00",
        "UPDATE ledger.postings SET amount = amount - sign(amount) * 0.01 WHERE abs(amount) = 12.01",
        &["balance", "balance", "payments", "turnover"],
    ),
    (
        "UPDATE settlement.sums SET amount = amount - 0.01 WHERE account = 'funding'",
        "UPDATE settlement.sums SET amount = amount + 0.01 WHERE account = 'funding'",
        &["balances", "postings"],
    ),
    (
        "UPDATE settlement.items SET amount = amount + 0.01 WHERE amount = 12.00",
        "UPDATE settlement.items SET amount = amount - 0.01 WHERE amount = 12.01",
        &["payments"],
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_planted_cent_is_a_break_wherever_it_is_and_resolved_when_it_is_gone() {
    let fleet = Fleet::start_with(&[], &[("FLORIN_TIE_OUT_SECONDS", "1")]).await;
    let market = Market::open(&fleet).await;
    market.pay(&market.baker, "12.00", "b-1").await;
    fleet.settle().await;
    let mut resolved = 0;
    for (plant, take_back, kinds) in PLANTED {
        agrees(&fleet, &market).await;
        by_hand(&fleet, plant).await;
        let found = breaks(&market, "open", kinds.len()).await;
        let mut of: Vec<&str> = found
            .iter()
            .map(|one| one["kind"].as_str().expect("a text"))
            .collect();
        of.sort_unstable();
        assert_eq!(of, *kinds, "{plant}");
        for one in &found {
            let cent = one["difference"]
                .as_str()
                .expect("a text")
                .trim_start_matches('-');
            let sums = ["0.01", "0.02"].contains(&cent) && one["currency"] == "EUR";
            assert!(
                sums && one["state"] == "open" && one["resolved_at"].is_null(),
                "{one}"
            );
        }
        assert_eq!(imbalance(&fleet).await, kinds.len().to_string(), "{plant}");
        verify_finds(&fleet, kinds.len()).await;

        by_hand(&fleet, take_back).await;
        resolved += kinds.len();
        let gone = breaks(&market, "resolved", resolved).await;
        assert!(gone.iter().all(|one| one["resolved_at"].is_string()));
    }
    agrees(&fleet, &market).await;
    fleet.close().await;
}

/// Both sides move while they are compared.
#[tokio::test(flavor = "multi_thread")]
async fn under_load_tie_outs_go_on_and_find_nothing() {
    let two = ["--settlement-worker", "2"];
    let fleet = Fleet::start_with(&two, &[("FLORIN_TIE_OUT_SECONDS", "1")]).await;
    let client = fleet.service("load");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "tie-out");
    for _ in 0..3 {
        load.goes_on(50).await;
        let head = fleet.head().await;
        eventually("a tie-out beyond this", SOON, async || {
            let mut latest = 0;
            for service in [SETTLEMENT_WORKER, "settlement-worker-2"] {
                let text = metrics_of(&fleet, service).await;
                let seq = value(&text, "florin_settlement_tie_out_seq ");
                latest = latest.max(seq.parse().unwrap_or_default());
            }
            if latest >= head {
                Ok(())
            } else {
                Err(format!("{latest} of {head}"))
            }
        })
        .await;
    }
    load.end().await;
    let found = "SELECT count(*) FROM settlement.breaks";
    assert_eq!(fleet.scalar(found).await, 0);
    fleet.close().await;
}

/// As nobody but the owner can.
async fn by_hand(fleet: &Fleet, sql: &str) {
    let sql = format!("BEGIN; SET LOCAL session_replication_role = replica; {sql}; COMMIT");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
        .execute(&fleet.owner)
        .await
        .expect("the owner may");
}

/// Breaks in a state, once there are as many.
async fn breaks(market: &Market, state: &str, number: usize) -> Vec<Value> {
    let what = format!("{number} {state} breaks");
    let path = format!("/v1/settlements/breaks?state={state}");
    eventually(&what, SOON, async || {
        let page = market.finance.get(&path).await.found();
        let found = page["items"].as_array().expect("a list").clone();
        if found.len() == number {
            Ok(found)
        } else {
            Err(page)
        }
    })
    .await
}

/// A tie-out was complete after everything that happened so far, and found nothing.
async fn agrees(fleet: &Fleet, market: &Market) {
    let head = fleet.head().await.to_string();
    breaks(market, "open", 0).await;
    eventually("a tie-out of everything", SOON, async || {
        let text = metrics(fleet).await;
        let seq = value(&text, "florin_settlement_tie_out_seq ");
        let found = value(&text, "florin_settlement_imbalance ");
        if (seq.as_str(), found.as_str()) == (&head, "0") {
            Ok(())
        } else {
            Err((seq, found))
        }
    })
    .await;
    let nothing = market
        .finance
        .get("/v1/settlements/breaks?state=open")
        .await
        .found();
    assert_eq!(nothing["items"], json!([]));
}

async fn imbalance(fleet: &Fleet) -> String {
    value(&metrics(fleet).await, "florin_settlement_imbalance ")
}

async fn metrics(fleet: &Fleet) -> String {
    metrics_of(fleet, SETTLEMENT_WORKER).await
}

async fn metrics_of(fleet: &Fleet, service: &str) -> String {
    let admin = fleet.endpoints().service(service).admin.clone();
    let answer = reqwest::get(format!("http://{admin}/metrics")).await;
    answer.expect("it answers").text().await.expect("whole")
}

fn value(text: &str, name: &str) -> String {
    let mut lines = text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name));
    line.unwrap_or_default().to_owned()
}

async fn verify_finds(fleet: &Fleet, breaks: usize) {
    let mut command = florin();
    command
        .args(["verify", "--json", "--data"])
        .arg(fleet.dir());
    let output = tokio::process::Command::from(command).output().await;
    let output = output.expect("florin starts");
    assert_eq!(output.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let laws = report["laws"].as_array().expect("a list");
    let law = laws.iter().find(|law| law["name"] == "no_break_is_open");
    assert_eq!(law.expect("it was proven")["violations"], breaks);
}
