//! What the ledger says when it cannot: each code on purpose, and that nothing was written, or
//! that the same key tells.

use std::time::Duration;

use serde_json::{Value, json};
use service_runtime::Secret;
use testkit::{Fault, TcpProxy, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::{Reply, World};

/// The place of the events in `World::rows`.
const EVENTS: usize = 3;

fn euro() -> Value {
    json!({"amount": "1.00", "currency": "EUR"})
}

/// A ledger of one lane that reaches its database through a proxy.
async fn behind_a_proxy() -> (World, TcpProxy) {
    let upstream = ([127, 0, 0, 1], testkit::servers().postgres.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    let world = World::start_with(|config| {
        let direct = config.service.database_url.expose().to_owned();
        config.service.database_url = Secret::new(proxy.through(&direct));
        config.lanes = 1;
    })
    .await;
    (world, proxy)
}

/// Repeats a deposit until the ledger answers it.
async fn tells(world: &World, path: &str, key: &str) -> Reply {
    eventually("the key tells", Duration::from_secs(30), async || {
        let reply = world.post(&world.staff(), path, key, &euro()).await;
        if reply.status == 201 {
            Ok(reply)
        } else {
            Err(reply.text)
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_says_no_at_once() {
    let world = World::start_with(|config| (config.lanes, config.queue) = (1, 1)).await;
    let staff = world.staff();
    let wallet = world.wallet("ann", "customer").await;
    let path = format!("/v1/wallets/{wallet}/deposit");
    let before = world.rows().await;
    let mut head = world.owner.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
        .execute(&mut *head)
        .await
        .expect("the head is held");
    let body = euro();
    let in_hand = world.post(&staff, &path, "in-hand", &body);
    let others = async {
        world.wait_for_lane().await;
        // One finds room in the queue and waits; the other one finds none.
        let mut one = Box::pin(world.post(&staff, &path, "one", &body));
        let mut other = Box::pin(world.post(&staff, &path, "other", &body));
        let (refused, key) = tokio::select! {
            reply = &mut one => (reply, "one"),
            reply = &mut other => (reply, "other"),
        };
        refused.refused(503, "busy", key);
        head.rollback().await.expect("the head is free");
        if key == "one" { other.await } else { one.await }.ok(201);
        key
    };
    let (in_hand, refused) = tokio::join!(in_hand, others);
    in_hand.ok(201);
    assert_eq!(world.rows().await[EVENTS] - before[EVENTS], 2);
    let later = world.post(&staff, &path, refused, &body).await;
    later.ok(201);
    assert_eq!(later.header("idempotent-replayed"), "", "the key was free");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_ledger_says_that_nothing_was_written() {
    let (world, proxy) = behind_a_proxy().await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/deposit");
    let before = world.rows().await;
    proxy.set(Fault::Refuse).await;
    proxy.cut();
    let write = world.post(&staff, &path, "while-away", &euro()).await;
    write.refused(503, "database_unavailable", "a write");
    let read = world.get(&staff, &format!("/v1/wallets/{wallet}")).await;
    read.refused(503, "database_unavailable", "a read");
    assert_eq!(world.rows().await, before);
    proxy.set(Fault::Pass).await;
    let later = tells(&world, &path, "while-away").await;
    assert_eq!(later.header("idempotent-replayed"), "", "the key was free");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_outcome_is_told_by_the_same_key() {
    let (world, proxy) = behind_a_proxy().await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/deposit");
    let before = world.rows().await;
    proxy.set(Fault::BlackHole).await;
    let lost = world.post(&staff, &path, "lost", &euro()).await;
    lost.refused(503, "outcome_unknown", "nobody knows");
    proxy.set(Fault::Pass).await;
    tells(&world, &path, "lost").await;
    let seen = world.get(&staff, &format!("/v1/wallets/{wallet}")).await;
    assert_eq!(seen.ok(200)["balances"][0]["posted"], "2.00", "once");
    assert_eq!(world.rows().await[EVENTS] - before[EVENTS], 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_database_refuses_is_our_fault_and_leaves_nothing() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet("ann", "customer").await;
    let path = format!("/v1/wallets/{wallet}/deposit");
    let owner = |sql| sqlx::raw_sql(sql).execute(&world.owner);
    owner("ALTER TABLE ledger.postings ADD CONSTRAINT unlucky CHECK (abs(amount) <> 13)")
        .await
        .expect("the owner may");
    let before = world.rows().await;
    let body = json!({"amount": "13.00", "currency": "EUR"});
    let reply = world.post(&staff, &path, "unlucky", &body).await;
    reply.refused(500, "internal", "a rule that decide does not know");
    assert!(!reply.text.contains("unlucky"), "{}", reply.text);
    assert_eq!(world.rows().await, before);
    owner("ALTER TABLE ledger.postings DROP CONSTRAINT unlucky")
        .await
        .expect("the owner may");
    let later = world.post(&staff, &path, "unlucky", &body).await;
    later.ok(201);
    assert_eq!(later.header("idempotent-replayed"), "", "the key was free");
    world.close().await;
}

/// The client promises a body, sends half of it, and nothing more.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let world = World::start().await;
    let wallet = world.wallet("ann", "customer").await;
    let before = world.rows().await;
    let body = euro().to_string();
    let head = format!(
        "POST /v1/wallets/{wallet}/deposit HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {}\r\n\
         Idempotency-Key: half\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{}",
        world.staff(),
        body.len(),
        &body[..body.len() / 2],
    );
    let mut stream = TcpStream::connect(world.address)
        .await
        .expect("the ledger listens");
    stream.write_all(head.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("an answer, and then the end");
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let (_, problem) = answer.split_once("\r\n\r\n").expect("a body");
    let problem: Value = serde_json::from_str(problem).expect("JSON");
    assert_eq!(problem["code"], "request_timeout");
    assert_eq!(world.rows().await, before);
    world.close().await;
}
