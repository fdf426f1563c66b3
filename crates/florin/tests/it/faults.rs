//! What dies is restarted in its place, and when `up` itself is killed nothing is left.

use florin::api_client::Movement;
use florin::fleet::Endpoints;
use local_servers::{Signal, is_running, send};

use crate::SOON;
use crate::fleet::{TestFleet, open};

async fn replaced(fleet: &TestFleet, what: &str, pid_of: impl Fn(&Endpoints) -> u32) {
    let before = fleet.endpoints();
    send(pid_of(&before), Signal::Kill).expect("kill");
    let after = testkit::eventually(what, SOON, async || {
        let now = fleet.endpoints();
        if pid_of(&now) != pid_of(&before) && is_running(pid_of(&now)) {
            Ok(now)
        } else {
            Err(now)
        }
    })
    .await;
    assert_eq!((&before.http, &before.nats), (&after.http, &after.nats));
    assert_eq!(before.postgres, after.postgres);
    for (name, service) in &before.services {
        assert_eq!(service.admin, after.services[name].admin, "{name}");
    }
}

#[tokio::test]
async fn whoever_dies_comes_back_at_the_same_address() {
    let fleet = TestFleet::start(&[]).await;
    let client = fleet.client();
    let ann = open(&client, "ann").await;
    replaced(&fleet, "the ledger is restarted", |now| {
        now.services["ledger-api"].pid
    })
    .await;
    client
        .deposit("one", ann.id, &Movement::of("1", "EUR"))
        .await
        .expect("after the ledger died");
    replaced(&fleet, "nats-server is restarted", |now| {
        now.servers.nats.as_ref().expect("its own").pid
    })
    .await;
    client
        .deposit("two", ann.id, &Movement::of("2", "EUR"))
        .await
        .expect("after NATS died");
    replaced(&fleet, "Postgres is restarted", |now| {
        now.servers.postgres.as_ref().expect("its own").pid
    })
    .await;
    let posted = client
        .deposit("three", ann.id, &Movement::of("4", "EUR"))
        .await;
    let posted = posted.expect("after Postgres died").body;
    replaced(&fleet, "the worker is restarted", |now| {
        now.services["analytics-worker"].pid
    })
    .await;

    let stats = testkit::eventually("the statistics are complete", SOON, async || {
        let stats = client
            .stats(ann.id)
            .await
            .map_err(|error| error.to_string())?;
        if stats.as_of_seq >= posted.seq {
            Ok(stats)
        } else {
            Err(format!("{stats:?}"))
        }
    })
    .await;
    assert_eq!(stats.balances[0].deposited.count, 3);
    assert_eq!(stats.balances[0].deposited.amount.to_string(), "7.00");
}

#[tokio::test]
async fn a_killed_up_leaves_no_process_behind() {
    let mut fleet = TestFleet::start(&[]).await;
    let processes = fleet.processes();
    fleet.end(Signal::Kill);
    testkit::eventually("all processes are gone", SOON, async || {
        let left: Vec<_> = processes.iter().filter(|pid| is_running(**pid)).collect();
        if left.is_empty() {
            Ok(())
        } else {
            Err(format!("{left:?}"))
        }
    })
    .await;

    // What is left of it does not fool anybody, and does not hinder a successor.
    assert!(fleet.data().join("endpoints.json").exists());
    let lost = crate::fleet::ran(&["topology", "--data", &fleet.data_text()]);
    assert_eq!(
        lost.status.code(),
        Some(3),
        "{}",
        String::from_utf8_lossy(&lost.stderr)
    );
    fleet.again(&[]).await;
}

#[tokio::test]
async fn a_stream_that_was_reset_is_filled_again_and_counts_once() {
    let fleet = TestFleet::start(&[]).await;
    let (client, data) = (fleet.client(), fleet.data_text());
    let ann = open(&client, "ann").await;
    client
        .deposit("before", ann.id, &Movement::of("1", "EUR"))
        .await
        .expect("a deposit");
    let refused = crate::fleet::ran(&["topology", "reset", "--data", &data]);
    assert_eq!(refused.status.code(), Some(2));
    let reset = crate::fleet::ran(&["topology", "reset", "--confirm", "--data", &data]);
    assert!(
        reset.status.success(),
        "{}",
        String::from_utf8_lossy(&reset.stderr)
    );

    let posted = client
        .deposit("after", ann.id, &Movement::of("2", "EUR"))
        .await;
    let posted = posted.expect("a deposit").body;
    testkit::eventually("the stream has every event again", SOON, async || {
        let shown = crate::fleet::ran(&["topology", "--data", &data, "--json"]);
        let shown: serde_json::Value =
            serde_json::from_slice(&shown.stdout).map_err(|error| error.to_string())?;
        let messages = shown["streams"][0]["messages"].as_u64();
        let pending = shown["consumers"][0]["pending"].as_u64();
        if (messages, pending) == (Some(posted.seq), Some(0)) {
            Ok(())
        } else {
            Err(shown.to_string())
        }
    })
    .await;
    let stats = testkit::eventually("the statistics are complete", SOON, async || {
        let stats = client
            .stats(ann.id)
            .await
            .map_err(|error| error.to_string())?;
        if stats.as_of_seq >= posted.seq {
            Ok(stats)
        } else {
            Err(format!("{stats:?}"))
        }
    })
    .await;
    assert_eq!(stats.balances[0].deposited.count, 2);
}
