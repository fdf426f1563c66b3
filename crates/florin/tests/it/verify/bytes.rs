//! One wrong byte anywhere in the books is found, and the row that has it is named.

use florin::verify::{Report, prove};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use super::{SLICE, connect};
use crate::books;

/// The columns of a table, and the value that each is given: one digit, letter or bit is another.
struct Table {
    name: &'static str,
    /// Finds a row again.
    key: &'static [&'static str],
    /// What evidence may call a row of it: any of these will do.
    names: &'static [&'static str],
    columns: &'static [(&'static str, &'static str)],
    /// Why the others are not looked at.
    but: &'static [(&'static str, &'static str)],
}

const BALANCE: &str =
    "format('%s of wal_%s in %s', account, replace(wallet_id::text, '-', ''), currency)";
const EVENT: &str = "format('event %s:', seq)";

const TABLES: &[Table] = &[
    Table {
        name: "postings",
        key: &["wallet_id", "account", "currency", "version"],
        names: &[
            EVENT,
            "format('transaction %s:', seq)",
            "format('%s: version %s', \
             format('%s of wal_%s in %s', account, replace(wallet_id::text, '-', ''), currency), version)",
            BALANCE,
        ],
        columns: &[
            ("wallet_id", ANOTHER_ID),
            ("account", ANOTHER_TEXT),
            ("currency", ANOTHER_TEXT),
            ("version", "version + 50"),
            ("seq", "seq + 1"),
            ("transaction_id", ANOTHER_ID),
            ("amount", "amount + 0.01"),
            ("balance_after", "balance_after + 0.01"),
            ("held_change", "held_change + 0.01"),
            ("held_after", "held_after + 0.01"),
            ("kind", ANOTHER_TEXT),
            ("effective_at", "effective_at + interval '1 second'"),
            ("backdated", "NOT backdated"),
            ("purpose", "'spread'"),
        ],
        but: &[],
    },
    Table {
        name: "balances",
        key: &["wallet_id", "account", "currency"],
        names: &[BALANCE],
        columns: &[
            ("wallet_id", ANOTHER_ID),
            ("account", ANOTHER_TEXT),
            ("currency", ANOTHER_TEXT),
            ("posted", "posted + 0.01"),
            ("version", "version + 1"),
            ("held", "held + 0.01"),
            ("credit_limit", "credit_limit + 1"),
            ("restrictions", "restrictions # 1"),
        ],
        but: &[],
    },
    Table {
        name: "events",
        key: &["seq"],
        names: &[
            EVENT,
            "format('event %s ', seq)",
            "format('the head is at %s with', seq)",
        ],
        columns: &[
            ("seq", "seq + 50"),
            ("event_id", ANOTHER_ID),
            ("subject", ANOTHER_TEXT),
            ("hash", "set_byte(hash, 7, get_byte(hash, 7) # 1)"),
            ("posted_at", "posted_at + interval '1 us'"),
        ],
        but: &[
            ("data", "has a test of its own, byte by byte"),
            ("traceparent", "leads to logs and is proof of nothing"),
        ],
    },
    Table {
        name: "answers",
        key: &["id"],
        names: &[
            EVENT,
            "format('event %s ', seq)",
            "format('answer %s', id)",
            "(SELECT format('the key \"%s\"', key) FROM ledger.idempotency_keys k \
              WHERE k.answer_id = answers.id)",
        ],
        columns: &[
            ("id", ANOTHER_ID),
            (
                "status",
                "CASE WHEN status < 400 THEN status + 200 ELSE status - 200 END",
            ),
            ("body", "regexp_replace(body, '[0-9a-f]\",', 'g\",')"),
            ("seq", "seq + 50"),
        ],
        but: &[],
    },
    Table {
        name: "idempotency_keys",
        key: &["caller", "key"],
        names: &["format('the key \"%s\"', key)"],
        columns: &[("answer_id", ANOTHER_ID)],
        but: &[
            ("caller", "is the key's scope, and only the caller knows it"),
            ("key", "is the caller's own invention"),
            ("fingerprint", "is of a request that is not kept"),
            ("claimed_at", "says when keys may be forgotten"),
        ],
    },
    Table {
        name: "wallets",
        key: &["id"],
        names: &["format('wal_%s', replace(id::text, '-', ''))"],
        columns: &[
            ("id", ANOTHER_ID),
            ("owner", ANOTHER_TEXT),
            (
                "kind",
                "CASE kind WHEN 'customer' THEN 'merchant' ELSE 'customer' END",
            ),
            ("reference", "coalesce(reference, '') || 'x'"),
            ("metadata", "'{\"a\":\"\"}'"),
            ("category", "coalesce(category, '') || 'x'"),
            ("created_at", "created_at + interval '1 us'"),
            (
                "status",
                "CASE status WHEN 'active' THEN 'frozen' ELSE 'active' END",
            ),
            ("restrictions", "restrictions # 1"),
        ],
        but: &[],
    },
    Table {
        name: "head",
        key: &["single"],
        names: &["'the head is at'"],
        columns: &[
            ("seq", "seq + 1"),
            ("hash", "set_byte(hash, 7, get_byte(hash, 7) # 1)"),
            ("posted_at", "posted_at + interval '1 us'"),
        ],
        but: &[
            ("single", "is the key of the one row"),
            (
                "rules_version",
                "makes lanes read the fee rules again, whatever it says",
            ),
        ],
    },
];

/// The last digit is another one; `$` stands for the column.
const ANOTHER_ID: &str = "(left($::text, -1) || translate(right($::text, 1), \
                          '0123456789abcdef', '123456789abcdef0'))::uuid";
/// The last letter is the next one.
const ANOTHER_TEXT: &str = "left($, -1) || chr(ascii(right($, 1)) + 1)";

#[tokio::test]
async fn one_wrong_byte_in_any_row_is_found_and_the_row_is_named() {
    let database = books::filled().await;
    let mut owner = connect(&database.url()).await;
    keep_copies(&mut owner).await;
    for table in TABLES {
        expect_every_column(&mut owner, table).await;
        let rows = rows(&mut owner, table).await;
        assert!(!rows.is_empty(), "{}", table.name);
        for (column, change) in table.columns {
            let mut tried = 0;
            for (row, names) in &rows {
                let change = change.replace('$', column);
                let sql = format!(
                    "UPDATE ledger.{} SET {column} = {change}
                     WHERE {row} AND {column} IS DISTINCT FROM {change}",
                    table.name
                );
                if !plant(&mut owner, &sql).await {
                    continue;
                }
                tried += 1;
                let report = prove(&database.url(), SLICE).await.expect("proven");
                assert!(
                    names_one(&report, names),
                    "{sql}\nshould name {names:?}:\n{report}"
                );
                restore(&mut owner, table.name).await;
            }
            assert!(tried > 0, "{}.{column} was never changed", table.name);
        }
    }
    let report = prove(&database.url(), SLICE).await.expect("proven");
    assert!(report.clean, "all is as it was: {report}");
}

/// All events at once, each at the same share of its length, from the first byte to the last.
#[tokio::test]
async fn one_wrong_byte_anywhere_in_any_event_is_found_and_the_event_is_named() {
    const PLACES: i32 = 64;
    let database = books::filled().await;
    let mut owner = connect(&database.url()).await;
    keep_copies(&mut owner).await;
    for place in 0..=PLACES {
        let sql = format!(
            "UPDATE ledger.events SET data = overlay(data PLACING
                 CASE substr(data, at, 1) WHEN '~' THEN '!' ELSE '~' END FROM at FOR 1)
             FROM (SELECT seq, 1 + (length(data) - 1) * {place} / {PLACES} AS at
                   FROM ledger.events) places
             WHERE places.seq = events.seq"
        );
        assert!(plant(&mut owner, &sql).await);
        let report = prove(&database.url(), SLICE).await.expect("proven");
        for seq in 1..=books::EVENTS {
            let name = format!("event {seq}: its hash is");
            assert!(names_one(&report, &[name]), "{place}: {report}");
        }
        restore(&mut owner, "events").await;
    }
}

fn names_one(report: &Report, names: &[String]) -> bool {
    let mut evidence = report.broken().flat_map(|finding| &finding.evidence);
    evidence.any(|said| names.iter().any(|name| said.contains(name)))
}

/// A predicate for each row, and what it may be called.
async fn rows(owner: &mut PgConnection, table: &Table) -> Vec<(String, Vec<String>)> {
    let key: Vec<String> = table
        .key
        .iter()
        .map(|column| format!("format('{column} = %L', {column})"))
        .collect();
    let sql = format!(
        "SELECT concat_ws(' AND ', {}), array_remove(ARRAY[{}], NULL) FROM ledger.{}",
        key.join(", "),
        table.names.join(", "),
        table.name
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(owner).await;
    rows.expect("rows")
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        .collect()
}

/// A column that is new is looked at, or somebody says why not.
async fn expect_every_column(owner: &mut PgConnection, table: &Table) {
    let mut there: Vec<String> = sqlx::query_scalar(
        "SELECT column_name::text FROM information_schema.columns
         WHERE table_schema = 'ledger' AND table_name = $1",
    )
    .bind(table.name)
    .fetch_all(owner)
    .await
    .expect("columns");
    let known = table.columns.iter().chain(table.but);
    let mut known: Vec<&str> = known.map(|(column, _)| *column).collect();
    there.sort();
    known.sort_unstable();
    assert_eq!(
        there, known,
        "every column of {} is changed in this test, or it says why not",
        table.name
    );
}

/// Changes a row as nobody but the owner can; false when even they cannot, or nothing changes.
async fn plant(owner: &mut PgConnection, sql: &str) -> bool {
    let mut tx = owner.begin().await.expect("begins");
    let changed = sqlx::query(AssertSqlSafe(sql.to_owned()))
        .execute(&mut *tx)
        .await;
    match changed {
        Ok(done) => {
            tx.commit().await.expect("planted");
            done.rows_affected() > 0
        }
        Err(error) => {
            let code = error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code);
            let refused = code.is_some_and(|code| code.starts_with("23"));
            assert!(refused, "{sql}: {error}");
            false
        }
    }
}

/// Triggers and foreign keys do not see what this session does.
async fn keep_copies(owner: &mut PgConnection) {
    let tables: Vec<String> = TABLES
        .iter()
        .map(|table| format!("CREATE TABLE saved.{0} AS TABLE ledger.{0};", table.name))
        .collect();
    let sql = format!(
        "SET session_replication_role = replica; CREATE SCHEMA saved; {}",
        tables.concat()
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(owner)
        .await
        .expect("copies");
}

async fn restore(owner: &mut PgConnection, table: &str) {
    let sql = format!(
        "BEGIN; DELETE FROM ledger.{table}; INSERT INTO ledger.{table} TABLE saved.{table}; COMMIT"
    );
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(owner)
        .await
        .expect("restored");
}
