//! Streams and consumers are what the topology says, or an error names the difference.

use contracts::topology::{ConsumerSpec, Worker};
use service_runtime::{
    Clock, Process, State,
    nats::{self, TopologyError},
};
use testkit::{eventually, servers};

use crate::world::{PATIENCE, World};

fn differing_field(error: TopologyError) -> &'static str {
    match error {
        TopologyError::Differs { field, .. } => field,
        TopologyError::Server { name, source } => panic!("{name}: {source}"),
    }
}

#[tokio::test]
async fn a_stream_is_made_once_and_then_compared() {
    let world = World::start().await;
    let mut spec = world.spec();
    nats::ensure_stream(&world.js, &spec)
        .await
        .expect("is made");
    nats::ensure_stream(&world.js, &spec)
        .await
        .expect("is the same");
    spec.bytes_max /= 2;
    let error = nats::ensure_stream(&world.js, &spec)
        .await
        .expect_err("differs");
    let text = error.to_string();
    assert!(
        text.contains("33554432") && text.contains("67108864"),
        "{text}"
    );
    assert_eq!(differing_field(error), "max_bytes");
}

#[tokio::test]
async fn a_consumer_is_made_once_and_never_changed_behind_somebodys_back() {
    let world = World::start().await;
    let spec = world.topology.consumer(Worker::Analytics);
    let error = nats::ensure_consumer(&world.js, &spec)
        .await
        .expect_err("there is no stream");
    assert!(matches!(error, TopologyError::Server { .. }), "{error}");
    nats::ensure_stream(&world.js, &world.spec())
        .await
        .expect("is made");
    nats::ensure_consumer(&world.js, &spec)
        .await
        .expect("is made");
    nats::ensure_consumer(&world.js, &spec)
        .await
        .expect("is the same");
    let narrow = ConsumerSpec {
        filter: world.topology.subject("ledger.v1.transfer.>"),
        ..spec.clone()
    };
    let error = nats::ensure_consumer(&world.js, &narrow)
        .await
        .expect_err("differs");
    assert_eq!(differing_field(error), "filter_subject");
    nats::ensure_consumer(&world.js, &spec)
        .await
        .expect("was not changed");
}

#[tokio::test]
async fn a_server_that_is_away_degrades_the_process_and_does_not_hold_it_up() {
    let process = Process::new("test", Clock::system());
    let nats = |process: &Process| {
        process
            .health()
            .snapshot()
            .into_iter()
            .find(|(part, _)| *part == "nats")
    };
    // Nobody listens on port 1.
    nats::connect("nats://127.0.0.1:1", "test", &process)
        .await
        .expect("answers at once");
    assert!(matches!(nats(&process), Some((_, State::Degraded(_)))));
    process.shutdown();
    process.wait(PATIENCE).await.expect("nothing crashed");

    let process = Process::new("test", Clock::system());
    let url = servers().nats.url();
    nats::connect(&url, "test", &process)
        .await
        .expect("the address parses");
    eventually("NATS is connected", PATIENCE, async || {
        nats(&process) == Some(("nats", State::Ok))
    })
    .await;
    process.shutdown();
    process.wait(PATIENCE).await.expect("nothing crashed");
}
