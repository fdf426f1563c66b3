//! Pools: the schema, the time-outs, and connections that a dropped caller left behind.

use std::time::Duration;

use futures_util::FutureExt;
use service_runtime::{
    Secret,
    postgres::{self, PostgresOptions},
};
use testkit::TestDatabase;

const OPTIONS: PostgresOptions = PostgresOptions {
    schema: "ledger",
    max_connections: 1,
    statement_timeout_ms: 300,
    lock_timeout_ms: 5_000,
    idle_in_transaction_ms: 60_000,
    idle_session_ms: 0,
    plans_anew: false,
    application_name: "florin test",
};

async fn pool(options: &PostgresOptions) -> (sqlx::PgPool, sqlx::PgPool) {
    let database = TestDatabase::create().await;
    let owner = database.pool().await;
    sqlx::raw_sql("CREATE SCHEMA ledger; CREATE TABLE ledger.notes (note text);")
        .execute(&owner)
        .await
        .expect("makes a table");
    let pool = postgres::pool(&Secret::new(database.url()), options)
        .await
        .expect("connects");
    (pool, owner)
}

#[tokio::test]
async fn the_schema_and_the_time_outs_belong_to_the_connection() {
    let (pool, _owner) = pool(&OPTIONS).await;
    sqlx::query("INSERT INTO notes VALUES ('found')")
        .execute(&pool)
        .await
        .expect("finds notes");
    let error = sqlx::query("SELECT pg_sleep(30)")
        .execute(&pool)
        .await
        .expect_err("too long");
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .expect("a code");
    assert_eq!(code, "57014");
    let name: String = sqlx::query_scalar("SHOW application_name")
        .fetch_one(&pool)
        .await
        .expect("ok");
    assert_eq!(name, "florin test");
}

/// sqlx leaves a connection inside a transaction when the future of `begin` is dropped at the
/// wrong moment. The next user's write is then acknowledged, and lost.
#[tokio::test]
async fn a_dropped_begin_does_not_lose_the_next_callers_write() {
    let (pool, owner) = pool(&OPTIONS).await;
    for round in 0..100_u32 {
        // Polled a few times and dropped: a client that went away.
        let mut begin = Box::pin(pool.begin());
        for _ in 0..=(round % 4) {
            if begin.as_mut().now_or_never().is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(begin);
        sqlx::query("INSERT INTO notes VALUES ($1)")
            .bind(round.to_string())
            .execute(&pool)
            .await
            .expect("is acknowledged");
        let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger.notes WHERE note = $1")
            .bind(round.to_string())
            .fetch_one(&owner)
            .await
            .expect("counts");
        assert_eq!(
            seen, 1,
            "an acknowledged write of round {round} is not there"
        );
    }
}

#[tokio::test]
async fn a_refusal_is_told_at_once_and_without_the_password() {
    let database = TestDatabase::create().await;
    let url = database.url_as("nobody_of_that_name", "s3cret");
    let began = std::time::Instant::now();
    let error = postgres::pool(&Secret::new(url), &OPTIONS)
        .await
        .expect_err("is refused");
    let text = format!("{error:#} {error:?}");
    assert!(!text.contains("s3cret"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(20), "it kept trying");
}
