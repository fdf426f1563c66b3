//! The fraud worker beside the others: its stream for strangers, and its death.

use contracts::{
    chain,
    fraud::AlertRaised,
    headers,
    topology::{Topology, Worker},
};
use local_servers::Signal;
use serde_json::{Value, json};
use testkit::eventually;

use crate::fleet::{Client, FRAUD_WORKER, Fleet, Load, LoadWallets, WORKER};

/// Until a killed worker is back and has published what it missed.
const BACK: std::time::Duration = std::time::Duration::from_mins(1);

async fn alerts(client: &Client, wallet: &str) -> Vec<Value> {
    let page = client.get(&format!("/v1/alerts?wallet={wallet}")).await;
    page.found()["items"].as_array().expect("a list").clone()
}

/// A predecessor did statistics and fraud in one transaction: a fault of the one stopped the
/// other.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_fraud_worker_everything_else_goes_on_and_it_catches_up_alone() {
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("load");
    let rich = client.open_with("rich", "50000.00").await;
    fleet.settle().await;

    fleet.signal_service(FRAUD_WORKER, Signal::Stop);
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "fraud");
    load.goes_on(200).await;
    let withdraw = format!("/v1/wallets/{rich}/withdraw");
    let large = json!({ "amount": "10000.00", "currency": "EUR" });
    let event = client.post("large", &withdraw, &large).await.created();
    load.end().await;
    fleet.settle_statistics().await;
    eventually("the statistics are not behind", BACK, async || {
        let lag = r#"florin_worker_lag_events{consumer="analytics"} 0"#;
        let shown = fleet.metrics(WORKER).await;
        if shown.lines().any(|line| line == lag) {
            Ok(())
        } else {
            Err(shown)
        }
    })
    .await;

    fleet.kill_service(FRAUD_WORKER).await;
    fleet.settle().await;
    let found = alerts(&client, &rich).await;
    let rules: Vec<&Value> = found.iter().map(|alert| &alert["rule"]).collect();
    assert_eq!(rules, ["large_withdrawal", "large_deposit"]);
    assert_eq!(found[0]["seq"], event["seq"]);
    assert_eq!(found[0]["transaction"], event["id"]);
    assert_eq!(found[0]["evidence"]["amount"], "10000.00");
    let id = found[0]["id"].as_str().expect("an id");
    let shown = client.get(&format!("/v1/alerts/{id}")).await.found();
    assert_eq!(shown, found[0]);
    the_stream_is_the_log(&fleet).await;
    fleet.close().await;
}

/// Read as a stranger reads it: every alert is there once, and the chain holds.
async fn the_stream_is_the_log(fleet: &Fleet) {
    let js = async_nats::jetstream::new(fleet.nats().await);
    let spec = Topology::default().worker_stream(Worker::Fraud);
    let name = spec.expect("it publishes").name;
    let head = fleet.scalar("SELECT seq FROM fraud.head").await;
    let found = fleet.scalar("SELECT count(*) FROM fraud.alerts").await;
    assert_eq!(head, found);
    let stream = eventually("every alert is published", BACK, async || {
        let stream = js.get_stream(&name).await.map_err(|e| e.to_string())?;
        match i64::try_from(stream.cached_info().state.messages) {
            Ok(published) if published == head => Ok(stream),
            other => Err(format!("{other:?} of {head}")),
        }
    })
    .await;
    let mut hash = chain::GENESIS;
    for seq in 1..=u64::try_from(head).expect("positive") {
        let message = stream.get_raw_message(seq).await.expect("it is there");
        hash = chain::link(&hash, &message.payload);
        let header = message.headers.get(headers::HASH).expect("a hash");
        assert_eq!(header.as_str(), hex::encode(hash));
        let event = AlertRaised::decode(&message.payload).expect("an alert");
        assert_eq!(event.seq, seq);
    }
}
