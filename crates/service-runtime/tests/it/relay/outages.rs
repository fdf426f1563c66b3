//! Servers that die under the relay.

use std::time::Duration;

use local_servers::Signal;
use service_runtime::State;
use testkit::{eventually, own_servers};

use crate::world::{PATIENCE, World, seqs};

#[tokio::test]
async fn the_relay_survives_nats_and_postgres_going_away_and_coming_back() {
    let mut servers = own_servers(false).await;
    let world = World::on(&servers.postgres.url("postgres"), &servers.nats.url()).await;
    let relay = world.relay().await;
    world.append(500).await;
    world.wait_for_place(1, 500).await;

    servers.nats.kill(Signal::Kill).await.expect("dies");
    world.append(500).await;
    servers.nats.restart().await.expect("comes back");
    world.append(500).await;
    world.wait_for_place(1, 1_500).await;

    servers.postgres.kill(Signal::Kill).await.expect("dies");
    eventually("the relay says that it cannot work", PATIENCE, async || {
        matches!(relay.health(), Some(State::Degraded(_)))
    })
    .await;
    servers.postgres.restart().await.expect("comes back");
    eventually("Postgres takes connections", PATIENCE, async || {
        sqlx::query("SELECT 1").execute(&world.pool).await.map(drop)
    })
    .await;
    world.append(500).await;
    world.wait_for_place(1, 2_000).await;
    eventually("the relay works", PATIENCE, async || {
        relay.health() == Some(State::Ok)
    })
    .await;
    relay.stop().await;
    assert_eq!(
        seqs(&world.stored().await),
        (1..=2_000).collect::<Vec<u64>>()
    );
}

/// A server that is killed while publishes are in flight, again and again.
#[tokio::test]
async fn a_nats_server_killed_under_load_gets_each_event_once() {
    let mut servers = own_servers(false).await;
    let world = World::on(&servers.postgres.url("postgres"), &servers.nats.url()).await;
    let relay = world.relay().await;
    for round in 1..=3 {
        world.append(5_000).await;
        eventually("publishing has begun", PATIENCE, async || {
            let stream = world.js.get_stream(world.spec().name).await;
            stream.is_ok_and(|stream| stream.cached_info().state.messages > (round - 1) * 5_000)
        })
        .await;
        servers.nats.kill(Signal::Kill).await.expect("dies");
        servers.nats.restart().await.expect("comes back");
    }
    world.wait_for_messages(15_000).await;
    relay.stop().await;
    let all: Vec<u64> = (1..=15_000).collect();
    assert!(seqs(&world.stored().await) == all, "not each event once");
}

#[tokio::test]
async fn a_soft_shutdown_does_not_wait_for_servers_that_are_away() {
    let mut servers = own_servers(false).await;
    let world = World::on(&servers.postgres.url("postgres"), &servers.nats.url()).await;
    let relay = world.relay().await;
    world.append(5).await;
    world.wait_for_place(1, 5).await;
    servers.nats.kill(Signal::Kill).await.expect("dies");
    world.append(5).await;
    relay.process.shutdown();
    relay
        .process
        .wait(Duration::from_secs(20))
        .await
        .expect("no task crashed");
    assert!(!relay.process.hard().is_cancelled(), "it had to be dropped");
}
