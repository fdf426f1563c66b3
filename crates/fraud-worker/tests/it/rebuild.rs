//! What is derived can be dropped; what was published stays.

use contracts::Kind;

use crate::world::{World, euros};

#[tokio::test]
async fn a_rebuild_finds_the_same_alerts_and_publishes_nothing_twice() {
    let mut world = World::start().await;
    let moves: Vec<_> = (0..6)
        .map(|n| euros(Kind::Withdrawal, "10000.00", n * 1_000))
        .collect();
    world.happen(&moves).await;
    let before = world.alerts(None).await;
    assert_eq!(before.len(), 10, "six large ones, four of them rapid");
    let published = world.published(10).await;

    world.stop_workers().await;
    sqlx::raw_sql(
        "TRUNCATE fraud.alerts, fraud.debits;
         UPDATE fraud.inbox SET done = '{}', trusted_seq = 0,
                trusted_hash = decode(repeat('00', 32), 'hex')",
    )
    .execute(&world.pool)
    .await
    .expect("the owner may");
    world.start_worker(None).await;
    world.wait_until_settled().await;
    assert_eq!(world.alerts(None).await, before);
    assert_eq!(world.published(10).await, published);
    world.stop().await;
}

#[tokio::test]
async fn what_was_published_cannot_be_changed() {
    let world = World::start().await;
    world.happen(&[euros(Kind::Deposit, "10000.00", 0)]).await;
    for sql in [
        "UPDATE fraud.events SET data = ''",
        "DELETE FROM fraud.events",
        "TRUNCATE fraud.events",
    ] {
        let error = sqlx::raw_sql(sql)
            .execute(&world.pool)
            .await
            .expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    world.stop().await;
}
