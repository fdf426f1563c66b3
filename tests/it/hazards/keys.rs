//! Keys: what is the same request, and what happens to it.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::fleet::Fleet;

/// M2: a predecessor derived `<key>-debit` and `<key>-credit` in its clients' own key space, so
/// that a deposit under such a key made a transfer skip its debit: money out of nothing.
#[tokio::test(flavor = "multi_thread")]
async fn m2_keys_that_look_like_steps_of_another_operation_are_just_keys() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m2");
    let (ann, bob) = (
        client.open_with("m2-ann", "100.00").await,
        client.open("m2-bob", "customer").await,
    );
    for key in ["r1-debit", "r1-credit", "r1-compensate"] {
        client.deposit(key, &ann, "1.00").await.created();
    }
    client.transfer("r1", &ann, &bob, "50.00").await.created();
    assert_eq!(
        (client.balance(&ann).await, client.balance(&bob).await),
        ("53.00".into(), "50.00".into())
    );
    fleet.leave().await;
}

/// M3: a predecessor locked a row that did not exist yet, and lost one of two first deposits.
#[tokio::test(flavor = "multi_thread")]
async fn m3_a_hundred_first_deposits_at_once_are_a_hundred_deposits() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m3");
    let wallet = client.open("m3", "customer").await;
    let keys: Vec<String> = (0..100).map(|n| format!("first-{n}")).collect();
    let answers = join_all(keys.iter().map(|key| client.deposit(key, &wallet, "1.00"))).await;
    assert!(
        answers.iter().all(|answer| answer.status == 201),
        "{answers:?}"
    );
    assert_eq!(client.balance(&wallet).await, "100.00");
    // The wallet's opening is one more.
    assert_eq!(fleet.events_of(&wallet).await, 101);
    fleet.leave().await;
}

/// M4: a predecessor answered a withdrawal with the stored success of a deposit.
#[tokio::test(flavor = "multi_thread")]
async fn m4_a_key_that_stands_for_another_request_is_refused_and_moves_nothing() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m4");
    let (ann, bob) = (
        client.open_with("m4-ann", "100.00").await,
        client.open("m4-bob", "customer").await,
    );
    client.deposit("key", &ann, "5.00").await.created();
    let before = fleet.events_of(&ann).await;
    for refused in [
        client.deposit("key", &ann, "6.00").await,
        client.deposit("key", &bob, "5.00").await,
        client.withdraw("key", &ann, "5.00").await,
        client.transfer("key", &ann, &bob, "5.00").await,
    ] {
        assert_eq!(
            refused.refusal(),
            (422, "idempotency_key_reused".to_owned())
        );
    }
    assert_eq!(
        (client.balance(&ann).await, client.balance(&bob).await),
        ("105.00".into(), "0.00".into())
    );
    assert_eq!(fleet.events_of(&ann).await, before);
    // Somebody else's key is another key.
    let other = fleet.service("m4-other");
    other.withdraw("key", &ann, "5.00").await.created();
    fleet.leave().await;
}

/// M5: a predecessor checked outside its lock: duplicates in flight gave 500, or two transfers.
#[tokio::test(flavor = "multi_thread")]
async fn m5_fifty_identical_requests_at_once_are_one_transfer_and_one_answer() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m5");
    let other = client.at(&fleet.other_api());
    let (ann, bob) = (
        client.open_with("m5-ann", "100.00").await,
        client.open("m5-bob", "customer").await,
    );
    let answers = join_all((0..50).map(|n| {
        let client = if n % 2 == 0 { &client } else { &other };
        client.transfer("same", &ann, &bob, "10.00")
    }))
    .await;
    let different: BTreeSet<_> = answers.iter().map(|one| (one.status, &one.body)).collect();
    assert_eq!(different.len(), 1, "{different:?}");
    assert_eq!(answers[0].status, 201);
    assert_eq!(answers.iter().filter(|answer| !answer.replayed).count(), 1);
    assert_eq!(
        (client.balance(&ann).await, client.balance(&bob).await),
        ("90.00".into(), "10.00".into())
    );
    assert_eq!(
        fleet.events_of(&bob).await,
        2,
        "one opening and one transfer"
    );
    fleet.leave().await;
}

/// M6: a predecessor rolled the memory of a refusal back with the refusal, and a repetition
/// after the next deposit was executed.
#[tokio::test(flavor = "multi_thread")]
async fn m6_a_rejection_is_remembered_also_when_it_would_pass_now() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m6");
    let ann = client.open_with("m6-ann", "10.00").await;
    let rejected = client.withdraw("too-much", &ann, "50.00").await;
    assert_eq!(rejected.refusal(), (422, "insufficient_funds".to_owned()));
    client.deposit("more", &ann, "100.00").await.created();
    let again = client.withdraw("too-much", &ann, "50.00").await;
    assert_eq!(
        (again.status, &again.body),
        (rejected.status, &rejected.body)
    );
    assert!(again.replayed && !rejected.replayed);
    assert_eq!(client.balance(&ann).await, "110.00");
    client.withdraw("again", &ann, "50.00").await.created();
    fleet.leave().await;
}

/// M20: a predecessor appended to the client's key; from 122 characters on the money left the
/// sender and never arrived.
#[tokio::test(flavor = "multi_thread")]
async fn m20_a_key_of_any_length_moves_the_money_whole_or_not_at_all() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m20");
    let (ann, bob) = (
        client.open_with("m20-ann", "100.00").await,
        client.open("m20-bob", "customer").await,
    );
    for length in 1..=300 {
        let answer = client
            .transfer(&"k".repeat(length), &ann, &bob, "0.01")
            .await;
        if length <= 255 {
            assert_eq!(answer.status, 201, "{length}: {answer:?}");
        } else {
            assert_eq!(
                answer.refusal(),
                (422, "invalid_idempotency_key".to_owned()),
                "{length}"
            );
        }
    }
    assert_eq!(
        (client.balance(&ann).await, client.balance(&bob).await),
        ("97.45".into(), "2.55".into())
    );
    fleet.leave().await;
}
