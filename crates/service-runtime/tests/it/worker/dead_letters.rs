//! Dead letters are announced.

use async_nats::jetstream::{self, message::StreamMessage};
use contracts::{headers, topology};
use futures_util::StreamExt as _;
use service_runtime::nats;
use testkit::eventually;

use crate::worker_world::{Deed, PATIENCE, World};

/// Everything on the worker's dead-letter stream.
async fn announced(world: &World) -> Vec<StreamMessage> {
    let spec = world.topology.dlq_stream(topology::Worker::Analytics);
    let Ok(stream) = world.js.get_stream(&spec.name).await else {
        return Vec::new();
    };
    let mut all = Vec::new();
    for sequence in 1..=stream.cached_info().state.last_sequence {
        all.push(stream.get_raw_message(sequence).await.expect("is there"));
    }
    all
}

async fn wait_for_announcements(world: &World, count: usize) -> Vec<StreamMessage> {
    eventually("they are announced", PATIENCE, async || {
        let all = announced(world).await;
        if all.len() == count {
            Ok(all)
        } else {
            Err(all.len())
        }
    })
    .await
}

fn header<'a>(message: &'a StreamMessage, name: &str) -> &'a str {
    message
        .headers
        .get(name)
        .map(async_nats::HeaderValue::as_str)
        .unwrap_or_default()
}

#[tokio::test]
async fn the_stream_is_told_what_postgres_has_and_told_again_when_it_was_lost() {
    let world = World::start().await;
    world.deeds.set(2, Deed::Park);
    world.append(3).await;
    world
        .send(
            "ledger.v1.deposit.posted.00",
            async_nats::HeaderMap::new(),
            "forged",
        )
        .await;
    let worker = world.worker().await;
    world.wait_for_letters(2).await;
    let all = wait_for_announcements(&world, 2).await;
    let event = all
        .iter()
        .find(|message| header(message, headers::SEQ) == "2")
        .expect("told");
    let logged = world.logged(2);
    assert_eq!(event.payload.as_ref(), logged.data.as_bytes());
    let prefix = world.topology.subject("dlq.v1.analytics.deposit.posted");
    assert_eq!(event.subject.as_str(), prefix);
    assert_eq!(header(event, headers::DLQ_REASON), "hopeless");
    assert_eq!(header(event, headers::DLQ_ERROR), "never");
    assert_eq!(header(event, headers::DLQ_SUBJECT), logged.subject);
    assert_eq!(header(event, headers::DLQ_ATTEMPTS), "1");
    let foreign = all
        .iter()
        .find(|message| header(message, headers::SEQ).is_empty());
    let foreign = foreign.expect("told");
    assert_eq!(foreign.payload.as_ref(), b"forged");
    assert!(
        foreign
            .subject
            .ends_with("dlq.v1.analytics.unknown.unknown")
    );

    let spec = world.topology.dlq_stream(topology::Worker::Analytics);
    world.js.delete_stream(spec.name).await.expect("deletes");
    wait_for_announcements(&world, 2).await;
    worker.stop().await;
}

/// Sent is not stored: the stream may refuse, and a dead letter that was only sent is told again.
#[tokio::test]
async fn an_announcement_that_the_stream_refused_is_made_again() {
    let world = World::start().await;
    let spec = world.topology.dlq_stream(topology::Worker::Analytics);
    let stream = nats::ensure_stream(&world.js, &spec)
        .await
        .expect("creates");
    let config = stream.cached_info().config.clone();
    let refusing = jetstream::stream::Config {
        max_message_size: 10,
        ..config.clone()
    };
    world.js.update_stream(refusing).await.expect("is updated");
    let subject = world.topology.subject("dlq.v1.analytics.>");
    let mut sent = world.client.subscribe(subject).await.expect("subscribes");
    world.deeds.set(1, Deed::Park);
    world.append(1).await;
    let worker = world.worker().await;
    for _ in 0..2 {
        let heard = tokio::time::timeout(PATIENCE, sent.next()).await;
        heard.expect("it is sent").expect("subscribed");
    }
    world.js.update_stream(config).await.expect("is updated");
    wait_for_announcements(&world, 1).await;
    worker.stop().await;
}

/// Whoever may publish can send the largest message that the server takes, most of it headers.
/// Its announcement has headers of our own besides, and must not hold up the others.
#[tokio::test]
async fn a_message_as_large_as_can_be_does_not_hold_up_the_announcements() {
    let world = World::start().await;
    let mut map = async_nats::HeaderMap::new();
    for name in [headers::CE_SOURCE, headers::CE_TIME, headers::CE_TYPE] {
        map.insert(name, "\u{1f98a}".repeat(1_000).as_str());
    }
    map.insert(headers::CE_ID, "\u{1f98a}".repeat(1_000).as_str());
    map.insert(headers::TRACEPARENT, "\u{1f98a}".repeat(1_000).as_str());
    let max_payload = world.client.server_info().max_payload;
    // Five headers of 4,000 bytes and their names, and the rest is data.
    let data = "x".repeat(max_payload - 5 * 4_000 - 200);
    world.send("ledger.v1.deposit.posted.00", map, &data).await;
    world.append(2).await;
    world.deeds.set(1, Deed::Park);
    let worker = world.worker().await;
    world.wait_for_letters(2).await;
    let all = wait_for_announcements(&world, 2).await;
    let large = all
        .iter()
        .find(|message| header(message, headers::SEQ).is_empty())
        .expect("told");
    assert!(large.payload.is_empty(), "Postgres has the data");
    worker.stop().await;
}
