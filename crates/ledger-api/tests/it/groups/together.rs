//! What comes in one request and is not linked: order, room in the queue, rehearsals.

use std::time::Duration;

use futures_util::future::{join, join_all};
use ledger_api::{
    domain::Action,
    posting::{Answer, SubmitError},
};

use super::{codes, everything, group, replayed, statuses};
use crate::books::{Books, command, deposit, status, transfer, withdrawal};

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_the_queue_is_refused_whole_and_writes_nothing() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let engine = &books.engine;
    let deposits = |prefix, count| group(prefix, (0..count).map(|_| deposit(wallet, "1.00")));
    let before = everything(&books).await;
    // The queue of these tests has room for 4,096.
    let busy = Err(SubmitError::Busy);
    assert_eq!(engine.submit_linked(deposits("l", 4_097)).await, busy);
    assert_eq!(engine.submit_each(deposits("e", 4_097)).await, busy);
    assert_eq!(engine.rehearse(deposits("r", 4_097), true).await, busy);
    assert_eq!(everything(&books).await, before);
    // Also when the room is there, but others have it.
    let head = books.stall().await;
    let waiting = engine.submit_linked(deposits("w", 3_500));
    let late = async {
        assert_eq!(engine.submit_each(deposits("e", 600)).await, busy);
        assert_eq!(engine.submit_linked(deposits("l", 600)).await, busy);
        head.rollback().await.expect("the lanes go on");
    };
    let (waiting, ()) = join(waiting, late).await;
    assert_eq!(replayed(&waiting.expect("answered")), 0);
    assert_eq!(books.balance(wallet).await, "3500.00");
    let after = engine
        .submit_each(deposits("e", 600))
        .await
        .expect("answered");
    assert_eq!(
        (after.len(), replayed(&after)),
        (600, 0),
        "the keys were free"
    );
    books.close().await;
}

/// More than one batch holds: two lanes would otherwise share them and decide them crosswise.
#[tokio::test(flavor = "multi_thread")]
async fn independent_commands_of_one_request_are_decided_in_their_order() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let steps = (0..1_000).map(|n| match n % 2 {
        0 => deposit(wallet, "1.00"),
        _ => withdrawal(wallet, "1.00"),
    });
    let outcomes = books.engine.submit_each(group("in order", steps)).await;
    let outcomes = outcomes.expect("answered");
    assert!(statuses(&outcomes).iter().all(|status| *status == 201));
    // Each stands for itself: of three, the second is rejected and a used key is told alone.
    let mixed = vec![
        command("ops", "m1", deposit(wallet, "1.00")),
        command("ops", "m2", withdrawal(wallet, "1.01")),
        command("ops", "in order/7", deposit(wallet, "1.00")),
        command("ops", "m3", withdrawal(wallet, "1.00")),
    ];
    let mixed = books.engine.submit_each(mixed).await.expect("answered");
    assert_eq!(mixed[2], Err(SubmitError::KeyReused));
    let others = [&mixed[0], &mixed[1], &mixed[3]].map(status);
    assert_eq!(others, [201, 422, 201]);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_sees_what_comes_before_it_and_writes_nothing() {
    let books = Books::open().await;
    let (ann, bob) = (books.wallet("ann").await, books.wallet("bob").await);
    let engine = &books.engine;
    let before = everything(&books).await;
    // Balances that are not there yet, spent at once.
    let steps = || {
        vec![
            deposit(ann, "1.00"),
            transfer(ann, bob, "1.00"),
            withdrawal(ann, "0.01"),
            withdrawal(bob, "1.00"),
        ]
    };
    let linked = engine
        .rehearse(group("r", steps()), true)
        .await
        .expect("told");
    let rejected = [
        "batch_rejected",
        "batch_rejected",
        "insufficient_funds",
        "batch_rejected",
    ];
    assert_eq!(codes(&linked), rejected);
    let each = engine
        .rehearse(group("r", steps()), false)
        .await
        .expect("told");
    assert_eq!(statuses(&each), [201, 201, 422, 201]);
    let without = group("r", steps().into_iter().take(2));
    let posted = engine.rehearse(without, true).await.expect("told");
    assert_eq!(statuses(&posted), [201, 201]);
    assert_eq!(everything(&books).await, before);
    // What was rehearsed is done as it was told, and nothing of it is a replay.
    let done = engine
        .submit_each(group("r", steps()))
        .await
        .expect("answered");
    assert_eq!((statuses(&done), replayed(&done)), (statuses(&each), 0));
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rehearsal_tells_what_keys_stand_for_already() {
    let books = Books::open().await;
    let ann = books.wallet("ann").await;
    let engine = &books.engine;
    let deposits = |amounts: &[&'static str]| -> Vec<Action> {
        amounts.iter().map(|amount| deposit(ann, amount)).collect()
    };
    let real = group("k", deposits(&["1.00", "2.00"]));
    let real = engine.submit_linked(real).await.expect("answered");
    let before = everything(&books).await;
    let again = group("k", deposits(&["1.00", "2.00"]));
    for linked in [true, false] {
        let told = engine.rehearse(again.clone(), linked).await.expect("told");
        assert_eq!(replayed(&told), 2);
        for (told, real) in told.iter().zip(&real) {
            let rendered = |outcome: &Result<Answer, SubmitError>| {
                outcome.as_ref().expect("answered").rendered.clone()
            };
            assert_eq!(rendered(told), rendered(real));
        }
    }
    // One used, one new.
    let mixed = || {
        vec![
            again[1].clone(),
            command("ops", "new", withdrawal(ann, "3.00")),
        ]
    };
    let refused = engine.rehearse(mixed(), true).await.expect("told");
    let expected = [Err(SubmitError::KeyReused), Err(SubmitError::LinkedRefused)];
    assert_eq!(refused, expected);
    let each = engine.rehearse(mixed(), false).await.expect("told");
    assert_eq!((statuses(&each), replayed(&each)), (vec![201, 201], 1));
    assert_eq!(everything(&books).await, before);
    books.close().await;
}

/// Rehearsals lock what they look at: they must not stop the work for longer than they take.
#[tokio::test(flavor = "multi_thread")]
async fn rehearsals_among_writes_change_nothing_and_stop_nobody() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let engine = &books.engine;
    let rehearsals = join_all((0..50).map(|n| {
        let steps = [withdrawal(ann, "60.00"), deposit(ann, "60.00")];
        engine.rehearse(group(&format!("r{n}"), steps), true)
    }));
    let writes = join_all(
        (0..100).map(|n| engine.submit(command("ann", &format!("w{n}"), withdrawal(ann, "1.00")))),
    );
    let both = tokio::time::timeout(Duration::from_secs(9), join(rehearsals, writes));
    let (rehearsals, writes) = both.await.expect("nobody waits for long");
    for told in rehearsals {
        assert!(matches!(
            statuses(&told.expect("told"))[..],
            [201, 201] | [422, 422]
        ));
    }
    assert!(writes.iter().all(|answer| status(answer) == 201));
    assert_eq!(books.balance(ann).await, "0.00");
    books.close().await;
}
