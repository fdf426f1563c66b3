//! A worker that joins a fleet later.

use async_nats::jetstream::{self, consumer::PullConsumer};
use contracts::topology::Topology;
use florin::api_client::Movement;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::SOON;
use crate::fleet::{TestFleet, open};

async fn text(connection: &mut PgConnection, sql: &str) -> Option<String> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned()))
        .fetch_one(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// What the worker that was there has delivered and settled, and what it made of it.
async fn of_the_first(fleet: &TestFleet, owner: &mut PgConnection) -> Vec<String> {
    let nats = async_nats::connect(fleet.endpoints().nats).await;
    let js = jetstream::new(nats.expect("connects"));
    let stream = Topology::default().ledger_stream().name;
    let consumer: Result<PullConsumer, _> = js.get_consumer_from_stream("analytics", stream).await;
    let consumer = consumer.expect("is there");
    let info = consumer.cached_info();
    let delivered = (info.delivered.consumer_sequence, info.num_redelivered);
    let mut all = vec![format!("{delivered:?}")];
    for sql in [
        "SELECT done::text FROM analytics.inbox",
        "SELECT string_agg(tallies::text, ',' ORDER BY tallies::text) FROM analytics.tallies",
    ] {
        all.push(text(owner, sql).await.expect("a row"));
    }
    all
}

/// It had neither a consumer nor an inbox when the events happened: it reads them all the same,
/// and nobody else hears anything twice.
#[tokio::test]
async fn a_new_worker_begins_with_the_first_event_and_touches_no_other() {
    let fleet = TestFleet::start(&["--fraud-worker", "0"]).await;
    let client = fleet.client();
    let ann = open(&client, "ann").await;
    for n in 0..20 {
        let key = format!("deposit-{n}");
        // The first one is large.
        let movement = Movement::of(if n == 0 { "20000" } else { "1" }, "EUR");
        client
            .deposit(&key, ann.id, &movement)
            .await
            .expect("deposits");
    }
    let mut owner = PgConnection::connect(&fleet.endpoints().postgres)
        .await
        .expect("connects");
    testkit::eventually("the first worker has settled all", SOON, async || {
        let done = text(&mut owner, "SELECT done::text FROM analytics.inbox").await;
        if done.as_deref() == Some("{[1,22)}") {
            Ok(())
        } else {
            Err(done)
        }
    })
    .await;
    let before = of_the_first(&fleet, &mut owner).await;
    let nats = async_nats::connect(fleet.endpoints().nats).await;
    let js = jetstream::new(nats.expect("connects"));
    let spec = Topology::default().ledger_stream();
    let stream = js.get_stream(&spec.name).await.expect("is there");
    stream.delete_consumer("fraud").await.expect("deletes");
    let unknown = text(&mut owner, "SELECT count(*)::text FROM fraud.inbox").await;
    assert_eq!(unknown.as_deref(), Some("0"), "it has never run");
    drop(owner);

    let fleet = fleet.again(&[]).await;
    let mut owner = PgConnection::connect(&fleet.endpoints().postgres)
        .await
        .expect("connects");
    testkit::eventually("the new worker has settled all", SOON, async || {
        let sql = "SELECT string_agg(done::text, '') FROM fraud.inbox";
        let done = text(&mut owner, sql).await;
        if done.as_deref() == Some("{[1,22)}") {
            Ok(())
        } else {
            Err(done)
        }
    })
    .await;
    let alerts = text(&mut owner, "SELECT string_agg(rule, ',') FROM fraud.alerts").await;
    assert_eq!(
        alerts.as_deref(),
        Some("large_deposit"),
        "of the purged event"
    );
    assert_eq!(of_the_first(&fleet, &mut owner).await, before);
}
