//! Databases for tests.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{Connection as _, PgConnection};
use testkit::TestDatabase;

#[tokio::test]
async fn each_test_has_a_database_of_its_own() {
    let (one, two) = (TestDatabase::create().await, TestDatabase::create().await);
    assert_ne!(one.name(), two.name());
    let pool = one.pool().await;
    sqlx::query("CREATE TABLE mine (n int)")
        .execute(&pool)
        .await
        .expect("create");
    let other = two.pool().await;
    assert!(
        sqlx::query("SELECT * FROM mine")
            .execute(&other)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_template_is_filled_once_and_copied_at_the_same_time() {
    static FILLED: AtomicU32 = AtomicU32::new(0);
    let copy = async || {
        TestDatabase::from_template("filled-once", async |made: TestDatabase| {
            FILLED.fetch_add(1, Ordering::SeqCst);
            // The pool is left open on purpose: a forgotten one must not break the copies.
            let pool = made.pool().await;
            sqlx::query("CREATE TABLE seeded AS SELECT 1 AS n")
                .execute(&pool)
                .await
                .expect("seed");
            std::mem::forget(pool);
        })
        .await
    };
    let (one, two) = tokio::join!(copy(), copy());
    assert_eq!(FILLED.load(Ordering::SeqCst), 1);
    assert_ne!(one.name(), two.name());
    for database in [one, two] {
        let pool = database.pool().await;
        let n: i32 = sqlx::query_scalar("SELECT n FROM seeded")
            .fetch_one(&pool)
            .await
            .expect("row");
        assert_eq!(n, 1);
    }
}

#[tokio::test]
async fn another_role_logs_in_by_its_own_password_only() {
    let database = TestDatabase::create().await;
    let pool = database.pool().await;
    let role = format!("{}_reader", database.name());
    sqlx::query(sqlx::AssertSqlSafe(format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'right'"
    )))
    .execute(&pool)
    .await
    .expect("create role");
    let mut reader = PgConnection::connect(&database.url_as(&role, "right"))
        .await
        .expect("log in");
    let who: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&mut reader)
        .await
        .expect("row");
    assert_eq!(who, role);
    assert!(
        PgConnection::connect(&database.url_as(&role, "wrong"))
            .await
            .is_err()
    );
}
