//! Reading a log in bounded pages.

use contracts::limits;
use service_runtime::{
    log,
    postgres::{self, PostgresOptions},
};

use crate::world::World;

async fn reader(world: &World) -> sqlx::PgPool {
    let options = PostgresOptions {
        schema: "ledger",
        ..PostgresOptions::default()
    };
    postgres::pool(&world.url, &options)
        .await
        .expect("connects")
}

#[tokio::test]
async fn an_empty_log_has_a_head_of_zero() {
    let world = World::start().await;
    let pool = reader(&world).await;
    assert_eq!(
        log::head(&pool).await.expect("reads"),
        (0, contracts::chain::GENESIS)
    );
    assert_eq!(log::page(&pool, 1, 100).await.expect("reads").events, []);
}

#[tokio::test]
async fn pages_are_bounded_by_events_and_by_bytes_and_hold_one_at_least() {
    let world = World::start().await;
    world.append(700).await;
    let pool = reader(&world).await;
    let seqs = async |from, to| {
        let page = log::page(&pool, from, to).await.expect("reads");
        assert_eq!(page.head.seq, 700);
        // Every event was caused by the same request.
        let mut events = page.events.iter();
        assert!(events.all(|event| event.traceparent.is_some()));
        page.events
            .iter()
            .map(|event| event.seq)
            .collect::<Vec<u64>>()
    };
    assert_eq!(seqs(1, u64::MAX).await, (1..=500).collect::<Vec<u64>>());
    assert_eq!(seqs(501, u64::MAX).await, (501..=700).collect::<Vec<u64>>());
    assert_eq!(seqs(7, 9).await, [7, 8, 9]);
    assert_eq!(seqs(0, 2).await, [1, 2]);
    assert!(seqs(9, 7).await.is_empty());
    assert!(seqs(701, 800).await.is_empty());

    let large = "x".repeat(limits::EVENT_BYTES_MAX);
    sqlx::query("UPDATE ledger.events SET data = $1 WHERE seq IN (10, 11)")
        .bind(large)
        .execute(&world.pool)
        .await
        .expect("grows");
    assert_eq!(seqs(10, 20).await, [10]);
    assert_eq!(seqs(9, 20).await, [9, 10]);
}
