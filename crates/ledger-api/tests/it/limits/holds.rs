//! What is set aside counts as spent, once, and is given back when it comes free in time.

use contracts::event::KycLevel;
use service_runtime::Clock;

use super::{at, code, known, submit, used};
use crate::{
    books::{Books, withdrawal},
    holds::{capture, place, release},
};

/// Verified not at all: 850 euros a day, 4,250 a month.
async fn books() -> (Clock, Books) {
    let clock = Clock::manual(at("2026-03-10T12:00:00Z"));
    (clock.clone(), Books::open_at(clock).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_counts_when_it_is_placed_and_its_captures_no_more() {
    let (clock, books) = books().await;
    let engine = &books.engine;
    let (ann, bob) = (
        books.wallet_with("ann", "5000.00").await,
        books.wallet("bob").await,
    );
    submit(engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    let sums = async || used(&books.owner, "ann", "EUR", clock.now()).await;
    let held = place(&books, ann, bob, "800.00").await;
    assert_eq!(sums().await, ["800.00", "800.00"]);
    assert_eq!(
        code(&submit(engine, withdrawal(ann, "50.01")).await),
        "limit_exceeded"
    );
    assert_eq!(
        code(&submit(engine, capture(&held, Some("300.00"), false)).await),
        ""
    );
    assert_eq!(sums().await, ["800.00", "800.00"]);
    // The last capture takes two hundred and gives three hundred back.
    assert_eq!(
        code(&submit(engine, capture(&held, Some("200.00"), true)).await),
        ""
    );
    assert_eq!(sums().await, ["500.00", "500.00"]);
    let held = place(&books, ann, bob, "350.00").await;
    assert_eq!(
        code(&submit(engine, withdrawal(ann, "0.01")).await),
        "limit_exceeded"
    );
    // Too late for the day, in time for the month.
    clock.set(at("2026-03-11T00:00:00Z"));
    assert_eq!(code(&submit(engine, withdrawal(ann, "1.00")).await), "");
    assert_eq!(code(&submit(engine, release(&held, true)).await), "");
    assert_eq!(sums().await, ["1.00", "501.00"]);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_placed_before_the_first_level_counts_with_what_was_not_released() {
    let (clock, books) = books().await;
    let engine = &books.engine;
    let (ann, bob) = (
        books.wallet_with("ann", "5000.00").await,
        books.wallet("bob").await,
    );
    let open = place(&books, ann, bob, "100.00").await;
    let taken = place(&books, ann, bob, "1000.00").await;
    let voided = place(&books, ann, bob, "1000.00").await;
    for action in [
        capture(&open, Some("40.00"), false),
        capture(&taken, Some("30.00"), true),
        release(&voided, true),
    ] {
        assert_eq!(code(&submit(engine, action).await), "");
    }
    submit(engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    let sums = async || used(&books.owner, "ann", "EUR", clock.now()).await;
    assert_eq!(sums().await, ["130.00", "130.00"]);
    assert_eq!(code(&submit(engine, release(&open, true)).await), "");
    assert_eq!(sums().await, ["70.00", "70.00"]);
    books.close().await;
}
