//! A small filled ledger to copy: every kind of event, two currencies, an answer under every key.

mod corrected;

use std::collections::BTreeMap;
use std::sync::Arc;

use analytics_worker::handlers::CountMovements;
use contracts::event::WalletKind;
use contracts::rpc::Cut;
use contracts::settlement::CutState;
use contracts::{CutId, HoldId, Kind, LedgerEvent, WalletId, chain, parse_amount};
use fraud_worker::handlers::RaiseAlerts;
use fraud_worker::rules::Thresholds;
use ledger_api::domain::{
    Action, Caller, CaptureHold, Command, HoldAction, HoldTerms, Movement, OpenWallet, PlaceHold,
    ReleaseHold, Sight,
};
use ledger_api::http::Renderer;
use ledger_api::posting::{Engine, EngineSettings};
use service_runtime::postgres::{self, PostgresOptions};
use service_runtime::worker::{Delivery, Handler as _};
use service_runtime::{Clock, Process, Secret};
use settlement_worker::handlers::CollectPayments;
use settlement_worker::store::cuts::Origin;
use settlement_worker::sweeps::{Closed, Closer};
use sqlx::{Connection as _, PgConnection};
use testkit::TestDatabase;

pub use corrected::corrected;

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
    let mut owner = connect(&copy).await;
    analytics_worker::migrate(&mut owner, None)
        .await
        .expect("the worker is migrated");
    let batch = log(&mut owner).await;
    CountMovements
        .handle(&mut owner, &batch)
        .await
        .expect("counted");
    mark(&mut owner, "analytics").await;
    let _ = owner.close().await;
    copy
}

/// A copy of the filled ledger whose fraud worker has raised an alert about everything large,
/// and what is large is small.
pub async fn alarmed() -> TestDatabase {
    const RULES: &str = r#"{"large_withdrawal": {"EUR": "10.00", "KRW": "1000"},
                            "large_deposit": {"EUR": "10.00", "KRW": "1000"}}"#;
    let copy = filled().await;
    let mut owner = connect(&copy).await;
    fraud_worker::migrate(&mut owner, None)
        .await
        .expect("the worker is migrated");
    let batch = log(&mut owner).await;
    search(&mut owner, "fraud").await;
    let rules = Thresholds::parse(RULES).expect("rules");
    RaiseAlerts::new(rules, Clock::system())
        .handle(&mut owner, &batch)
        .await
        .expect("raised");
    mark(&mut owner, "fraud").await;
    let _ = owner.close().await;
    copy
}

/// A copy of the filled ledger whose settlement worker has handled everything, and settled the
/// shop's payments in euros.
pub async fn settled() -> TestDatabase {
    let copy = filled().await;
    let mut owner = connect(&copy).await;
    settlement_worker::migrate(&mut owner, None)
        .await
        .expect("the worker is migrated");
    let batch = log(&mut owner).await;
    CollectPayments
        .handle(&mut owner, &batch)
        .await
        .expect("collected");
    mark(&mut owner, "settlement").await;
    let now = Clock::system().now();
    let cut = Cut {
        id: CutId::mint(now, [7; 10]),
        seq: EVENTS.unsigned_abs(),
        cut_off: now,
        scheduled: false,
        merchant: None,
        currency: Some("EUR".parse().expect("a currency")),
        state: CutState::Waiting,
        waits_for: None,
        closed_at: None,
    };
    let origin = Origin::Request("books", "cut", "");
    settlement_worker::store::cuts::insert(&mut owner, &cut, origin, now)
        .await
        .expect("cut");
    let _ = owner.close().await;
    let options = PostgresOptions {
        schema: settlement_worker::PART.schema,
        ..PostgresOptions::default()
    };
    let pool = postgres::pool(&Secret::new(copy.url()), &options)
        .await
        .expect("connections");
    let closer = Closer::new(pool.clone(), pool.clone(), Clock::system());
    let outcome = closer.close(cut.id).await.expect("it can be closed");
    assert_eq!(outcome, Closed::Now(1));
    pool.close().await;
    copy
}

async fn connect(database: &TestDatabase) -> PgConnection {
    PgConnection::connect(&database.url())
        .await
        .expect("a connection")
}

async fn search(owner: &mut PgConnection, schema: &str) {
    sqlx::query("SELECT set_config('search_path', $1, false)")
        .bind(schema)
        .execute(owner)
        .await
        .expect("a schema");
}

/// The whole log, as a worker is given it.
async fn log(owner: &mut PgConnection) -> Vec<Delivery<LedgerEvent>> {
    let events: Vec<(i64, String)> = sqlx::query_as("SELECT seq, data FROM ledger.events")
        .fetch_all(owner)
        .await
        .expect("the log");
    events
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
        .collect()
}

async fn mark(owner: &mut PgConnection, worker: &str) {
    search(owner, worker).await;
    sqlx::query(
        "INSERT INTO inbox (consumer, source, done)
         SELECT $1, 'ledger', int8multirange(int8range(1, seq, '[]')) FROM ledger.head",
    )
    .bind(worker)
    .execute(owner)
    .await
    .expect("marked");
}

/// A copy of the filled ledger with four holds of ann's in favour of the shop: one of 20 of which 5
/// are captured, one of 3 that is voided, one of 2 that is captured, one of 1 that has expired.
pub async fn holding() -> TestDatabase {
    let copy = filled().await;
    let (engine, process) = engine(&copy).await;
    let mut owner = connect(&copy).await;
    let mut wallets = Vec::new();
    for name in ["ann", "shop"] {
        let id = sqlx::query_scalar("SELECT id FROM ledger.wallets WHERE owner = $1").bind(name);
        let id = id.fetch_one(&mut owner).await.expect("a wallet");
        wallets.push(WalletId::from_uuid(id));
    }
    let eur = "EUR".parse().expect("a currency");
    let now = Clock::system().now();
    for (n, (amount, end)) in [("20", "5"), ("3", "void"), ("2", "2"), ("1", "expire")]
        .into_iter()
        .enumerate()
    {
        let terms = HoldTerms {
            id: HoldId::mint(now, [u8::try_from(n).expect("few"); 10]),
            wallet: wallets[0],
            kind: Kind::Payment,
            counterparty: Some(wallets[1]),
            amount: parse_amount(amount, eur).expect("an amount"),
            reference: None,
            order_reference: Some(format!("order {n}")),
            description: None,
            metadata: BTreeMap::new(),
        };
        let place = HoldAction::Place(PlaceHold {
            terms: terms.clone(),
            expires_at: None,
        });
        let end = if let Ok(amount) = parse_amount(end, eur) {
            let movement = Movement {
                kind: terms.kind,
                wallet: terms.wallet,
                counterparty: terms.counterparty,
                amount,
                effective_at: None,
                reference: None,
                order_reference: terms.order_reference,
                merchant_category: None,
                description: None,
                metadata: BTreeMap::new(),
            };
            HoldAction::Capture(CaptureHold {
                hold: terms.id,
                placed_at: now,
                movement,
                all: false,
                last: false,
            })
        } else {
            HoldAction::Release(ReleaseHold {
                terms,
                placed_at: now,
                voided: end == "void",
                reason: None,
            })
        };
        for (step, action) in [("place", place), ("end", end)] {
            let command = command(&format!("{step} {n}"), Action::Hold(action));
            let answer = engine.submit(command).await.expect("an answer");
            assert!(answer.rendered.status < 300, "{}", answer.rendered.body);
        }
    }
    stop(process).await;
    let _ = owner.close().await;
    copy
}

async fn engine(database: &TestDatabase) -> (Engine, Process) {
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
    (engine, process)
}

async fn stop(process: Process) {
    process.shutdown();
    process
        .wait(std::time::Duration::from_secs(5))
        .await
        .expect("it stops");
}

async fn fill(database: &TestDatabase) {
    let (engine, process) = engine(database).await;
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
            merchant_category: None,
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
    stop(process).await;
}

async fn posted(engine: &Engine, key: &str, action: Action) -> serde_json::Value {
    let answer = engine.submit(command(key, action)).await.expect("answered");
    let rendered = answer.rendered;
    assert!(rendered.status < 300, "{key}: {}", rendered.body);
    serde_json::from_str(&rendered.body).expect("JSON")
}

async fn open(engine: &Engine, owner: &str, kind: WalletKind) -> WalletId {
    let action = Action::OpenWallet(OpenWallet {
        owner: owner.to_owned(),
        kind,
        reference: Some(format!("{owner}'s")),
        category: None,
        metadata: BTreeMap::new(),
    });
    let wallet = posted(engine, &format!("open {owner}"), action).await;
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
        sight: Sight::All,
        traceparent: None,
    }
}
