//! Cuts that nobody asks for.

use std::time::Duration;

use chrono::{DateTime, Utc};
use service_runtime::{Clock, Process};
use settlement_worker::sweeps::Scheduler;
use testkit::eventually;

use crate::world::{PATIENCE, World, at};

/// 2023-11-15T00:00:00Z, the first midnight after the world's time begins.
const MIDNIGHT: i64 = 6_400;
const DAY: i64 = 86_400;

/// Instant and position of every scheduled cut, when there are as many.
async fn cuts(world: &World, number: usize) -> Vec<(DateTime<Utc>, i64)> {
    eventually("the schedule cuts", PATIENCE, async || {
        let found: Vec<(DateTime<Utc>, i64)> =
            sqlx::query_as("SELECT instant, seq FROM settlement.cuts ORDER BY instant")
                .fetch_all(&world.owner)
                .await
                .map_err(|error| error.to_string())?;
        if found.len() == number {
            Ok(found)
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await
}

fn start(world: &World, ledger: &settlement_worker::sweeps::Ledger, process: &Process) {
    let schedule = "0 0 * * *".parse().expect("a pattern");
    let clock = world.clock.clone();
    let scheduler = Scheduler::new(world.pool.clone(), ledger.clone(), schedule, clock);
    process.spawn("schedule", scheduler.run(process.clone()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instant_is_cut_once_at_the_last_event_before_it_and_a_missed_one_later() {
    let world = World::new().await;
    let process = Process::new("test", Clock::system());
    let ledger = world.ledger(&process).await;
    // Two at the very instant: they belong to the next day.
    world.write(&[10, 20, 20, MIDNIGHT - 1, MIDNIGHT, MIDNIGHT, MIDNIGHT + 5]);
    world.clock.set(at(MIDNIGHT - DAY + 10));
    let workers = [(); 2].map(|()| Process::new("worker", Clock::system()));
    for worker in &workers {
        start(&world, &ledger, worker);
    }
    // The instant before the first event is one too, and settles nothing.
    assert_eq!(cuts(&world, 1).await, [(at(MIDNIGHT - DAY), 0)]);
    world.clock.set(at(MIDNIGHT + 9));
    world.clock.advance(Duration::from_secs(1));
    let found = cuts(&world, 2).await;
    assert_eq!(found[1], (at(MIDNIGHT), 4));

    for worker in workers {
        worker.shutdown();
        worker.wait(PATIENCE).await.expect("no task crashed");
    }
    // Nobody works for three days; then the latest instant stands for all.
    world.write(&[MIDNIGHT + DAY, MIDNIGHT + 2 * DAY, MIDNIGHT + 3 * DAY + 1]);
    world.clock.set(at(MIDNIGHT + 3 * DAY + 600));
    start(&world, &ledger, &process);
    let found = cuts(&world, 3).await;
    assert_eq!(found[2], (at(MIDNIGHT + 3 * DAY), 9));
    process.shutdown();
    process.wait(PATIENCE).await.expect("no task crashed");
}

/// What took its time just before the instant may be committed just after it.
#[tokio::test(flavor = "multi_thread")]
async fn an_instant_is_cut_only_when_nothing_before_it_can_still_be_written() {
    let world = World::new().await;
    let process = Process::new("test", Clock::system());
    let ledger = world.ledger(&process).await;
    world.write(&[10, 20]);
    let schedule = "0 0 * * *".parse().expect("a pattern");
    let (pool, clock) = (world.pool.clone(), world.clock.clone());
    let mut scheduler = Scheduler::new(pool, ledger, schedule, clock);
    world.clock.set(at(MIDNIGHT - 1));
    scheduler.look().await.expect("it answers");
    cuts(&world, 1).await;
    world.clock.set(at(MIDNIGHT + 9));
    scheduler.look().await.expect("it answers");
    cuts(&world, 1).await;
    world.write(&[MIDNIGHT - 1, MIDNIGHT + 9]);
    world.clock.advance(Duration::from_secs(1));
    scheduler.look().await.expect("it answers");
    assert_eq!(cuts(&world, 2).await[1], (at(MIDNIGHT), 3));
    process.shutdown();
    process.wait(PATIENCE).await.expect("no task crashed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_position_of_an_instant_is_found_in_logs_of_every_length() {
    let world = World::new().await;
    let process = Process::new("test", Clock::system());
    let ledger = world.ledger(&process).await;
    for length in 0..20 {
        for second in 0..=length + 1 {
            let found = ledger.last_before(at(second * 10 + 5)).await;
            let expected = second.min(length);
            assert_eq!(
                found.expect("it answers"),
                expected.unsigned_abs(),
                "{length}"
            );
        }
        world.write(&[(length + 1) * 10]);
    }
    process.shutdown();
    process.wait(PATIENCE).await.expect("no task crashed");
}
