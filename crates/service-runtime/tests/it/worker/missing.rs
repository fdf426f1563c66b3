//! Events that the stream does not bring.

use service_runtime::State;
use testkit::eventually;

use crate::worker_world::{PATIENCE, World};

#[tokio::test]
async fn a_deleted_message_and_a_lost_tail_are_read_from_the_log() {
    let world = World::start().await;
    world.write(20);
    world.publish((1..=10).filter(|seq| *seq != 4)).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    worker.stop().await;
}

#[tokio::test]
async fn a_purged_backlog_is_read_from_the_log_and_the_stream_goes_on() {
    let world = World::start().await;
    // More than one page.
    world.append(700).await;
    world.purge_stream().await;
    world.append(10).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    world.append(10).await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_deleted_consumer_is_made_again_and_repeats_nothing() {
    let world = World::start().await;
    let worker = world.worker().await;
    world.append(10).await;
    world.wait_until_settled().await;
    world.delete_consumer().await;
    world.append(10).await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}

/// The stream comes back empty, counts from one again, and is filled with everything.
#[tokio::test]
async fn a_wiped_stream_is_caught_up_with_and_repeats_nothing() {
    let world = World::start().await;
    let worker = world.worker().await;
    world.append(10).await;
    world.wait_until_settled().await;
    world.delete_stream().await;
    eventually("it is noticed", PATIENCE, async || {
        matches!(worker.health(), Some(State::Degraded(_)))
    })
    .await;
    // Events go on while there is no stream at all.
    world.write(5);
    world.wait_until_settled().await;
    world.create_stream().await;
    world.publish(1..=15).await;
    world.append(5).await;
    world.wait_until_settled().await;
    eventually("it works again", PATIENCE, async || {
        worker.health() == Some(State::Ok)
    })
    .await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    worker.stop().await;
}

/// An inbox that is torn into more than a thousand ranges costs too much per transaction: the
/// worker mends it before it takes anything new.
#[tokio::test]
async fn a_torn_inbox_is_mended() {
    let world = World::start().await;
    world.write(2_400);
    sqlx::query(
        "INSERT INTO inbox (consumer, source, done)
         SELECT 'analytics', 'ledger', range_agg(int8range(n * 2, n * 2 + 1))
         FROM generate_series(1, 1200) AS n",
    )
    .execute(&world.pool)
    .await
    .expect("tears");
    let worker = world.worker().await;
    eventually("it says so", PATIENCE, async || match worker.health() {
        Some(State::Down(why)) => Ok(why),
        other => Err(other),
    })
    .await;
    world.wait_until_settled().await;
    let odd: Vec<u64> = (1..=2_400).filter(|seq| seq % 2 == 1).collect();
    assert_eq!(world.effects().await, odd, "even ones were settled before");
    eventually("it works again", PATIENCE, async || {
        worker.health() == Some(State::Ok)
    })
    .await;
    worker.stop().await;
}
