//! Servers that are away.

use std::time::Duration;

use service_runtime::{Clock, State};
use testkit::{Fault, TcpProxy, eventually};

use super::delivery::address;
use crate::worker_world::{PATIENCE, World, timings};

#[tokio::test]
async fn while_postgres_is_away_nothing_is_pulled_counted_or_given_up() {
    let world = World::start().await;
    let proxy = TcpProxy::start(address(&world.database_url)).await;
    let through = proxy.through(&world.database_url);
    let clock = Clock::manual(Clock::system().now());
    let worker = world
        .worker_at(&through, &world.nats_url, timings(), clock.clone())
        .await;
    world.append(10).await;
    world.wait_until_settled().await;

    proxy.set(Fault::Refuse).await;
    proxy.cut();
    world.append(50).await;
    eventually("it says so", PATIENCE, async || match worker.health() {
        Some(State::Down(why)) => Ok(why),
        other => Err(other),
    })
    .await;
    clock.advance(Duration::from_hours(2));
    assert_eq!(world.effects().await.len(), 10);
    proxy.set(Fault::Pass).await;

    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    assert_eq!(world.letters().await, []);
    assert_eq!(world.number("SELECT count(*) FROM retrying").await, 0);
    eventually("it works again", PATIENCE, async || {
        worker.health() == Some(State::Ok)
    })
    .await;
    worker.stop().await;
}

/// The client reconnects to a server that has neither the stream nor the consumer, and hears
/// nothing but silence.
#[tokio::test]
async fn a_half_open_connection_to_nats_ends_the_session_and_a_new_one_begins() {
    let world = World::start().await;
    let proxy = TcpProxy::start(address(&world.nats_url)).await;
    let through = proxy.through(&world.nats_url);
    let worker = world
        .worker_at(&world.database_url, &through, timings(), Clock::system())
        .await;
    world.append(5).await;
    world.wait_until_settled().await;
    proxy.set(Fault::BlackHole).await;
    eventually("it is noticed", PATIENCE, async || match worker.health() {
        Some(State::Degraded(why)) => Ok(why),
        other => Err(other),
    })
    .await;
    world.append(5).await;
    proxy.set(Fault::Pass).await;
    proxy.cut();
    world.wait_until_settled().await;
    eventually("it works again", PATIENCE, async || {
        worker.health() == Some(State::Ok)
    })
    .await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}
