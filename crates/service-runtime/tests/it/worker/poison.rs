//! Events that cannot be applied, and the neighbours they must not hurt.

use std::time::Duration;

use contracts::EventId;
use service_runtime::{Clock, entropy};
use testkit::eventually;

use crate::worker_world::{Deed, PATIENCE, World, timings};

#[tokio::test]
async fn a_hopeless_event_is_parked_and_its_neighbours_count() {
    let world = World::start().await;
    world.deeds.set(7, Deed::Park);
    world.deeds.set(9, Deed::BreakConstraint);
    world.append(20).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[7, 9]).await;
    let letters = world.letters().await;
    assert_eq!(
        letters,
        [
            (Some(7), "hopeless".to_owned()),
            (Some(9), "constraint".to_owned())
        ]
    );
    assert_eq!(world.number("SELECT count(*) FROM attempts").await, 0);
    worker.stop().await;
}

#[tokio::test]
async fn an_event_that_panics_the_handler_twice_alone_is_parked() {
    let world = World::start().await;
    world.deeds.set(4, Deed::Panic);
    world.append(6).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[4]).await;
    assert_eq!(world.letters().await, [(Some(4), "panic".to_owned())]);
    let attempts = world
        .number("SELECT attempts::bigint FROM dead_letters")
        .await;
    assert_eq!(attempts, 2);
    worker.stop().await;
}

#[tokio::test]
async fn an_event_that_asks_for_time_gets_it_and_counts_once() {
    let world = World::start().await;
    world.deeds.set(2, Deed::Retry);
    world.append(3).await;
    let worker = world.worker().await;
    eventually("it was tried twice", PATIENCE, async || {
        world
            .number("SELECT coalesce(max(tries), 0)::bigint FROM attempts")
            .await
            >= 2
    })
    .await;
    assert_eq!(world.effects().await, [1, 3]);
    world.deeds.clear();
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    assert_eq!(world.number("SELECT count(*) FROM attempts").await, 0);
    worker.stop().await;
}

#[tokio::test]
async fn a_retry_that_outlives_its_stay_goes_to_the_table_and_counts_from_there() {
    let world = World::start().await;
    let clock = Clock::manual(Clock::system().now());
    world.deeds.set(2, Deed::Retry);
    world.append(3).await;
    let worker = world
        .worker_at(
            &world.database_url,
            &world.nats_url,
            timings(),
            clock.clone(),
        )
        .await;
    eventually("it was tried", PATIENCE, async || {
        world
            .number("SELECT count(*) FROM attempts WHERE error IS NOT NULL")
            .await
            == 1
    })
    .await;
    clock.advance(Duration::from_secs(31));
    eventually("it is in the table", PATIENCE, async || {
        world.number("SELECT count(*) FROM retrying").await == 1
    })
    .await;
    world.wait_until_settled().await;
    assert_eq!(world.effects().await, [1, 3]);
    world.deeds.clear();
    clock.advance(Duration::from_secs(61));
    eventually("it counts", PATIENCE, async || {
        world.effects().await == [1, 2, 3]
    })
    .await;
    assert_eq!(world.number("SELECT count(*) FROM retrying").await, 0);
    assert_eq!(world.letters().await, []);
    worker.stop().await;
}

/// A worker that was slow finds its lease over and another one at the same row: whoever comes
/// second does nothing.
#[tokio::test]
async fn a_retry_that_two_workers_have_in_hand_counts_once() {
    let world = World::start().await;
    let clock = Clock::manual(Clock::system().now());
    world.deeds.set(2, Deed::Retry);
    world.append(3).await;
    let start = || {
        world.worker_at(
            &world.database_url,
            &world.nats_url,
            timings(),
            clock.clone(),
        )
    };
    let one = start().await;
    eventually("it is in the table", PATIENCE, async || {
        clock.advance(Duration::from_secs(31));
        world.number("SELECT count(*) FROM retrying").await == 1
    })
    .await;
    world.wait_until_settled().await;
    let mut inbox = world.pool.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM inbox FOR UPDATE")
        .execute(&mut *inbox)
        .await
        .expect("is held");
    world.deeds.clear();
    let other = start().await;
    eventually("both have it in hand", PATIENCE, async || {
        clock.advance(Duration::from_secs(301));
        world
            .number(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await
            == 2
    })
    .await;
    inbox.rollback().await.expect("they go on");
    eventually("it counts", PATIENCE, async || {
        world.number("SELECT count(*) FROM retrying").await == 0
    })
    .await;
    one.stop().await;
    other.stop().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
}

#[tokio::test]
async fn a_retry_that_uses_up_its_time_is_parked() {
    let world = World::start().await;
    let clock = Clock::manual(Clock::system().now());
    world.deeds.set(1, Deed::Retry);
    world.append(1).await;
    let worker = world
        .worker_at(
            &world.database_url,
            &world.nats_url,
            timings(),
            clock.clone(),
        )
        .await;
    eventually("it was tried", PATIENCE, async || {
        world
            .number("SELECT count(*) FROM attempts WHERE error IS NOT NULL")
            .await
            == 1
    })
    .await;
    // Success of others tells that it is this event's fault.
    eventually("it is parked", PATIENCE, async || {
        clock.advance(Duration::from_secs(400));
        world.append(1).await;
        !world.letters().await.is_empty()
    })
    .await;
    assert_eq!(
        world.letters().await,
        [(Some(1), "retries_exhausted".to_owned())]
    );
    world.wait_until_settled().await;
    world.assert_effects_except(&[1]).await;
    worker.stop().await;
}

/// A younger ledger writes what an older worker cannot read: it is in the log, so it is marked
/// and parked, and the worker goes on.
#[tokio::test]
async fn events_of_the_log_that_nobody_can_read_are_parked_under_their_numbers() {
    let world = World::start().await;
    world.append(1).await;
    let now = Clock::system().now();
    let unknown = |data: String| {
        let id = EventId::mint(now, entropy());
        world.write_data(
            id,
            "ledger.v1.deposit.posted.00",
            now,
            data.replace("ID", &id.to_string()),
        );
    };
    unknown(r#"{"id":"ID","type":"florin.ledger.wallet.painted.v1","seq":2}"#.to_owned());
    unknown(r#"{"id":"ID","type":"florin.ledger.deposit.posted.v1","seq":3}"#.to_owned());
    unknown("not even JSON".to_owned());
    world.publish(2..=4).await;
    world.append(1).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    assert_eq!(world.effects().await, [1, 5]);
    let reasons = ["unknown_type", "malformed", "malformed"].map(str::to_owned);
    let letters = (2..=4).map(Some).zip(reasons).collect::<Vec<_>>();
    assert_eq!(world.letters().await, letters);
    worker.stop().await;
}

/// A dependency that is down fails every event. None of them is guilty.
#[tokio::test]
async fn when_everything_fails_nothing_is_given_up() {
    let world = World::start().await;
    let clock = Clock::manual(Clock::system().now());
    (1..=30).for_each(|seq| world.deeds.set(seq, Deed::Retry));
    world.append(30).await;
    let worker = world
        .worker_at(
            &world.database_url,
            &world.nats_url,
            timings(),
            clock.clone(),
        )
        .await;
    eventually("many failed", PATIENCE, async || {
        world
            .number("SELECT count(*) FROM attempts WHERE error IS NOT NULL")
            .await
            >= 10
    })
    .await;
    clock.advance(Duration::from_hours(24));
    let tries = world.number("SELECT sum(tries) FROM attempts").await;
    eventually("they were tried again", PATIENCE, async || {
        world
            .number("SELECT sum(tries)::bigint FROM attempts")
            .await
            > tries + 3
    })
    .await;
    assert_eq!(world.letters().await, []);
    assert_eq!(world.number("SELECT count(*) FROM retrying").await, 0);
    world.deeds.clear();
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}
