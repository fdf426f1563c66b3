//! What the relay makes of messages that it did not publish, and of a log that went back in
//! time.

use std::time::Duration;

use async_nats::{HeaderMap, jetstream::context::PublishErrorKind};
use contracts::{chain, headers};
use testkit::{Fault, TcpProxy, servers};

use crate::world::{World, seqs};

fn claim(seq: u64, hash: &chain::Hash) -> HeaderMap {
    let mut map = HeaderMap::new();
    map.insert(headers::SEQ, seq.to_string());
    map.insert(headers::HASH, hex::encode(hash));
    map.insert(headers::EPOCH, "1");
    map
}

#[tokio::test]
async fn forged_messages_at_the_tail_do_not_stop_the_relay() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(20).await;
    world.wait_for_place(1, 20).await;
    // While it runs, and while it is away.
    world.forge(HeaderMap::new(), "no headers at all").await;
    world.append(5).await;
    world.wait_for_place(1, 25).await;
    relay.stop().await;

    let copied = world.stored().await;
    world
        .forge(claim(24, &[7; 32]), "a hash that the log does not have")
        .await;
    world.forge(claim(9_000, &[8; 32]), "beyond the head").await;
    world
        .forge(
            copied[4]
                .headers
                .iter()
                .fold(HeaderMap::new(), copy_without_nats),
            "forged",
        )
        .await;
    let old = copied[4]
        .headers
        .iter()
        .fold(HeaderMap::new(), copy_without_nats);
    let data = String::from_utf8(copied[4].payload.to_vec()).expect("text");
    world.forge(old, &data).await;
    let relay = world.relay().await;
    world.append(5).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;

    let mut expected: Vec<u64> = (1..=20).collect();
    expected.push(0);
    expected.extend(21..=25);
    expected.extend([24, 9_000, 5, 5]);
    expected.extend(26..=30);
    assert_eq!(seqs(&world.stored().await), expected);
}

fn copy_without_nats(
    mut map: HeaderMap,
    (name, values): (&async_nats::HeaderName, &Vec<async_nats::HeaderValue>),
) -> HeaderMap {
    let name: &str = name.as_ref();
    if !name.starts_with("Nats-") {
        map.insert(name, values[0].clone());
    }
    map
}

/// Postgres ends the leader's session when it is silent for 15 seconds. Where nats-server is far
/// away, a walk over messages of others takes longer.
#[tokio::test]
async fn a_long_walk_over_foreign_messages_keeps_the_lead() {
    let mut world = World::start().await;
    let relay = world.relay().await;
    world.append(5).await;
    world.wait_for_place(1, 5).await;
    relay.stop().await;
    for _ in 0..220 {
        world.forge(HeaderMap::new(), "no headers at all").await;
    }
    world.append(5).await;
    let upstream = ([127, 0, 0, 1], servers().nats.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    proxy.set(Fault::Delay(Duration::from_millis(40))).await;
    world.nats_url = proxy.through(&world.nats_url);
    let relay = world.relay().await;
    world.wait_for_place(1, 10).await;
    relay.stop().await;
}

/// A forger who knows the next id would make nats-server take the relay's message for a
/// duplicate. In a new epoch the id is another.
#[tokio::test]
async fn a_stolen_message_id_does_not_swallow_an_event() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(5).await;
    world.wait_for_place(1, 5).await;
    relay.stop().await;
    world.append(5).await;
    let id: uuid::Uuid = sqlx::query_scalar("SELECT event_id FROM ledger.events WHERE seq = 6")
        .fetch_one(&world.pool)
        .await
        .expect("reads");
    let mut stolen = HeaderMap::new();
    stolen.insert(
        headers::MSG_ID,
        format!("{}.1", contracts::EventId::from_uuid(id)),
    );
    world.forge(stolen, "stolen").await;
    let relay = world.relay().await;
    world.wait_for_place(2, 10).await;
    relay.stop().await;
    assert_eq!(
        seqs(&world.stored().await),
        [1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10]
    );
}

#[tokio::test]
async fn a_log_restored_to_an_older_state_is_not_published_on_top_of_the_newer_one() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(30).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;
    world.restore(20).await;

    let relay = world.relay().await;
    let why = relay.wait_until_down().await;
    assert!(why.contains("florin topology reset"), "{why}");
    relay.stop().await;
    // The ledger serves again, and writes another event 21, and more than there were.
    world.append(40).await;
    let relay = world.relay().await;
    let why = relay.wait_until_down().await;
    assert!(why.contains("florin topology reset"), "{why}");
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=30).collect::<Vec<u64>>());
    assert_eq!(world.place().await, Some((1, 20)));
}

/// The backup is so old that the stream dropped the first message after it.
#[tokio::test]
async fn a_log_restored_to_before_the_stream_begins_is_noticed_too() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(30).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;
    world.stream().await.purge().keep(5).await.expect("purges");
    world.restore(10).await;
    let relay = world.relay().await;
    let why = relay.wait_until_down().await;
    assert!(why.contains("florin topology reset"), "{why}");
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (26..=30).collect::<Vec<u64>>());
}

/// The way out that the alarm names: the stream is deleted, and the relay fills a new one.
#[tokio::test]
async fn after_a_reset_the_restored_log_is_published() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(30).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;
    world.restore(20).await;
    let relay = world.relay().await;
    relay.wait_until_down().await;
    world
        .js
        .delete_stream(world.spec().name)
        .await
        .expect("deletes");
    world.wait_for_place(2, 20).await;
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=20).collect::<Vec<u64>>());
}

/// What a relay that was paused sends when it wakes up: its messages as they are stored, with the
/// fence that it knew. The id of the message before guards where the sequence happens to fit.
#[tokio::test]
async fn a_publish_of_a_relay_that_was_overtaken_is_refused() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(10).await;
    world.wait_for_place(1, 10).await;
    relay.stop().await;
    let stored = world.stored().await;
    // Under another id, or it would be taken for a repetition.
    let mut stale = HeaderMap::new();
    for (name, values) in stored[7].headers.iter() {
        stale.insert(name.clone(), values[0].clone());
    }
    stale.insert(headers::MSG_ID, "another");
    let mut fits = stale.clone();
    fits.insert(headers::EXPECTED_LAST_SEQUENCE, "10");
    let subject = world.topology.subject("ledger.v1.wallet.created.07");
    for (map, refusal) in [
        (stale, PublishErrorKind::WrongLastSequence),
        (fits, PublishErrorKind::WrongLastMessageId),
    ] {
        let payload = stored[7].payload.clone();
        let ack = world
            .js
            .publish_with_headers(subject.clone(), map, payload)
            .await
            .expect("publishes");
        let error = ack.await.expect_err("is refused");
        assert_eq!(error.kind(), refusal);
    }
}
