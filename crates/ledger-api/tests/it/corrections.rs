//! Refunds and reversals of one transaction that arrive at the same moment.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{LedgerEvent, Posted, WalletId};
use futures_util::future::join_all;
use ledger_api::domain::{Action, Movement, OriginalLeg, Refund, Remarks, Reversal};
use service_runtime::Clock;

use crate::books::{Books, command, deposit, eur, payment, status};

fn remarks() -> Remarks {
    Remarks {
        reason: "a mistake".to_owned(),
        ..Remarks::default()
    }
}

async fn pay(books: &Books, ann: WalletId, shop: WalletId, amount: &str, order: &str) -> Posted {
    let paid = books
        .engine
        .submit(command("ops", order, payment(ann, shop, amount, order)))
        .await;
    let body = paid.expect("answered").rendered.body;
    match LedgerEvent::decode(body.as_bytes()) {
        Ok(LedgerEvent::Posted(posted)) => posted,
        _ => panic!("not posted: {body}"),
    }
}

fn reversal(original: &Posted) -> Action {
    let leg = |leg: &contracts::Leg| OriginalLeg {
        wallet: leg.wallet,
        account: leg.account,
        amount: leg.money().expect("exact"),
        purpose: leg.purpose,
    };
    Action::Reverse(Reversal {
        original: original.transaction,
        legs: original.legs.iter().map(leg).collect(),
        refunded: None,
        remarks: remarks(),
    })
}

fn refund(original: &Posted, ann: WalletId, shop: WalletId, amount: &str) -> Action {
    Action::Refund(Refund {
        payment: original.transaction,
        merchant: shop,
        customer: ann,
        paid: original.legs[1].money().expect("exact"),
        amount: Some(eur(amount)),
        remarks: remarks(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_parallel_reversals_of_one_transaction_one_is_posted() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    // The shop could pay for all of them.
    let shop = books.wallet_with("shop", "1000.00").await;
    let original = pay(&books, ann, shop, "10.00", "o-1").await;
    let other = books.another_engine().await;
    let answers = join_all((0..100).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        engine.submit(command("ops", &format!("reverse {n}"), reversal(&original)))
    }))
    .await;
    let posted = answers
        .iter()
        .filter(|answer| status(answer) == 201)
        .count();
    let refused = answers.iter().filter(|answer| {
        let body = &answer.as_ref().expect("answered").rendered.body;
        body.contains("already_reversed")
    });
    assert_eq!((posted, refused.count()), (1, 99));
    assert_eq!(
        (
            books.balance(ann).await.as_str(),
            books.balance(shop).await.as_str()
        ),
        ("100.00", "1000.00")
    );
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parallel_refunds_and_a_reversal_never_pay_back_more_than_was_paid() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let shop = books.wallet_with("shop", "1000.00").await;
    let other = books.another_engine().await;
    for round in 0..5 {
        let original = pay(&books, ann, shop, "10.00", &format!("o-{round}")).await;
        let answers = join_all((0..40).map(|n| {
            let engine = if n % 2 == 0 { &books.engine } else { &other };
            let action = if n == 20 {
                reversal(&original)
            } else {
                refund(&original, ann, shop, "0.30")
            };
            engine.submit(command("ops", &format!("back {round} {n}"), action))
        }))
        .await;
        let posted: Vec<usize> = (0..40).filter(|n| status(&answers[*n]) == 201).collect();
        // 33 parts of 0.30 are 9.90; a reversal is all.
        assert!(
            posted == [20] || (posted.len() == 33 && !posted.contains(&20)),
            "{posted:?}"
        );
        let back = if posted == [20] { "10.00" } else { "9.90" };
        let so_far: String = sqlx::query_scalar("SELECT sum(amount)::text FROM ledger.postings p JOIN ledger.events e USING (seq) WHERE p.wallet_id = $1 AND p.amount > 0 AND (e.subject LIKE '%.refund.posted.%' OR e.subject LIKE '%.reversal.posted.%') AND e.data LIKE '%' || $2 || '%'")
            .bind(ann.as_uuid())
            .bind(original.transaction.to_string())
            .fetch_one(&books.owner)
            .await
            .expect("the database answers");
        assert_eq!(so_far, back, "round {round}");
    }
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_what_a_correction_never_does() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let shop = books.wallet("shop").await;
    let first = pay(&books, ann, shop, "10.00", "o-1").await;
    let second = pay(&books, ann, shop, "10.00", "o-2").await;
    let back = refund(&first, ann, shop, "1.00");
    assert_eq!(
        status(&books.engine.submit(command("ops", "back", back)).await),
        201
    );
    let undo = reversal(&second);
    assert_eq!(
        status(&books.engine.submit(command("ops", "undo", undo)).await),
        201
    );
    for (sql, words) in [
        (
            "UPDATE ledger.corrections SET refunded = -1 WHERE refunded > 0",
            "refunded_is_never_negative",
        ),
        (
            "UPDATE ledger.corrections SET reversed_by = gen_random_uuid() WHERE refunded > 0",
            "what_is_refunded_is_not_reversed",
        ),
        (
            "UPDATE ledger.corrections SET reversed_by = NULL WHERE reversed_by IS NOT NULL",
            "was reversed before",
        ),
        ("DELETE FROM ledger.corrections", "append-only"),
        (
            "UPDATE ledger.orders SET answer_id = gen_random_uuid()",
            "append-only",
        ),
        ("DELETE FROM ledger.orders", "append-only"),
        (
            "INSERT INTO ledger.orders SELECT * FROM ledger.orders",
            "an_order_is_paid_once",
        ),
    ] {
        let error = sqlx::raw_sql(sql).execute(&books.owner).await.err();
        let error = error
            .unwrap_or_else(|| panic!("{sql} was allowed"))
            .to_string();
        assert!(error.contains(words), "{sql}: {error}");
    }
    books.close().await;
}

/// A clock may be set back between the moment when a request is read and the moment when it is
/// decided. What is found by the time when it counts must not be hidden in the future.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_counts_from_later_than_it_was_written() {
    let now: DateTime<Utc> = "2026-03-10T12:00:00Z".parse().expect("a moment");
    let books = Books::open_at(Clock::manual(now)).await;
    let ann = books.wallet_with("ann", "10.00").await;
    let shop = books.wallet("shop").await;
    let paid = pay(&books, ann, shop, "5.00", "o-1").await;
    let later = Some(now + TimeDelta::hours(1));
    let Action::Move(movement) = deposit(ann, "1.00") else {
        panic!("a deposit moves money")
    };
    let moved = Action::Move(Movement {
        effective_at: later,
        ..movement
    });
    let Action::Refund(mut refund) = refund(&paid, ann, shop, "1.00") else {
        panic!("a refund is one")
    };
    refund.remarks.effective_at = later;
    for (key, action) in [("move", moved), ("refund", Action::Refund(refund))] {
        let answer = books.engine.submit(command("ops", key, action)).await;
        let body = answer.expect("decided").rendered.body;
        let Ok(LedgerEvent::Posted(posted)) = LedgerEvent::decode(body.as_bytes()) else {
            panic!("not posted: {body}")
        };
        assert_eq!((posted.effective_at, posted.posted_at), (now, now), "{key}");
    }
    books.close().await;
}
