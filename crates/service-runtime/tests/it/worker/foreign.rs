//! Messages that no relay published.

use async_nats::HeaderMap;
use contracts::{chain, headers};
use testkit::eventually;

use crate::worker_world::{PATIENCE, World, deposit, headers_of, hex};

const SUBJECT: &str = "ledger.v1.deposit.posted.00";

/// Headers and data of an event that links to `previous` and is not in any log.
fn forged(seq: u64, previous: &str) -> (HeaderMap, String) {
    let data = deposit(seq).encode();
    let previous = chain::parse(previous).expect("a hash");
    let parsed: serde_json::Value = serde_json::from_str(&data).expect("JSON");
    let mut map = HeaderMap::new();
    map.insert(headers::SEQ, seq.to_string());
    map.insert(headers::HASH, hex(&chain::link(&previous, data.as_bytes())));
    map.insert(headers::CE_ID, parsed["id"].as_str().expect("an id"));
    map.insert(headers::CE_TYPE, parsed["type"].as_str().expect("a type"));
    (map, data)
}

#[tokio::test]
async fn every_kind_of_forgery_is_parked_by_its_place_and_touches_no_inbox() {
    let world = World::start().await;
    world.append(5).await;
    let (third, fifth) = (world.logged(3), world.logged(5));
    // Postgres cannot store a NUL in a text.
    let mut map = HeaderMap::new();
    map.insert(headers::TRACEPARENT, "a \0 is no text");
    world.send(SUBJECT, map, "not JSON, \0, no headers").await;
    let mut map = headers_of(&third);
    map.insert(headers::SEQ, "4");
    world.send(SUBJECT, map, &third.data).await;
    let mut map = headers_of(&third);
    map.insert(headers::CE_TYPE, "florin.ledger.payment.posted.v1");
    world.send(SUBJECT, map, &third.data).await;
    // Right number, other data.
    world
        .send(
            SUBJECT,
            headers_of(&third),
            &third.data.replace("1.00", "9.00"),
        )
        .await;
    world.send(SUBJECT, headers_of(&third), "{ malformed").await;
    // Far beyond the head, and right behind it with a valid link.
    let (map, data) = forged(9_000, &fifth.hash);
    world.send(SUBJECT, map, &data).await;
    let (map, data) = forged(6, &fifth.hash);
    world.send(SUBJECT, map, &data).await;

    let worker = world.worker().await;
    let letters = world.wait_for_letters(7).await;
    assert!(
        letters
            .iter()
            .all(|(seq, reason)| seq.is_none() && reason == "foreign")
    );
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;

    // The real event 6 has its effect all the same.
    world.append(1).await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
    assert_eq!(world.letters().await.len(), 7);
}

/// Two fit behind the fifth event; the log says which one it has.
#[tokio::test]
async fn a_forgery_that_came_before_the_real_event_is_told_from_it() {
    let world = World::start().await;
    world.append(5).await;
    let (map, data) = forged(6, &world.logged(5).hash);
    world.send(SUBJECT, map, &data).await;
    world.append(5).await;
    let worker = world.worker().await;
    world.wait_for_letters(1).await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}

/// A dead ledger stops nobody who can follow the chain; what cannot be proven waits, and
/// nothing is given up.
#[tokio::test]
async fn without_the_log_the_chain_suffices_and_what_it_does_not_prove_waits() {
    let world = World::start().await;
    world.answer(false);
    world.write(8);
    world.publish([1, 2, 3, 6, 7]).await;
    world
        .send(SUBJECT, headers_of(&world.logged(8)), "{ malformed")
        .await;
    let worker = world.worker().await;
    world.wait_until_done_is("{[1,4)}").await;
    // The next ones arrive, and pull the waiting ones in.
    world.publish([4, 5]).await;
    world.wait_until_done_is("{[1,8)}").await;
    assert_eq!(
        world.letters().await,
        [],
        "nobody could know that it is foreign"
    );
    world.answer(true);
    world.wait_for_letters(1).await;
    world.wait_until_settled().await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}

/// What is settled has no effect again, whatever the message is; so it need not wait for a log
/// that is away, and cannot block those that are new.
#[tokio::test]
async fn copies_do_not_wait_for_the_log() {
    let world = World::start().await;
    world.append(50).await;
    let worker = world.worker().await;
    world.wait_until_settled().await;
    worker.stop().await;
    world.answer(false);
    // Without the first ones the chain proves none of the others.
    let stream = world
        .js
        .get_stream(world.spec().name)
        .await
        .expect("is there");
    stream.purge().sequence(11).await.expect("purges");
    world.delete_consumer().await;
    let worker = world.worker().await;
    world.append(1).await;
    world.wait_until_settled().await;
    eventually("the copies are acknowledged", PATIENCE, async || {
        world
            .acknowledged()
            .await
            .is_ok_and(|(floor, _)| floor == 51)
    })
    .await;
    world.assert_effects_except(&[]).await;
    worker.stop().await;
}
