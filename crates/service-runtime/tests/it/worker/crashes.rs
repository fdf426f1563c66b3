//! Processes that die with events in hand. A handler that takes the process with it cannot run
//! in a test's process, so the remains of a dead one are put into the tables by hand.

use service_runtime::State;
use sqlx::{Connection as _, PgConnection};

use testkit::eventually;

use crate::worker_world::{Deed, PATIENCE, World, pool};

async fn remains(world: &World, seqs: &str, alone: bool) {
    sqlx::query(
        "INSERT INTO running (consumer, instance, source, seqs, alone)
         VALUES ('analytics', -42, 'ledger', $1::text::int8multirange, $2)",
    )
    .bind(seqs)
    .bind(alone)
    .execute(&world.pool)
    .await
    .expect("inserts");
}

/// Runs a worker once over three events, the second of which somebody died with.
async fn run(world: &World) {
    world.append(3).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    worker.stop().await;
}

#[tokio::test]
async fn events_that_a_dead_instance_had_in_hand_run_alone_and_count() {
    let world = World::start().await;
    remains(&world, "{[1,3)}", false).await;
    run(&world).await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    assert_eq!(world.number("SELECT count(*) FROM running").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM attempts").await, 0);
    // Each in a transaction of its own.
    let transactions = "SELECT count(DISTINCT xmin::text::bigint) FROM effects WHERE seq < 3";
    assert_eq!(world.number(transactions).await, 2);
}

#[tokio::test]
async fn one_death_alone_is_bad_luck() {
    let world = World::start().await;
    remains(&world, "{[2,3)}", true).await;
    run(&world).await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
}

#[tokio::test]
async fn two_deaths_alone_park_an_event() {
    let world = World::start().await;
    remains(&world, "{[2,3)}", true).await;
    sqlx::query(
        "INSERT INTO attempts (consumer, source, seq, suspect, deaths, first_at, last_at)
         VALUES ('analytics', 'ledger', 2, true, 1, now(), now())",
    )
    .execute(&world.pool)
    .await
    .expect("inserts");
    run(&world).await;
    world.assert_effects_except(&[2]).await;
    assert_eq!(world.letters().await, [(Some(2), "crash_loop".to_owned())]);
}

/// A restart of Postgres takes every lock away and kills nobody.
#[tokio::test]
async fn a_death_that_a_restart_of_the_server_explains_does_not_count() {
    let world = World::start().await;
    remains(&world, "{[2,3)}", true).await;
    sqlx::raw_sql(
        "UPDATE running SET server_started_at = server_started_at - interval '1 hour';
         INSERT INTO attempts (consumer, source, seq, suspect, deaths, first_at, last_at)
         VALUES ('analytics', 'ledger', 2, true, 1, now(), now())",
    )
    .execute(&world.pool)
    .await
    .expect("updates");
    run(&world).await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
}

#[tokio::test]
async fn what_a_living_instance_has_in_hand_is_left_to_it() {
    let world = World::start().await;
    remains(&world, "{[2,3)}", true).await;
    let mut living = PgConnection::connect(&world.database_url)
        .await
        .expect("connects");
    sqlx::query("SELECT pg_advisory_lock(-42)")
        .execute(&mut living)
        .await
        .expect("locks");
    run(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM running").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM attempts").await, 0);
    living.close().await.expect("closes");
}

/// An event that waits for its next try is in nobody's hand.
#[tokio::test]
async fn stopping_while_an_event_waits_for_its_next_try_is_no_death() {
    let world = World::start().await;
    world.deeds.set(2, Deed::Retry);
    world.append(2).await;
    for tries in 1..=3 {
        let worker = world.worker().await;
        eventually("it was tried again", PATIENCE, async || {
            let tried = world
                .number(
                    "SELECT coalesce(max(tries), 0)::bigint FROM attempts WHERE error IS NOT NULL",
                )
                .await;
            tried >= tries || !world.letters().await.is_empty()
        })
        .await;
        worker.stop().await;
        assert_eq!(world.number("SELECT count(*) FROM running").await, 0);
    }
    assert_eq!(world.letters().await, []);
    world.deeds.clear();
    let worker = world.worker().await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}

/// Terminating every backend kills no process: the worker takes a new identity, clears the old
/// one, and gives up nothing.
#[tokio::test]
async fn a_storm_of_terminated_backends_gives_up_nothing() {
    let mut world = World::start().await;
    let worker = world.worker().await;
    let own = pool(&world.database_url).await;
    for _ in 0..10 {
        world.append(20).await;
        sqlx::query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .execute(&own)
        .await
        .expect("terminates");
    }
    // The test's own connections were terminated too.
    world.pool = pool(&world.database_url).await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    eventually("it works again", PATIENCE, async || {
        worker.health() == Some(State::Ok)
    })
    .await;
    worker.stop().await;
}
