//! Everything once, in order, whoever dies.

use contracts::{chain, headers};
use testkit::eventually;

use crate::world::{PATIENCE, World, header, seqs};

#[tokio::test]
async fn events_arrive_in_order_with_their_headers_and_a_chain_that_holds() {
    let world = World::start().await;
    world.append(700).await;
    let relay = world.relay().await;
    world.wait_for_messages(700).await;
    world.append(3).await;
    world.wait_for_messages(703).await;

    let stored = world.stored().await;
    assert_eq!(seqs(&stored), (1..=703).collect::<Vec<u64>>());
    let mut hash = chain::GENESIS;
    for message in &stored {
        hash = chain::link(&hash, &message.payload);
        assert_eq!(header(message, headers::HASH), hex::encode(hash));
    }
    let row: (uuid::Uuid, chrono::DateTime<chrono::Utc>) =
        sqlx::query_as("SELECT event_id, posted_at FROM ledger.events WHERE seq = 703")
            .fetch_one(&world.pool)
            .await
            .expect("reads");
    let last = stored.last().expect("there are some");
    let id = contracts::EventId::from_uuid(row.0).to_string();
    assert_eq!(
        last.subject.as_str(),
        world.topology.subject("ledger.v1.wallet.created.07")
    );
    assert_eq!(header(last, headers::MSG_ID), format!("{id}.1"));
    assert_eq!(header(last, headers::EPOCH), "1");
    assert_eq!(header(last, headers::CE_ID), id);
    assert_eq!(
        header(last, headers::CE_TYPE),
        "florin.ledger.wallet.created.v1"
    );
    assert_eq!(header(last, headers::CE_SOURCE), "/florin/ledger");
    assert_eq!(header(last, headers::CE_SPECVERSION), "1.0");
    assert_eq!(header(last, headers::CONTENT_TYPE), "application/json");
    let time: chrono::DateTime<chrono::Utc> =
        header(last, headers::CE_TIME).parse().expect("RFC 3339");
    assert_eq!(time, row.1);
    assert!(header(last, headers::TRACEPARENT).starts_with("00-0af7"));
    world.wait_for_place(1, 703).await;
    relay.stop().await;
}

/// The relay is dropped while publishes are in flight, so nobody knows which were stored; the
/// next one must find out from the stream.
#[tokio::test]
async fn a_relay_killed_in_the_middle_of_its_window_publishes_each_event_once() {
    let world = World::start().await;
    world.append(6_000).await;
    let mut killed_with_some_in_flight = 0;
    for round in 1..=6_u64 {
        let relay = world.relay().await;
        // As fast as it goes: the window passes in milliseconds.
        loop {
            let stream = world.js.get_stream(world.spec().name).await;
            if stream.is_ok_and(|stream| stream.cached_info().state.messages >= round * 700) {
                break;
            }
            tokio::task::yield_now().await;
        }
        relay.kill().await;
        let stored = world.stream().await.cached_info().state.messages;
        let cursor = world.place().await.expect("there is a place").1;
        killed_with_some_in_flight += u32::from(i64::try_from(stored).expect("small") > cursor);
    }
    let relay = world.relay().await;
    world.wait_for_messages(6_000).await;
    world.append(1).await;
    world.wait_for_messages(6_001).await;
    relay.stop().await;
    assert_eq!(
        seqs(&world.stored().await),
        (1..=6_001).collect::<Vec<u64>>()
    );
    assert_eq!(world.place().await, Some((1, 6_001)));
    assert!(
        killed_with_some_in_flight > 0,
        "the test did not hit what it is about"
    );
}

#[tokio::test]
async fn of_two_relays_one_publishes_and_the_other_takes_over() {
    let world = World::start().await;
    let first = world.relay().await;
    world.append(50).await;
    world.wait_for_messages(50).await;
    let second = world.relay().await;
    world.append(50).await;
    world.wait_for_messages(100).await;
    first.kill().await;
    world.append(50).await;
    world.wait_for_messages(150).await;
    second.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=150).collect::<Vec<u64>>());
}

/// Postgres ends the leader's session, as it does with a paused one. The lock goes to the other
/// relay while the first one still has publishes in flight.
#[tokio::test]
async fn a_leader_that_loses_its_session_publishes_nothing_twice() {
    let world = World::start().await;
    let (first, second) = (world.relay().await, world.relay().await);
    for round in 1..=10_u64 {
        world.append(400).await;
        eventually("a leader's session ends", PATIENCE, async || {
            let ended: i64 = sqlx::query_scalar(
                "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks l
                 JOIN pg_database d ON d.oid = l.database
                 WHERE l.locktype = 'advisory' AND l.granted AND d.datname = current_database()",
            )
            .fetch_one(&world.pool)
            .await
            .expect("terminates");
            ended > 0
        })
        .await;
        world.wait_for_messages(round * 400).await;
    }
    first.stop().await;
    second.stop().await;
    assert_eq!(
        seqs(&world.stored().await),
        (1..=4_000).collect::<Vec<u64>>()
    );
    assert_eq!(
        world.place().await.expect("a place").0,
        1,
        "nothing was refilled"
    );
}

#[tokio::test]
async fn a_hole_in_the_log_stops_the_relay_before_it() {
    let world = World::start().await;
    world.append(20).await;
    sqlx::query("DELETE FROM ledger.events WHERE seq = 11")
        .execute(&world.pool)
        .await
        .expect("ok");
    let relay = world.relay().await;
    let why = relay.wait_until_down().await;
    assert!(why.contains("no event 11"), "{why}");
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=10).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_log_that_was_tampered_with_is_not_published() {
    let world = World::start().await;
    world.append(20).await;
    sqlx::query("UPDATE ledger.events SET data = replace(data, 'quoted', 'forged') WHERE seq = 5")
        .execute(&world.pool)
        .await
        .expect("tampers");
    let relay = world.relay().await;
    let why = relay.wait_until_down().await;
    assert!(why.contains("event 5 of the log is broken"), "{why}");
    relay.stop().await;
    assert_eq!(seqs(&world.stored().await), (1..=4).collect::<Vec<u64>>());
}
