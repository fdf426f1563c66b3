//! `florin doctor` names what is wrong, and nothing else: a fleet is broken in one way after the
//! other.

use contracts::topology::Topology;
use florin::api_client::Movement;
use local_servers::{Signal, send};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::SOON;
use crate::fleet::{TestFleet, florin, open, ran};

/// What it said about a fleet: its exit code and the document.
async fn examine(fleet: &TestFleet) -> (i32, Value) {
    let data = fleet.data_text();
    let child = tokio::task::spawn_blocking(move || {
        let output = florin()
            .args(["doctor", "--json", "--data", &data])
            .output();
        output.expect("florin starts")
    });
    let output = child.await.expect("no panic");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let words = String::from_utf8_lossy(&output.stderr);
        panic!("{error}: {words}")
    });
    let code = output.status.code().expect("it ends by itself");
    assert_eq!(report["healthy"], code == 0);
    (code, report)
}

/// Subject, words and advice of every finding.
fn findings(report: &Value) -> Vec<(String, String, String)> {
    let text = |finding: &Value, field: &str| finding[field].as_str().expect("a text").to_owned();
    let findings = report["findings"].as_array().expect("a list").iter();
    findings
        .map(|finding| {
            (
                text(finding, "subject"),
                text(finding, "found"),
                text(finding, "advice"),
            )
        })
        .collect()
}

/// Waits until it finds exactly this: each subject once, with these words and this advice.
async fn finds(fleet: &TestFleet, expected: &[(&str, &str, &str)]) {
    testkit::eventually(&format!("{expected:?}"), SOON, async || {
        let (code, report) = examine(fleet).await;
        let found = findings(&report);
        let same = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| {
                found.0 == expected.0
                    && found.1.contains(expected.1)
                    && found.2.contains(expected.2)
            });
        if same && (code == 0) == expected.is_empty() {
            Ok(())
        } else {
            Err(format!("{code}: {found:#?}"))
        }
    })
    .await;
}

async fn owner(fleet: &TestFleet) -> PgConnection {
    PgConnection::connect(&fleet.endpoints().postgres)
        .await
        .expect("the database answers")
}

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

#[tokio::test]
async fn a_healthy_fleet_is_told_so_a_dead_one_what_to_do_and_an_empty_folder_that_it_is_none() {
    let nowhere = tempfile::tempdir().expect("tempdir");
    let folder = nowhere.path().display().to_string();
    let output = ran(&["doctor", "--data", &folder]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");

    let mut fleet = TestFleet::start(&[]).await;
    open(&fleet.client(), "ann").await;
    finds(&fleet, &[]).await;
    let data = fleet.data_text();
    let output = ran(&["doctor", "--data", &data]);
    let words = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{words}");
    assert!(words.starts_with("Nothing is wrong.\n"), "{words}");
    assert!(words.contains("fraud: has settled everything"), "{words}");

    fleet.stop();
    let (code, report) = examine(&fleet).await;
    assert_eq!(code, 1, "{report:#}");
    let (subject, found, advice) = &findings(&report)[0];
    assert_eq!(subject, "fleet");
    assert!(found.starts_with("no fleet runs on "), "{found}");
    assert!(advice.contains("florin up --data "), "{advice}");
}

#[tokio::test]
async fn what_is_wrong_with_processes_and_streams_is_named_alone_and_with_advice() {
    let fleet = TestFleet::start(&[]).await;
    let client = fleet.client();
    let ann = open(&client, "ann").await;
    finds(&fleet, &[]).await;
    let endpoints = fleet.endpoints();

    // A consumer that nobody can make again, because its worker is stopped.
    let fraud = endpoints.services["fraud-worker"].pid;
    send(fraud, Signal::Stop).expect("it runs");
    let stopped = ("fraud-worker", "is stopped", "kill -CONT");
    finds(&fleet, &[stopped]).await;
    let nats = async_nats::connect(&endpoints.nats)
        .await
        .expect("connects");
    let js = async_nats::jetstream::new(nats);
    let spec = Topology::default().ledger_stream();
    let stream = js.get_stream(&spec.name).await.expect("is there");
    stream.delete_consumer("fraud").await.expect("deletes");
    let missing = (
        "consumer LEDGER / fraud",
        "is missing",
        "florin topology apply",
    );
    finds(&fleet, &[missing, stopped]).await;
    send(fraud, Signal::Cont).expect("it runs");
    finds(&fleet, &[]).await;

    // A server that is away explains what its clients say.
    let nats = endpoints.servers.nats.as_ref().expect("its own").pid;
    send(nats, Signal::Stop).expect("it runs");
    client
        .deposit("meanwhile", ann.id, &Movement::of("1", "EUR"))
        .await
        .expect("writes go on");
    finds(
        &fleet,
        &[("nats-server", "Reads and writes go on", "kill -CONT")],
    )
    .await;
    send(nats, Signal::Cont).expect("it runs");
    finds(&fleet, &[]).await;

    let postgres = endpoints.servers.postgres.as_ref().expect("its own").pid;
    send(postgres, Signal::Stop).expect("it runs");
    finds(&fleet, &[("Postgres", "out of reach", "kill -CONT")]).await;
    send(postgres, Signal::Cont).expect("it runs");
    finds(&fleet, &[]).await;

    // A message that no relay published.
    let subject = "ledger.v1.transfer.posted.00";
    js.publish(subject, "no event".into())
        .await
        .expect("sends")
        .await
        .expect("stored");
    let dead = |worker| {
        (
            worker,
            "1 dead letters wait for a decision: 1 foreign",
            "florin dlq list",
        )
    };
    let workers = ["fraud-worker", "analytics-worker", "settlement-worker"];
    finds(&fleet, &workers.map(dead)).await;
}

#[tokio::test]
async fn what_is_wrong_with_the_database_and_the_key_is_named_alone_and_with_advice() {
    let fleet = TestFleet::start(&[]).await;
    finds(&fleet, &[]).await;
    let mut owner = owner(&fleet).await;

    // The role of one service is enough.
    run(
        &mut owner,
        "ALTER ROLE florin_ledger SET synchronous_commit = off",
    )
    .await;
    let unsafe_setting = (
        "Postgres",
        "synchronous_commit is off",
        "synchronous_commit = on",
    );
    finds(&fleet, &[unsafe_setting]).await;
    run(
        &mut owner,
        "ALTER ROLE florin_ledger RESET synchronous_commit",
    )
    .await;
    finds(&fleet, &[]).await;

    run(
        &mut owner,
        "UPDATE fraud._sqlx_migrations SET success = false WHERE version = 1001",
    )
    .await;
    let pending = (
        "fraud",
        "1 migrations of the schema fraud are not applied",
        "florin migrate",
    );
    finds(&fleet, &[pending]).await;
    run(
        &mut owner,
        "UPDATE fraud._sqlx_migrations SET success = true",
    )
    .await;

    finds(&fleet, &[]).await;

    let key = fleet.data().join(florin::token::PRIVATE_KEY);
    let aside = key.with_extension("aside");
    std::fs::rename(&key, &aside).expect("moves");
    finds(
        &fleet,
        &[("ledger-api", "no token can be made", "jwt-private.pem")],
    )
    .await;
    std::fs::rename(&aside, &key).expect("moves");
}

#[tokio::test]
async fn work_left_undone_and_books_that_are_wrong_are_named_alone_and_with_advice() {
    let fleet = TestFleet::start(&["--analytics-worker", "0"]).await;
    let client = fleet.client();
    let ann = open(&client, "ann").await;
    let movement = Movement::of("1", "EUR");
    let deposited = client.deposit("one", ann.id, &movement).await;
    deposited.expect("deposits");
    finds(&fleet, &[]).await;
    let mut owner = owner(&fleet).await;

    // A worker that has been away for an hour, and one event that it could not do.
    run(
        &mut owner,
        "INSERT INTO analytics.inbox (consumer, source) VALUES ('analytics', 'ledger');
         SET session_replication_role = replica;
         UPDATE ledger.events SET posted_at = now() - interval '1 hour';
         SET session_replication_role = origin;",
    )
    .await;
    let lag = (
        "analytics-worker",
        "2 events are not settled, the oldest for 3",
        "/metrics",
    );
    finds(&fleet, &[lag]).await;
    run(&mut owner, "UPDATE analytics.inbox SET done = '{[1,3)}'").await;
    finds(&fleet, &[]).await;

    run(&mut owner, "UPDATE ledger.relay SET cursor = cursor + 10").await;
    let ahead = (
        "stream LEDGER",
        "Postgres was restored",
        "florin topology reset",
    );
    finds(&fleet, &[ahead]).await;
    run(&mut owner, "UPDATE ledger.relay SET cursor = cursor - 10").await;

    run(
        &mut owner,
        "UPDATE ledger.balances SET posted = posted + 0.01 WHERE account = 'main'",
    )
    .await;
    let unbalanced = ("ledger-api", "do not sum to zero", "florin verify");
    finds(&fleet, &[unbalanced]).await;
}
