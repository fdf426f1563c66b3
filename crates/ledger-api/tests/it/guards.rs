//! The second line: what the database refuses whatever the code does.

use crate::books::{Books, PASSWORD, command, deposit, status};

/// Runs SQL as the ledger's own role and returns the error it must meet.
async fn refused_as_ledger(books: &Books, sql: &'static str) -> String {
    let url = books.database.url_as("florin_ledger", PASSWORD);
    let mut role: sqlx::PgConnection = <sqlx::PgConnection as sqlx::Connection>::connect(&url)
        .await
        .expect("the role can log in");
    let error = sqlx::raw_sql(sql).execute(&mut role).await.err();
    error
        .unwrap_or_else(|| panic!("{sql} was allowed"))
        .to_string()
}

async fn refused_as_owner(books: &Books, sql: &'static str) -> String {
    let error = sqlx::raw_sql(sql).execute(&books.owner).await.err();
    error
        .unwrap_or_else(|| panic!("{sql} was allowed"))
        .to_string()
}

async fn books_with_an_entry() -> Books {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    assert_eq!(
        status(
            &books
                .engine
                .submit(command("o", "d", deposit(wallet, "1.00")))
                .await
        ),
        201
    );
    sqlx::query(
        "INSERT INTO ledger.audit
                (id, at, client, method, route, path, request_id, status, replayed)
         VALUES (gen_random_uuid(), now(), '', '', '', '', '', 201, false)",
    )
    .execute(&books.owner)
    .await
    .expect("a row of the audit trail");
    books
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_below_zero_cannot_be_written_even_by_the_owner() {
    let books = books_with_an_entry().await;
    let sql = "UPDATE ledger.balances SET posted = -1 WHERE account = 'main'";
    for error in [
        refused_as_owner(&books, sql).await,
        refused_as_ledger(&books, sql).await,
    ] {
        assert!(error.contains("balance_stays_above_its_floor"), "{error}");
    }
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_written_can_be_changed_or_removed() {
    let books = books_with_an_entry().await;
    for table in ["events", "events_0", "postings", "answers", "audit"] {
        for verb in [
            "UPDATE ledger.{} SET seq = seq",
            "DELETE FROM ledger.{}",
            "TRUNCATE ledger.{}",
        ] {
            let sql = verb.replace("{}", table);
            if table == "events_0" && verb.starts_with("TRUNCATE") {
                continue; // Postgres fires no truncate trigger of the parent; no role has the grant.
            }
            let sql: &'static str = Box::leak(sql.into_boxed_str());
            let error = refused_as_owner(&books, sql).await;
            assert!(error.contains("append-only"), "{sql}: {error}");
            let error = refused_as_ledger(&books, sql).await;
            assert!(error.contains("permission denied"), "{sql}: {error}");
        }
    }
    for sql in [
        "DELETE FROM ledger.balances",
        "DELETE FROM ledger.wallets",
        "DELETE FROM ledger.idempotency_keys",
        "UPDATE ledger.idempotency_keys SET key = ''",
        "UPDATE ledger.wallets SET owner = 'eve'",
        "TRUNCATE ledger.events_0",
        "CREATE TABLE ledger.mine (id int)",
        "ALTER TABLE ledger.postings DISABLE TRIGGER ALL",
    ] {
        let error = refused_as_ledger(&books, sql).await;
        assert!(
            error.contains("permission denied") || error.contains("must be owner"),
            "{sql}: {error}"
        );
    }
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posting_of_no_wallet_or_without_its_other_half_is_refused() {
    let books = books_with_an_entry().await;
    let orphan = "INSERT INTO ledger.postings
        (wallet_id, account, currency, version, seq, transaction_id, amount, balance_after)
        VALUES (gen_random_uuid(), 'main', 'EUR', 1, 99, gen_random_uuid(), 0, 0)";
    let error = refused_as_ledger(&books, orphan).await;
    assert!(error.contains("posting_belongs_to_a_balance"), "{error}");
    let lopsided = "INSERT INTO ledger.postings
        (wallet_id, account, currency, version, seq, transaction_id, amount, balance_after)
        SELECT wallet_id, account, currency, version + 1, 99, gen_random_uuid(), 0.01, 1.01
        FROM ledger.balances WHERE account = 'main'";
    let error = refused_as_ledger(&books, lopsided).await;
    assert!(error.contains("do not sum to zero"), "{error}");
    books.close().await;
}
