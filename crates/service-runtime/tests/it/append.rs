//! A worker's own log: who appends to it, and in which order.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{EventId, chain};
use service_runtime::{
    Clock, Secret,
    log::{self, Draft, LOG_MIGRATIONS, append_in_tx, derived_id},
    migrate::{self, Part},
    postgres::{self, PostgresOptions},
};
use sqlx::PgPool;
use testkit::TestDatabase;

const PART: Part = Part {
    schema: "fraud",
    role: "florin_fraud",
};

async fn log_of_a_worker() -> PgPool {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    let mut owner = pool.acquire().await.expect("connects");
    migrate::apply(&mut owner, PART, None, &[&LOG_MIGRATIONS])
        .await
        .expect("migrates");
    let options = PostgresOptions {
        schema: PART.schema,
        ..PostgresOptions::default()
    };
    postgres::pool(&Secret::new(database.url()), &options)
        .await
        .expect("connects")
}

fn id(seq: u64, what: &str) -> EventId {
    derived_id("fraud", "ledger", seq, what, DateTime::UNIX_EPOCH)
}

fn draft(id: EventId) -> Draft {
    Draft {
        id,
        subject: "fraud.v1.alert.raised".to_owned(),
        traceparent: None,
        data: Box::new(move |seq, at| format!(r#"{{"id":"{id}","seq":{seq},"at":"{at:?}"}}"#)),
    }
}

async fn append(pool: &PgPool, now: DateTime<Utc>, ids: &[EventId]) -> usize {
    let mut tx = pool.begin().await.expect("begins");
    let drafts = ids.iter().copied().map(draft).collect();
    let appended = append_in_tx(&mut tx, now, drafts).await.expect("appends");
    tx.commit().await.expect("commits");
    appended
}

/// The log's ids in order, after a proof of its chain.
async fn proven(pool: &PgPool) -> Vec<EventId> {
    let page = log::page(pool, 1, u64::MAX).await.expect("reads");
    let mut hash = chain::GENESIS;
    let mut latest = DateTime::<Utc>::UNIX_EPOCH;
    for (seq, event) in (1..).zip(&page.events) {
        hash = chain::link(&hash, event.data.as_bytes());
        assert_eq!((event.seq, &event.hash), (seq, &hex::encode(hash)));
        assert!(
            event
                .data
                .contains(&format!("\"seq\":{seq},\"at\":\"{:?}\"", event.posted_at))
        );
        assert!(event.posted_at >= latest, "time runs backwards");
        latest = event.posted_at;
    }
    assert_eq!(page.head.hash, hex::encode(hash));
    page.events.iter().map(|event| event.id).collect()
}

#[tokio::test]
async fn what_the_log_has_it_does_not_take_again() {
    let pool = log_of_a_worker().await;
    let now = Clock::system().now();
    let [one, two, three] = [id(1, "a"), id(1, "b"), id(2, "a")];
    assert_eq!(append(&pool, now, &[]).await, 0);
    assert_eq!(append(&pool, now, &[one, two, one]).await, 2);
    assert_eq!(append(&pool, now, &[two, three, one]).await, 1);
    assert_eq!(append(&pool, now, &[three]).await, 0);
    assert_eq!(proven(&pool).await, [one, two, three]);
}

#[tokio::test]
async fn time_never_runs_backwards_and_what_is_rolled_back_leaves_no_gap() {
    let pool = log_of_a_worker().await;
    let now = Clock::system().now();
    append(&pool, now, &[id(1, "a")]).await;
    append(&pool, now - TimeDelta::hours(1), &[id(2, "a")]).await;
    let mut tx = pool.begin().await.expect("begins");
    append_in_tx(&mut tx, now, vec![draft(id(3, "a"))])
        .await
        .expect("appends");
    tx.rollback().await.expect("rolls back");
    append(&pool, now, &[id(4, "a")]).await;
    assert_eq!(proven(&pool).await, [id(1, "a"), id(2, "a"), id(4, "a")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_who_append_at_once_take_turns() {
    let pool = log_of_a_worker().await;
    let now = Clock::system().now();
    let writer = |first: u64| {
        let pool = pool.clone();
        // Every second event is one that another appends too.
        async move {
            let mut appended = 0;
            for n in 0..50 {
                let ids = [id(n, "shared"), id(first + n, "own")];
                appended += append(&pool, now, &ids).await;
            }
            appended
        }
    };
    let (a, b, c) = tokio::join!(writer(1_000), writer(2_000), writer(3_000));
    assert_eq!(a + b + c, 50 + 3 * 50);
    assert_eq!(proven(&pool).await.len(), 200);
}

#[test]
fn a_derived_id_is_the_same_again_and_differs_in_every_part() {
    let at = DateTime::UNIX_EPOCH;
    let wanted = derived_id("fraud", "ledger", 1, "rule", at);
    assert_eq!(derived_id("fraud", "ledger", 1, "rule", at), wanted);
    for other in [
        derived_id("settlement", "ledger", 1, "rule", at),
        derived_id("fraud", "other", 1, "rule", at),
        derived_id("fraud", "ledger", 2, "rule", at),
        derived_id("fraud", "ledger", 1, "other", at),
        derived_id("fraud", "ledger", 1, "rule", at + TimeDelta::seconds(1)),
    ] {
        assert_ne!(other, wanted);
    }
}
