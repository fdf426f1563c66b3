//! The posting engine when its sessions, its server or its replicas fail.

use std::{sync::Arc, time::Duration};

use chrono::DateTime;
use contracts::{LedgerEvent, WalletId};
use futures_util::future::join_all;
use ledger_api::{
    domain::Sight,
    posting::{Engine, EngineSettings, Render, Rendered, SubmitError},
};
use service_runtime::{Clock, Process, Secret};
use testkit::{CutPoint, Fault, TcpProxy, own_servers, servers};

use crate::books::{
    Books, PASSWORD, command, deposit, engine_through, eur, open, status, withdrawal,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_replica_that_holds_the_head_is_put_out() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let mut paused = books.owner.acquire().await.expect("a connection");
    sqlx::raw_sql(
        "SET idle_in_transaction_session_timeout = '2s'; BEGIN; SELECT 1 FROM ledger.head FOR UPDATE",
    )
    .execute(&mut *paused)
    .await
    .expect("the head is held");
    let answer = books
        .engine
        .submit(command("ops", "after", deposit(wallet, "1.00")))
        .await;
    assert_eq!(status(&answer), 201);
    paused.detach();
    books.close().await;
}

/// The network between a replica and the server breaks at the worst moment: everybody needs the
/// head, and its holder hears nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_is_cut_off_with_the_head_in_hand_stops_no_other_and_loses_nothing() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let upstream = ([127, 0, 0, 1], servers().postgres.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    let url = proxy.through(&books.database.url_as("florin_ledger", PASSWORD));
    let far = engine_through(&url, &books.process).await;
    let mut head = books.owner.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
        .execute(&mut *head)
        .await
        .expect("the head is held");
    let cut_off = far.submit(command("ops", "far", deposit(wallet, "1.00")));
    let meanwhile = async {
        books.wait_for_lanes(1).await;
        proxy.set(Fault::BlackHole).await;
        head.rollback().await.expect("the other one gets the head");
        let near = books
            .engine
            .submit(command("ops", "near", deposit(wallet, "1.00")))
            .await;
        assert_eq!(status(&near), 201);
        proxy.set(Fault::Pass).await;
    };
    let (far, ()) = tokio::join!(cut_off, meanwhile);
    assert_eq!(status(&far), 201);
    assert_eq!(books.balance(wallet).await, "2.00");
    books.close().await;
}

/// The clock of one replica may be wrong; the log's time never runs backwards.
#[tokio::test(flavor = "multi_thread")]
async fn a_replica_whose_clock_is_behind_does_not_turn_back_the_time() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let long_ago = DateTime::from_timestamp(1_700_000_000, 0).expect("in range");
    let behind = Process::new("behind", Clock::manual(long_ago));
    let url = books.database.url_as("florin_ledger", PASSWORD);
    let engine = engine_through(&url, &behind).await;
    let answer = engine
        .submit(command("ops", "behind", deposit(wallet, "1.00")))
        .await;
    assert_eq!(status(&answer), 201);
    behind.shutdown();
    // Looks at every event's time.
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ended_sessions_lose_and_double_nothing() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let storm = async {
        for _ in 0..20 {
            sqlx::query(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE application_name = 'florin-lane' AND datname = current_database()",
            )
            .execute(&books.owner)
            .await
            .expect("terminated");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let load = join_all((0..1_500).map(async |n| {
        // Spread over the storm, twenty at a time.
        tokio::time::sleep(Duration::from_millis(n / 20 * 7)).await;
        let ask = || {
            books
                .engine
                .submit(command("ops", &format!("d {n}"), deposit(wallet, "1.00")))
        };
        let mut answer = ask().await;
        while matches!(
            answer,
            Err(SubmitError::OutcomeUnknown | SubmitError::Unavailable)
        ) {
            answer = ask().await;
        }
        assert_eq!(status(&answer), 201);
    }));
    tokio::join!(storm, load);
    assert_eq!(books.balance(wallet).await, "1500.00");
    books.close().await;
}

/// A restored server, or a standby that took over, may lack rows that a lane has seen committed.
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_the_server_lost_is_made_again() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    // Both lanes see the balance, which nothing is ever posted to.
    for n in 0..20 {
        let key = format!("too much {n}");
        let answer = books
            .engine
            .submit(command("ann", &key, withdrawal(wallet, "1.00")))
            .await;
        assert_eq!(status(&answer), 422);
    }
    sqlx::raw_sql(
        "ALTER TABLE ledger.balances DISABLE TRIGGER balances_are_never_removed;
         DELETE FROM ledger.balances",
    )
    .execute(&books.owner)
    .await
    .expect("set back");
    for n in 0..20 {
        let key = format!("later {n}");
        let answer = books
            .engine
            .submit(command("ops", &key, deposit(wallet, "1.00")))
            .await;
        assert_eq!(status(&answer), 201);
    }
    assert_eq!(books.balance(wallet).await, "20.00");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_after_commit_was_sent_is_no_riddle_to_the_caller() {
    let servers = own_servers(false).await;
    let owner_url = servers.postgres.url("postgres");
    let mut owner = connect(&owner_url).await;
    ledger_api::migrate(&mut owner, Some(PASSWORD))
        .await
        .expect("migrations apply");
    let upstream = ([127, 0, 0, 1], servers.postgres.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    let direct = servers
        .postgres
        .url_as("florin_ledger", PASSWORD, "postgres");
    let url = proxy.through(&direct);
    let process = Process::new("cut", Clock::system());
    let engine = engine_through(&url, &process).await;
    let opened = engine
        .submit(command("ann", "open", open("ann")))
        .await
        .expect("opened");
    let event: serde_json::Value = serde_json::from_str(&opened.rendered.body).expect("JSON");
    let wallet: WalletId = event["wallet"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    for round in 0..10 {
        proxy.cut_after_client_bytes_matching(b"COMMIT", CutPoint::BeforeReply);
        let answer = engine
            .submit(command(
                "ops",
                &format!("cut {round}"),
                deposit(wallet, "1.00"),
            ))
            .await;
        let answer = answer.expect("the lane found out");
        assert_eq!(
            (answer.rendered.status, answer.replayed),
            (201, false),
            "round {round}"
        );
        assert!(!proxy.trap_is_set(), "the connection was cut");
    }
    let posted: rust_decimal::Decimal =
        sqlx::query_scalar("SELECT posted FROM ledger.balances WHERE account = 'main'")
            .fetch_one(&mut owner)
            .await
            .expect("the balance is there");
    assert_eq!(posted, eur("10.00").amount());
    process.shutdown();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_would_lose_acknowledged_writes_is_refused() {
    let books = Books::open().await;
    let settings = EngineSettings {
        url: Secret::new(books.database.url_as("florin_ledger", PASSWORD)),
        lanes: 1,
        queue: 1,
        allow_fsync_off: false,
    };
    let refused = Engine::start(settings, Arc::new(NoRender), &books.process).await;
    let error = refused
        .err()
        .expect("the shared test server does not flush");
    assert!(error.to_string().contains("fsync = off"), "{error}");
    books.close().await;
}

struct NoRender;

impl Render for NoRender {
    fn render(&self, _: &LedgerEvent, _: &Sight) -> Rendered {
        unreachable!("the engine does not start")
    }
}

async fn connect(url: &str) -> sqlx::PgConnection {
    <sqlx::PgConnection as sqlx::Connection>::connect(url)
        .await
        .expect("the server answers")
}
