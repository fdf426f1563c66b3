//! A stream that lost messages is filled again from the log, under a higher epoch.

use std::time::Duration;

use contracts::{headers, limits};
use service_runtime::Clock;

use crate::world::{World, header, seqs};

#[tokio::test]
async fn a_deleted_stream_is_filled_again_in_a_new_epoch() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(300).await;
    world.wait_for_messages(300).await;
    world
        .js
        .delete_stream(world.spec().name)
        .await
        .expect("deletes");
    world.wait_for_messages(300).await;
    world.wait_for_place(2, 300).await;
    world.append(1).await;
    world.wait_for_messages(301).await;
    relay.stop().await;
    let stored = world.stored().await;
    assert_eq!(seqs(&stored), (1..=301).collect::<Vec<u64>>());
    assert!(
        stored
            .iter()
            .all(|message| header(message, headers::EPOCH) == "2")
    );
}

#[tokio::test]
async fn a_stream_deleted_while_the_relay_is_away_is_filled_again() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(30).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;
    world
        .js
        .delete_stream(world.spec().name)
        .await
        .expect("deletes");
    let relay = world.relay().await;
    world.wait_for_place(2, 30).await;
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=30).collect::<Vec<u64>>());
}

/// nats-server still remembers the ids of the purged messages: under the old epoch every
/// publish would be a duplicate and nothing would be stored.
#[tokio::test]
async fn a_purged_stream_is_filled_again_in_a_new_epoch() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(300).await;
    world.wait_for_place(1, 300).await;
    world.stream().await.purge().await.expect("purges");
    world.wait_for_messages(300).await;
    world.wait_for_place(2, 300).await;
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=300).collect::<Vec<u64>>());
}

/// The purge is followed by new events before the relay looks, so the stream is not empty.
#[tokio::test]
async fn a_stream_purged_but_for_its_latest_messages_is_filled_again() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(300).await;
    world.wait_for_place(1, 300).await;
    world.stream().await.purge().keep(10).await.expect("purges");
    world.wait_for_messages(300).await;
    world.wait_for_place(2, 300).await;
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=300).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_stream_that_lost_its_tail_goes_on_after_what_is_left() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(30).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;
    let stream = world.stream().await;
    for sequence in 25..=30 {
        stream.delete_message(sequence).await.expect("deletes");
    }
    let relay = world.relay().await;
    world.wait_for_place(2, 30).await;
    relay.stop().await;
    let stored = world.stored().await;
    assert_eq!(seqs(&stored), (1..=30).collect::<Vec<u64>>());
    assert_eq!(header(&stored[23], headers::EPOCH), "1");
    assert_eq!(header(&stored[24], headers::EPOCH), "2");
}

#[tokio::test]
async fn a_refill_leaves_out_what_the_stream_would_have_dropped() {
    let world = World::start().await;
    let now = Clock::system().now();
    world
        .append_at(40, now - limits::STREAM_AGE_MAX - Duration::from_hours(1))
        .await;
    world.append_at(60, now).await;
    let relay = world.relay().await;
    world.wait_for_place(1, 100).await;
    relay.stop().await;
    world
        .js
        .delete_stream(world.spec().name)
        .await
        .expect("deletes");
    let relay = world.relay().await;
    world.wait_for_place(2, 100).await;
    relay.stop().await;
    assert_eq!(
        seqs(&world.stored().await),
        (41..=100).collect::<Vec<u64>>()
    );
}

#[tokio::test]
async fn a_stream_whose_events_expired_in_peace_stays_in_its_epoch() {
    let world = World::start().await;
    let relay = world.relay().await;
    world.append(30).await;
    world.wait_for_place(1, 30).await;
    relay.stop().await;
    // What the server does after a week without events.
    world.stream().await.purge().await.expect("purges");
    let later =
        Clock::manual(Clock::system().now() + limits::STREAM_AGE_MAX + Duration::from_hours(1));
    let relay = world.relay_with(later.clone()).await;
    world.append_at(2, later.now()).await;
    world.wait_for_place(1, 32).await;
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), [31, 32]);
}
