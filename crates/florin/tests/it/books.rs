//! A small filled ledger to copy: every kind of event, two currencies, an answer under every key.

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics_worker::handlers::CountMovements;
use contracts::event::WalletKind;
use contracts::{Kind, LedgerEvent, WalletId, chain, parse_amount};
use ledger_api::domain::{Action, Caller, Command, Movement, OpenWallet, Viewer};
use ledger_api::http::Renderer;
use ledger_api::posting::{Engine, EngineSettings};
use service_runtime::worker::{Delivery, Handler as _};
use service_runtime::{Clock, Process, Secret};
use sqlx::{Connection as _, PgConnection};
use testkit::TestDatabase;

use crate::ledger::PASSWORD;

/// Events of the filled ledger.
pub const EVENTS: i64 = 10;

/// A copy of the filled ledger.
pub async fn filled() -> TestDatabase {
    TestDatabase::from_template("filled", async |template: TestDatabase| {
        let mut owner = PgConnection::connect(&template.url())
            .await
            .expect("a connection");
        ledger_api::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the ledger is migrated");
        let _ = owner.close().await;
        fill(&template).await;
    })
    .await
}

/// A copy of the filled ledger whose statistics worker has counted everything.
pub async fn watched() -> TestDatabase {
    let copy = filled().await;
    let mut owner = PgConnection::connect(&copy.url())
        .await
        .expect("a connection");
    analytics_worker::migrate(&mut owner, None)
        .await
        .expect("the worker is migrated");
    let events: Vec<(i64, String)> = sqlx::query_as("SELECT seq, data FROM ledger.events")
        .fetch_all(&mut owner)
        .await
        .expect("the log");
    let batch: Vec<Delivery<LedgerEvent>> = events
        .iter()
        .map(|(seq, data)| {
            let event = LedgerEvent::decode(data.as_bytes()).expect("an event");
            let posted_at = event.posted_at();
            Delivery {
                seq: seq.unsigned_abs(),
                event,
                posted_at,
                traceparent: None,
            }
        })
        .collect();
    CountMovements
        .handle(&mut owner, &batch)
        .await
        .expect("counted");
    sqlx::query(
        "INSERT INTO analytics.inbox (consumer, source, done)
         SELECT 'analytics', 'ledger', int8multirange(int8range(1, seq, '[]')) FROM ledger.head",
    )
    .execute(&mut owner)
    .await
    .expect("marked");
    let _ = owner.close().await;
    copy
}

async fn fill(database: &TestDatabase) {
    let process = Process::new("books", Clock::system());
    let settings = EngineSettings {
        url: Secret::new(database.url_as("florin_ledger", PASSWORD)),
        lanes: 1,
        queue: 64,
        allow_fsync_off: true,
    };
    let engine = Engine::start(settings, Arc::new(Renderer), &process)
        .await
        .expect("it starts");
    let ann = open(&engine, "ann", WalletKind::Customer).await;
    let bob = open(&engine, "bob", WalletKind::Customer).await;
    let shop = open(&engine, "shop", WalletKind::Merchant).await;
    let movements = [
        (Kind::Deposit, ann, None, "100", "EUR", 201),
        (Kind::Deposit, bob, None, "5000", "KRW", 201),
        (Kind::Transfer, ann, Some(bob), "25.50", "EUR", 201),
        (Kind::Payment, ann, Some(shop), "10", "EUR", 201),
        (Kind::Withdrawal, bob, None, "0.50", "EUR", 201),
        (Kind::Withdrawal, bob, None, "1000", "EUR", 422),
        (Kind::Payment, bob, Some(shop), "1200", "KRW", 201),
    ];
    for (number, (kind, wallet, counterparty, amount, currency, status)) in
        movements.into_iter().enumerate()
    {
        let currency = currency.parse().expect("a currency");
        let action = Action::Move(Movement {
            kind,
            wallet,
            counterparty,
            amount: parse_amount(amount, currency).expect("an amount"),
            effective_at: None,
            reference: Some(format!("row {number}")),
            order_reference: None,
            description: None,
            metadata: BTreeMap::new(),
        });
        let answer = engine
            .submit(command(&format!("row {number}"), action))
            .await;
        assert_eq!(
            answer.expect("an answer").rendered.status,
            status,
            "{kind:?}"
        );
    }
    process.shutdown();
    process
        .wait(std::time::Duration::from_secs(5))
        .await
        .expect("it stops");
}

async fn open(engine: &Engine, owner: &str, kind: WalletKind) -> WalletId {
    let action = Action::OpenWallet(OpenWallet {
        owner: owner.to_owned(),
        kind,
        reference: Some(format!("{owner}'s")),
        metadata: BTreeMap::new(),
    });
    let answer = engine
        .submit(command(&format!("open {owner}"), action))
        .await
        .expect("opened");
    let wallet: serde_json::Value = serde_json::from_str(&answer.rendered.body).expect("JSON");
    wallet["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id")
}

fn command(key: &str, action: Action) -> Command {
    let fingerprint = chain::link(&chain::GENESIS, format!("{action:?}").as_bytes());
    Command {
        caller: Caller("books".to_owned()),
        key: key.to_owned(),
        fingerprint,
        action,
        viewer: Viewer::All,
        traceparent: None,
    }
}
