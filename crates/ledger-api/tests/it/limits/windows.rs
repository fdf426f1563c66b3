//! When a limit begins and ends, and what counts in it.

use contracts::{Kind, event::KycLevel};
use futures_util::future::join_all;
use serde_json::json;
use service_runtime::Clock;

use super::{at, check, code, event, known, money, spend, submit, used, wallet_with, withdraw};
use crate::books::Books;

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_day_is_over_at_midnight_utc_and_not_a_moment_before() {
    let clock = Clock::manual(at("2026-03-26T22:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engine = &books.engine;
    let funds = [("9000.00", "USD"), ("900000", "JPY")];
    let (ann, bob) = (
        wallet_with(&books, "ann", &funds).await,
        wallet_with(&books, "bob", &[]).await,
    );
    submit(engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    assert_eq!(code(&withdraw(engine, ann, "1000.00", "USD").await), "");
    // The same in another currency is another sum, at the house's rate.
    assert_eq!(code(&withdraw(engine, ann, "150000", "JPY").await), "");
    let refused = [
        withdraw(engine, ann, "0.01", "USD").await,
        submit(
            engine,
            spend(Kind::Transfer, ann, Some(bob), money("0.01", "USD")),
        )
        .await,
        submit(
            engine,
            spend(Kind::Payment, ann, Some(bob), money("0.01", "USD")),
        )
        .await,
        withdraw(engine, ann, "1", "JPY").await,
    ];
    assert!(
        refused
            .iter()
            .all(|answer| code(answer) == "limit_exceeded")
    );
    assert_eq!(
        event(&refused[0])["limit"]["resets_at"],
        "2026-03-27T00:00:00Z"
    );
    // What comes in is nobody's spending.
    let back = spend(Kind::Deposit, ann, None, money("5000.00", "USD"));
    assert_eq!(code(&submit(engine, back).await), "");

    clock.set(at("2026-03-26T23:59:59.999999Z"));
    assert_eq!(
        code(&withdraw(engine, ann, "0.01", "USD").await),
        "limit_exceeded"
    );
    for day in 27..=30 {
        clock.set(at(&format!("2026-03-{day}T00:00:00Z")));
        assert_eq!(
            code(&withdraw(engine, ann, "1000.00", "USD").await),
            "",
            "{day}"
        );
        check(&books, "ann", &["USD", "JPY"], clock.now()).await;
    }
    // Five thousand in March: the month is used up too.
    clock.set(at("2026-03-31T23:59:59Z"));
    let refused = event(&withdraw(engine, ann, "0.01", "USD").await);
    let (window, ends) = (&refused["limit"]["window"], &refused["limit"]["resets_at"]);
    assert_eq!(
        (window, ends),
        (&json!("month"), &json!("2026-04-01T00:00:00Z"))
    );
    clock.set(at("2026-04-01T00:00:00Z"));
    assert_eq!(code(&withdraw(engine, ann, "1000.00", "USD").await), "");
    assert_eq!(
        used(&books.owner, "ann", "USD", clock.now()).await,
        ["1000.00", "1000.00"]
    );
    books.close().await;
}

/// The event's day is the limit's day, also for a batch that was decided at 23:59:59 and got the
/// head of the log after midnight.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_waits_for_the_log_past_midnight_counts_for_the_new_day() {
    let clock = Clock::manual(at("2026-03-30T23:59:59Z"));
    let books = Books::open_at(clock.clone()).await;
    let ann = wallet_with(&books, "ann", &[("9000.00", "USD")]).await;
    submit(&books.engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    assert_eq!(
        code(&withdraw(&books.engine, ann, "700.00", "USD").await),
        ""
    );

    let mut head = books.owner.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
        .execute(&mut *head)
        .await
        .expect("the head is held");
    let late = async {
        books.wait_for_lanes(1).await;
        clock.set(at("2026-03-31T00:00:01Z"));
        head.rollback().await.expect("the lane goes on");
    };
    let (answer, ()) = tokio::join!(withdraw(&books.engine, ann, "900.00", "USD"), late);
    // Yesterday it would have been too much; it is posted today.
    assert_eq!(code(&answer), "");
    assert_eq!(event(&answer)["posted_at"], "2026-03-31T00:00:01Z");
    assert_eq!(
        used(&books.owner, "ann", "USD", clock.now()).await,
        ["900.00", "1600.00"]
    );
    check(&books, "ann", &["USD"], clock.now()).await;
    books.close().await;
}

/// Nobody gets a day's limit anew by spending first and being verified afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_before_the_first_level_counts() {
    let clock = Clock::manual(at("2026-03-10T12:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engine = &books.engine;
    let ann = wallet_with(&books, "ann", &[("9000.00", "USD"), ("900.00", "EUR")]).await;
    let other = wallet_with(&books, "ann", &[("9000.00", "USD")]).await;
    let bob = wallet_with(&books, "bob", &[("50.00", "USD")]).await;
    assert_eq!(code(&withdraw(engine, ann, "3900.00", "USD").await), "");
    clock.set(at("2026-03-11T12:00:00Z"));
    let transfer = spend(Kind::Transfer, other, Some(bob), money("400.00", "USD"));
    assert_eq!(code(&submit(engine, transfer).await), "");
    assert_eq!(code(&withdraw(engine, ann, "1.00", "EUR").await), "");
    // In one batch with the level, before it and after it.
    let held = books.stall().await;
    let together = async {
        let group = [
            spend(Kind::Withdrawal, ann, None, money("500.00", "USD")),
            known("ann", KycLevel::None),
            spend(Kind::Withdrawal, other, None, money("100.01", "USD")),
            spend(Kind::Withdrawal, other, None, money("100.00", "USD")),
        ];
        join_all(group.map(|action| submit(engine, action))).await
    };
    let (answers, released) = tokio::join!(together, held.rollback());
    released.expect("the lanes go on");
    let codes: Vec<String> = answers.iter().map(code).collect();
    assert_eq!(codes, ["", "", "limit_exceeded", ""]);
    assert_eq!(
        used(&books.owner, "ann", "USD", clock.now()).await,
        ["1000.00", "4900.00"]
    );
    check(&books, "ann", &["USD", "EUR"], clock.now()).await;
    // Whom nobody said anything about still has no limit.
    assert_eq!(code(&withdraw(engine, bob, "450.00", "USD").await), "");
    books.close().await;
}

/// Nobody has counted a currency that was never spent: what one batch spends of it, before and
/// after the account's first level, counts from the beginning.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_of_a_currency_counts_in_the_batch_of_the_first_level() {
    let clock = Clock::manual(at("2026-03-10T12:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engine = &books.engine;
    let ann = wallet_with(&books, "ann", &[("9000.00", "USD")]).await;
    let held = books.stall().await;
    let together = async {
        let spend = |amount| spend(Kind::Withdrawal, ann, None, money(amount, "USD"));
        let group = [
            spend("500.00"),
            known("ann", KycLevel::None),
            spend("500.01"),
            spend("500.00"),
        ];
        join_all(group.map(|action| submit(engine, action))).await
    };
    let (answers, released) = tokio::join!(together, held.rollback());
    released.expect("the lanes go on");
    let codes: Vec<String> = answers.iter().map(code).collect();
    assert_eq!(codes, ["", "", "limit_exceeded", ""]);
    check(&books, "ann", &["USD"], clock.now()).await;
    assert_eq!(
        code(&withdraw(engine, ann, "0.01", "USD").await),
        "limit_exceeded"
    );
    books.close().await;
}
