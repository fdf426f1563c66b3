//! Streams and consumers are what the topology says, or an error names the difference.

use contracts::topology::{ConsumerSpec, Worker};
use service_runtime::nats::{self, TopologyError};

use crate::world::World;

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
