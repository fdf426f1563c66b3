//! The log alone is enough: wallets and balances, folded from the events without a look at any
//! other table, are the tables.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::Row;

use crate::books::{Books, command, deposit, open, transfer, withdrawal};

/// Whose balance: a wallet, or nobody for the system's shards together; account, and currency.
type Key = (Option<String>, String, String);

/// What the events up to some point come to.
#[derive(Debug, Clone, Default, PartialEq)]
struct State {
    /// By id: owner, kind, reference, metadata, and when it was opened.
    wallets: BTreeMap<String, [String; 5]>,
    /// Posted, and how often it changed.
    balances: BTreeMap<Key, (Decimal, u64)>,
}

impl State {
    /// Applies one event; what a leg says about its own balance is what follows from those before.
    fn apply(&mut self, event: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if event["type"] == "florin.ledger.wallet.created.v1" {
            let facts = ["owner", "kind", "reference"].map(|field| text(&event[field]));
            let [owner, kind, reference] = facts;
            let metadata = event["metadata"].to_string();
            let opened = [owner, kind, reference, metadata, text(&event["posted_at"])];
            self.wallets.insert(text(&event["wallet"]), opened);
        }
        for leg in event["legs"].as_array().into_iter().flatten() {
            let wallet = leg["wallet"].as_str().map(str::to_owned);
            let key = (wallet, text(&leg["account"]), text(&leg["currency"]));
            let (posted, version) = self.balances.entry(key).or_default();
            *posted += decimal(&leg["amount"]);
            *version += 1;
            if leg["wallet"].is_string() {
                assert_eq!(*posted, decimal(&leg["balance_after"]), "{event}");
                assert_eq!(Some(*version), leg["version"].as_u64(), "{event}");
            }
        }
    }

    fn of<'a>(events: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut state = Self::default();
        for event in events {
            state.apply(event);
        }
        state
    }
}

fn decimal(value: &Value) -> Decimal {
    value
        .as_str()
        .and_then(|text| text.parse().ok())
        .expect("an amount")
}

async fn log(books: &Books) -> Vec<Value> {
    let log: Vec<String> = sqlx::query_scalar("SELECT data FROM ledger.events ORDER BY seq")
        .fetch_all(&books.owner)
        .await
        .expect("the log");
    log.iter()
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect()
}

/// The same from the tables. Balances that nothing was ever posted to were only locked.
async fn tables(books: &Books) -> State {
    let wallets = sqlx::query(
        "SELECT 'wal_' || replace(id::text, '-', ''), owner, kind, coalesce(reference, ''), metadata,
                (SELECT data::jsonb ->> 'posted_at' FROM ledger.events
                 WHERE posted_at = created_at LIMIT 1)
         FROM ledger.wallets WHERE kind <> 'system'",
    )
    .fetch_all(&books.owner)
    .await
    .expect("wallets");
    let balances = sqlx::query(
        "SELECT CASE WHEN w.kind <> 'system' THEN 'wal_' || replace(w.id::text, '-', '') END,
                account, currency, sum(posted), sum(version)::bigint
         FROM ledger.balances JOIN ledger.wallets w ON w.id = wallet_id
         WHERE version > 0 GROUP BY 1, 2, 3",
    )
    .fetch_all(&books.owner)
    .await
    .expect("balances");
    State {
        wallets: wallets
            .iter()
            .map(|row| (row.get(0), [1, 2, 3, 4, 5].map(|at| row.get(at))))
            .collect(),
        balances: balances
            .iter()
            .map(|row| {
                let key = (row.get(0), row.get(1), row.get(2));
                (key, (row.get(3), row.get::<i64, _>(4).unsigned_abs()))
            })
            .collect(),
    }
}

/// Some hundreds of commands of two replicas, crossed and refused ones among them.
async fn busy_books() -> Books {
    let books = Books::open().await;
    let mut wallets = Vec::new();
    for owner in ["ann", "bob", "cid", "dan"] {
        wallets.push(books.wallet(owner).await);
    }
    let other = books.another_engine().await;
    let wallets = &wallets;
    let answers = join_all((0..400_usize).map(|n| {
        let (one, two) = (wallets[n % 4], wallets[(n / 4 + 1 + n) % 4]);
        let engine = if n % 3 == 0 { &other } else { &books.engine };
        let amount = format!("{}.{:02}", n % 37 + 1, n % 100);
        let action = match n % 5 {
            0 | 1 => deposit(one, &amount),
            2 => withdrawal(one, &amount),
            3 if one != two => transfer(one, two, &amount),
            _ => open(&format!("owner {n}")),
        };
        engine.submit(command("ops", &format!("n {n}"), action))
    }))
    .await;
    assert!(answers.iter().all(Result::is_ok), "all are decided");
    books
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_and_balances_follow_from_the_log_alone() {
    let books = busy_books().await;
    let log = log(&books).await;
    let folded = State::of(&log);
    assert_eq!(folded, tables(&books).await);
    assert!(folded.wallets.len() > 50 && log.len() > 400);
    books.close().await;
}

/// A state that was kept, and the events after it, come to the same as all events.
#[tokio::test(flavor = "multi_thread")]
async fn a_kept_state_and_the_events_after_it_are_the_whole_log() {
    let books = busy_books().await;
    let log = log(&books).await;
    let whole = State::of(&log);
    for kept in (0..=log.len()).step_by(50) {
        let mut state = State::of(&log[..kept]);
        for event in &log[kept..] {
            state.apply(event);
        }
        assert_eq!(state, whole, "kept at {kept}");
    }
    books.close().await;
}
