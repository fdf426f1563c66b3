//! What the database refuses by itself.

use contracts::event::HoldState;
use sqlx::{AssertSqlSafe, Row as _};

use super::{capture, close, is_good, place, release};
use crate::books::{Books, command};

/// The states that raw SQL may write over each state, whoever tries: only those of an open hold.
#[tokio::test(flavor = "multi_thread")]
async fn the_database_refuses_every_step_that_the_rules_do_not_have() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let bob = books.wallet("bob").await;
    for from in HoldState::ALL {
        let hold = place(&books, ann, bob, "10.00").await;
        let end = match from {
            HoldState::Open => capture(&hold, Some("1.00"), false),
            HoldState::Captured => capture(&hold, Some("1.00"), true),
            HoldState::Voided => release(&hold, true),
            HoldState::Expired => release(&hold, false),
        };
        let key = format!("end {}", from.as_str());
        assert!(is_good(
            &books.engine.submit(command("bob", &key, end)).await
        ));
        for to in HoldState::ALL {
            for captured in [
                "captured - 1",
                "captured",
                "captured + 1",
                "amount",
                "amount + 1",
            ] {
                let allowed = *from == HoldState::Open
                    && match to {
                        HoldState::Open => captured == "captured + 1",
                        HoldState::Captured => matches!(captured, "captured + 1" | "amount"),
                        HoldState::Voided | HoldState::Expired => captured == "captured",
                    };
                let sql = format!(
                    "UPDATE ledger.holds SET state = '{}', captured = {captured} WHERE id = '{}'",
                    to.as_str(),
                    hold.terms.id.as_uuid(),
                );
                assert_eq!(
                    is_taken(&books, sql.clone()).await,
                    allowed,
                    "{from:?}: {sql}"
                );
            }
        }
    }
    let refused = [
        "UPDATE ledger.holds SET amount = amount + 1 WHERE state = 'open'",
        "UPDATE ledger.holds SET captured = captured + 1, expires_at = now() WHERE state = 'open'",
        "UPDATE ledger.holds SET captured = captured + 1, metadata = '' WHERE state = 'open'",
        "DELETE FROM ledger.holds",
        "TRUNCATE ledger.holds",
        "INSERT INTO ledger.holds (id, wallet_id, kind, currency, amount, state, captured,
                                   expires_at, placed_at)
         SELECT gen_random_uuid(), wallet_id, 'withdrawal', 'EUR', 5, 'captured', 5, now(), now()
         FROM ledger.holds LIMIT 1",
        "INSERT INTO ledger.holds (id, wallet_id, kind, currency, amount, expires_at, placed_at)
         SELECT gen_random_uuid(), wallet_id, 'payment', 'EUR', 5, now(), now()
         FROM ledger.holds LIMIT 1",
        "INSERT INTO ledger.holds (id, wallet_id, kind, counterparty_id, currency, amount,
                                   expires_at, placed_at)
         SELECT gen_random_uuid(), wallet_id, 'payment', wallet_id, 'EUR', 5, now(), now()
         FROM ledger.holds LIMIT 1",
    ];
    for sql in refused {
        assert!(!is_taken(&books, sql.to_owned()).await, "{sql}");
    }
    close(books).await;
}

/// Whether the database takes a statement of its owner; it is undone in any case.
async fn is_taken(books: &Books, sql: String) -> bool {
    let mut tx = books.owner.begin().await.expect("begins");
    let taken = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *tx).await;
    tx.rollback().await.expect("undone");
    taken.is_ok()
}

/// The rights of the ledger's own role end at what a hold is at.
#[tokio::test(flavor = "multi_thread")]
async fn the_ledgers_role_changes_no_terms_of_a_hold() {
    let books = Books::open().await;
    let granted: Vec<String> = sqlx::query(
        "SELECT column_name::text FROM information_schema.column_privileges
         WHERE grantee = 'florin_ledger' AND table_name = 'holds' AND privilege_type = 'UPDATE'
         ORDER BY 1",
    )
    .fetch_all(&books.owner)
    .await
    .expect("the database answers")
    .iter()
    .map(|row| row.get(0))
    .collect();
    assert_eq!(granted, ["captured", "state"]);
    books.close().await;
}
