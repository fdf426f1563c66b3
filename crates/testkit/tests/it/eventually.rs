//! The one way to wait.

use std::time::Duration;

use testkit::eventually;

#[tokio::test]
async fn it_returns_the_fact_as_soon_as_it_holds() {
    let mut checks = 0;
    let found = eventually("three checks", Duration::from_secs(10), async || {
        checks += 1;
        (checks == 3).then_some(checks)
    })
    .await;
    assert_eq!(found, 3);
}

#[tokio::test]
#[should_panic(expected = "not within 50ms: pigs fly; last seen: \"on the ground\"")]
async fn it_panics_with_what_was_awaited_and_the_last_state() {
    eventually("pigs fly", Duration::from_millis(50), async || {
        Err::<(), _>("on the ground")
    })
    .await;
}

#[tokio::test]
#[should_panic(expected = "a reply; last seen: nothing (then a check hung)")]
async fn a_check_that_hangs_does_not_hang_the_test() {
    eventually("a reply", Duration::from_millis(50), async || {
        std::future::pending::<bool>().await
    })
    .await;
}
