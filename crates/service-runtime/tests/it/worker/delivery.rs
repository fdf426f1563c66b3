//! Messages come twice, in any order, to many, and to workers that stop.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use testkit::{CutPoint, TcpProxy, eventually};
use tokio::sync::Semaphore;

use crate::worker_world::{Deed, PATIENCE, World, timings};
use service_runtime::Clock;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_copies_of_each_event_over_four_workers_count_once() {
    let world = World::start().await;
    world.write(20);
    let mut workers = Vec::new();
    for _ in 0..4 {
        workers.push(world.worker().await);
    }
    for round in 0..100_u64 {
        // Another order each time.
        world
            .publish((0..20).map(|n| 1 + (n * 7 + round) % 20))
            .await;
    }
    world.wait_until_settled().await;
    eventually("all copies are acknowledged", PATIENCE, async || {
        let (_, open) = world.acknowledged().await?;
        if open == 0 {
            Ok(())
        } else {
            Err(format!("{open} open"))
        }
    })
    .await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, [], "a copy is not foreign");
    for worker in workers {
        worker.stop().await;
    }
}

/// The second worker may look at the inbox only when the first has committed.
#[tokio::test]
async fn two_workers_with_a_copy_each_take_turns() {
    let world = World::start().await;
    let permits = Arc::new(Semaphore::new(0));
    world.deeds.set(1, Deed::Wait(Arc::clone(&permits)));
    world.append(1).await;
    let workers = [world.worker().await, world.worker().await];
    eventually("the second one waits for the first", PATIENCE, async || {
        // Copies go to either of them.
        world.publish([1]).await;
        world
            .number(
                "SELECT count(*) FROM pg_stat_activity
                 WHERE datname = current_database() AND wait_event_type = 'Lock'",
            )
            .await
            == 1
    })
    .await;
    permits.add_permits(100);
    world.wait_until_settled().await;
    for worker in workers {
        worker.stop().await;
    }
    world.assert_effects_except(&[]).await;
}

#[tokio::test]
async fn a_backlog_in_reverse_order_is_settled() {
    let world = World::start().await;
    world.write(300);
    world.publish((1..=300).rev()).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    worker.stop().await;
}

/// The worker hears that Postgres broke, and never that its commit went through.
#[tokio::test]
async fn a_commit_whose_answer_got_lost_has_one_effect() {
    let world = World::start().await;
    let proxy = TcpProxy::start(address(&world.database_url)).await;
    let through = proxy.through(&world.database_url);
    let permits = Arc::new(Semaphore::new(0));
    world.deeds.set(1, Deed::Wait(Arc::clone(&permits)));
    let worker = world
        .worker_at(&through, &world.nats_url, timings(), Clock::system())
        .await;
    world.append(5).await;
    eventually("it is in hand", PATIENCE, async || {
        world.number("SELECT count(*) FROM running").await == 1
    })
    .await;
    proxy.cut_after_client_bytes_matching(b"COMMIT", CutPoint::BeforeReply);
    permits.add_permits(100);
    world.wait_until_settled().await;
    assert!(!proxy.trap_is_set(), "nothing was cut");
    world.assert_effects_except(&[]).await;
    worker.stop().await;
    assert_eq!(world.letters().await, []);
}

/// Dropped after the commit, before any acknowledgement has left; then everything is delivered
/// again.
#[tokio::test]
async fn a_worker_that_dies_between_commit_and_acknowledgement_leaves_one_effect() {
    let world = World::start().await;
    let proxy = TcpProxy::start(address(&world.nats_url)).await;
    let permits = Arc::new(Semaphore::new(0));
    world.deeds.set(1, Deed::Wait(Arc::clone(&permits)));
    let through = proxy.through(&world.nats_url);
    let worker = world
        .worker_at(&world.database_url, &through, timings(), Clock::system())
        .await;
    world.append(5).await;
    eventually("it is in hand", PATIENCE, async || {
        world.number("SELECT count(*) FROM running").await == 1
    })
    .await;
    proxy.set(testkit::Fault::BlackHole).await;
    permits.add_permits(100);
    eventually("it is committed", PATIENCE, async || {
        !world.effects().await.is_empty()
    })
    .await;
    worker.kill().await;
    proxy.cut();
    world.delete_consumer().await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    eventually("the copies are acknowledged", PATIENCE, async || {
        let (floor, open) = world.acknowledged().await?;
        if (floor, open) == (5, 0) {
            Ok(())
        } else {
            Err(format!("{floor}, {open} open"))
        }
    })
    .await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_soft_stop_finishes_the_batch_in_hand_and_acknowledges_it() {
    let world = World::start().await;
    let permits = Arc::new(Semaphore::new(0));
    world.deeds.set(3, Deed::Wait(Arc::clone(&permits)));
    world.append(3).await;
    let worker = world.worker().await;
    eventually("it is in hand", PATIENCE, async || {
        world.number("SELECT count(*) FROM running").await == 1
    })
    .await;
    worker.process.shutdown();
    permits.add_permits(100);
    worker.stop().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.number("SELECT count(*) FROM running").await, 0);
}

/// They are on their way while the batch before is worked on. Kept, they would come again only
/// after half a minute, and everybody waits for the first of them.
#[tokio::test]
async fn a_soft_stop_gives_back_what_was_delivered_and_not_begun() {
    let world = World::start().await;
    let permits = Arc::new(Semaphore::new(0));
    world.deeds.set(1, Deed::Wait(Arc::clone(&permits)));
    world.append(1).await;
    let worker = world.worker().await;
    eventually("it is in hand", PATIENCE, async || {
        world.number("SELECT count(*) FROM running").await == 1
    })
    .await;
    world.append(5).await;
    eventually("the rest is delivered", PATIENCE, async || {
        let consumer = world.consumer().await?;
        match consumer.cached_info().num_ack_pending {
            6 => Ok(()),
            other => Err(format!("{other} of 6")),
        }
    })
    .await;
    worker.process.shutdown();
    permits.add_permits(100);
    worker.stop().await;
    let consumer = world.consumer().await.expect("it is there");
    // Sooner than nats-server gives up waiting for an answer.
    let soon = Duration::from_secs(10);
    let given_back = consumer.batch().max_messages(5).expires(soon).messages();
    let given_back = given_back.await.expect("asks").count().await;
    assert_eq!(given_back, 5);
}

#[tokio::test]
async fn what_is_in_hand_is_written_down_while_it_runs_and_gone_with_the_effect() {
    let world = World::start().await;
    let permits = Arc::new(Semaphore::new(0));
    world.deeds.set(2, Deed::Wait(Arc::clone(&permits)));
    world.append(2).await;
    let worker = world.worker().await;
    let seqs = eventually("it is in hand", PATIENCE, async || {
        sqlx::query_scalar::<_, String>("SELECT seqs::text FROM running")
            .fetch_optional(&world.pool)
            .await
            .expect("reads")
            .filter(|seqs| seqs.contains(",3)"))
    })
    .await;
    assert!(seqs == "{[1,3)}" || seqs == "{[2,3)}", "{seqs}");
    permits.add_permits(100);
    world.wait_until_settled().await;
    worker.stop().await;
    assert_eq!(world.number("SELECT count(*) FROM running").await, 0);
}

/// The effect's age is measured from the ledger's commit, so a worker must not need a full
/// batch, nor a timer, to begin.
#[tokio::test]
async fn a_single_event_does_not_wait_for_company() {
    let world = World::start().await;
    let worker = world.worker().await;
    world.append(1).await;
    world.wait_until_settled().await;
    let mut slowest = BTreeMap::new();
    for round in 0..5 {
        let began = tokio::time::Instant::now();
        world.append(1).await;
        world.wait_until_settled().await;
        slowest.insert(began.elapsed(), round);
    }
    let (fastest, _) = slowest.first_key_value().expect("five rounds");
    assert!(*fastest < Duration::from_secs(1), "{fastest:?}");
    worker.stop().await;
}

pub(super) fn address(url: &str) -> std::net::SocketAddr {
    let (_, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split('/').next().expect("a host");
    let host = authority.rsplit('@').next().expect("a host");
    host.parse().expect("an address and a port")
}
