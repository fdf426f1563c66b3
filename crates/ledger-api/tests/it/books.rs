//! The books of one test: an own database, an engine or several, and the proof at the end that
//! they balance.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use contracts::{Kind, LedgerEvent, Money, WalletId, chain, event::WalletKind, parse_amount};
use ledger_api::{
    domain::{Action, Caller, Command, Movement, OpenWallet, Sight},
    posting::{Answer, Engine, EngineSettings, Render, Rendered, SubmitError},
};
use service_runtime::{Clock, Process, Secret};
use sqlx::{PgPool, Postgres, Row, Transaction};
use testkit::{TestDatabase, eventually};

/// The ledger's role has this password in tests.
pub const PASSWORD: &str = "ledger";

/// A migrated database of its own.
pub async fn database() -> TestDatabase {
    TestDatabase::from_template("ledger", async |template: TestDatabase| {
        let pool = template.pool().await;
        let mut owner = pool.acquire().await.expect("a connection");
        ledger_api::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("migrations apply");
        drop(owner);
        pool.close().await;
    })
    .await
}

/// Answers with the event itself: these tests look at what the engine decides.
struct Plain;

impl Render for Plain {
    fn render(&self, event: &LedgerEvent, _: &Sight) -> Rendered {
        let status = if matches!(event, LedgerEvent::Rejected(_)) {
            422
        } else {
            201
        };
        Rendered {
            status,
            body: event.encode(),
        }
    }
}

/// A database and engines on it.
pub struct Books {
    pub database: TestDatabase,
    pub owner: PgPool,
    pub engine: Engine,
    pub process: Process,
}

impl Books {
    /// Fresh books with one engine of two lanes.
    pub async fn open() -> Self {
        Self::open_at(Clock::system()).await
    }

    /// Fresh books whose time is that of `clock`.
    pub async fn open_at(clock: Clock) -> Self {
        let database = database().await;
        let process = Process::new("books", clock);
        let url = database.url_as("florin_ledger", PASSWORD);
        let engine = engine(&url, &process).await;
        Self {
            owner: database.pool().await,
            database,
            engine,
            process,
        }
    }

    /// A further engine on the same books, as another replica would be.
    pub async fn another_engine(&self) -> Engine {
        engine(
            &self.database.url_as("florin_ledger", PASSWORD),
            &self.process,
        )
        .await
    }

    /// Opens a wallet.
    pub async fn wallet(&self, owner: &str) -> WalletId {
        let answer = self
            .engine
            .submit(command(owner, &format!("open {owner}"), open(owner)))
            .await
            .expect("a wallet can be opened");
        let event: serde_json::Value = serde_json::from_str(&answer.rendered.body).expect("JSON");
        event["wallet"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id")
    }

    /// Holds the log's head until the transaction ends: no batch commits meanwhile.
    pub async fn hold_head(&self) -> Transaction<'static, Postgres> {
        let mut head = self.owner.begin().await.expect("begins");
        sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
            .execute(&mut *head)
            .await
            .expect("the head is held");
        head
    }

    /// Keeps both lanes waiting for the log's head until the transaction ends: what is submitted
    /// meanwhile queues up, and is one batch.
    pub async fn stall(&self) -> Transaction<'static, Postgres> {
        let head = self.hold_head().await;
        for lanes in 1..=2 {
            let (engine, key) = (self.engine.clone(), format!("stall {lanes}"));
            self.process.spawn("stall", async move {
                let submitted = engine.submit(command("stall", &key, open("nobody"))).await;
                submitted.map(drop).map_err(Into::into)
            });
            self.wait_for_lanes(lanes).await;
        }
        head
    }

    /// Waits until so many lanes wait for a lock.
    pub async fn wait_for_lanes(&self, lanes: i64) {
        eventually(
            "lanes wait for a lock",
            Duration::from_secs(20),
            async || {
                let waiting: i64 = sqlx::query_scalar(
                    "SELECT count(*) FROM pg_stat_activity
                 WHERE application_name = 'florin-lane' AND datname = current_database()
                   AND wait_event_type = 'Lock'",
                )
                .fetch_one(&self.owner)
                .await
                .expect("the database answers");
                waiting == lanes
            },
        )
        .await;
    }

    /// Opens a wallet and puts money in.
    pub async fn wallet_with(&self, owner: &str, amount: &str) -> WalletId {
        let wallet = self.wallet(owner).await;
        let key = format!("fund {owner}");
        let funded = self
            .engine
            .submit(command("ops", &key, deposit(wallet, amount)))
            .await;
        assert_eq!(status(&funded), 201);
        wallet
    }

    /// A wallet's posted balance in euros.
    pub async fn balance(&self, wallet: WalletId) -> String {
        let (_, balances) = ledger_api::store::wallets::find_with_balances(&self.owner, wallet)
            .await
            .expect("the database answers")
            .expect("the wallet is there");
        balances
            .iter()
            .find(|balance| balance.currency.code() == "EUR")
            .map_or_else(|| "0.00".to_owned(), |balance| balance.posted.to_string())
    }

    /// Rows of a table.
    pub async fn count(&self, table: &str) -> i64 {
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT count(*) FROM ledger.{table}"
        )))
        .fetch_one(&self.owner)
        .await
        .expect("the table is there")
        .get(0)
    }

    /// Proves by plain SQL, without the engine's code, that the books balance.
    pub async fn close(self) {
        let wrong: Vec<String> = sqlx::query_scalar(
            "SELECT 'postings of ' || currency || ' sum to ' || sum(amount)
             FROM ledger.postings GROUP BY currency HAVING sum(amount) <> 0
             UNION ALL
             SELECT 'balance ' || b.wallet_id || ' ' || b.currency || ' is not its postings'
             FROM ledger.balances b LEFT JOIN ledger.postings p USING (wallet_id, account, currency)
             GROUP BY b.wallet_id, b.account, b.currency, b.posted, b.version
             HAVING b.posted <> coalesce(sum(p.amount), 0) OR b.version <> count(p.seq)
             UNION ALL
             SELECT 'an answer without a key' FROM ledger.answers a
             WHERE NOT EXISTS (SELECT FROM ledger.idempotency_keys k WHERE k.answer_id = a.id)
             UNION ALL
             SELECT 'a key without an answer: ' || k.key FROM ledger.idempotency_keys k
             WHERE NOT EXISTS (SELECT FROM ledger.answers a WHERE a.id = k.answer_id)",
        )
        .fetch_all(&self.owner)
        .await
        .expect("the database answers");
        assert_eq!(wrong, Vec::<String>::new());
        self.check_log().await;
        self.process.shutdown();
    }

    async fn check_log(&self) {
        let rows = sqlx::query("SELECT seq, data, hash, posted_at FROM ledger.events ORDER BY seq")
            .fetch_all(&self.owner)
            .await
            .expect("the log is there");
        let (mut hash, mut before, mut expected) = (chain::GENESIS, DateTime::<Utc>::MIN_UTC, 1);
        for row in rows {
            let (seq, data): (i64, String) = (row.get(0), row.get(1));
            assert_eq!(seq, expected, "the log has no gap");
            hash = chain::link(&hash, data.as_bytes());
            assert_eq!(row.get::<Vec<u8>, _>(2), hash, "the chain holds at {seq}");
            let at: DateTime<Utc> = row.get(3);
            assert!(at >= before, "time runs forward at {seq}");
            let event = LedgerEvent::decode(data.as_bytes()).expect("an event");
            assert_eq!((event.seq(), event.posted_at()), (seq.unsigned_abs(), at));
            (before, expected) = (at, expected + 1);
        }
    }
}

async fn engine(url: &str, process: &Process) -> Engine {
    let settings = EngineSettings {
        url: Secret::new(url),
        lanes: 2,
        queue: 4_096,
        allow_fsync_off: true,
    };
    Engine::start(settings, Arc::new(Plain), process)
        .await
        .expect("the engine starts")
}

/// An engine whose connections go through `url`, such as a proxy's.
pub async fn engine_through(url: &str, process: &Process) -> Engine {
    engine(url, process).await
}

/// A command of `caller` under `key`. The fingerprint is that of the action's debug form, which
/// is as different as the actions are.
pub fn command(caller: &str, key: &str, action: Action) -> Command {
    let fingerprint = chain::link(&chain::GENESIS, format!("{action:?}").as_bytes());
    Command {
        caller: Caller(caller.to_owned()),
        key: key.to_owned(),
        fingerprint,
        action,
        sight: Sight::All,
        traceparent: None,
    }
}

/// Opens a customer's wallet.
pub fn open(owner: &str) -> Action {
    Action::OpenWallet(OpenWallet {
        owner: owner.to_owned(),
        kind: WalletKind::Customer,
        reference: None,
        category: None,
        metadata: std::collections::BTreeMap::new(),
    })
}

/// An amount of euros.
pub fn eur(text: &str) -> Money {
    parse_amount(text, "EUR".parse().expect("a currency")).expect("an amount")
}

/// Money in.
pub fn deposit(wallet: WalletId, amount: &str) -> Action {
    movement(Kind::Deposit, wallet, None, amount)
}

/// Money out.
pub fn withdrawal(wallet: WalletId, amount: &str) -> Action {
    movement(Kind::Withdrawal, wallet, None, amount)
}

/// Money from wallet to wallet.
pub fn transfer(from: WalletId, to: WalletId, amount: &str) -> Action {
    movement(Kind::Transfer, from, Some(to), amount)
}

/// Money to a merchant for an order.
pub fn payment(from: WalletId, to: WalletId, amount: &str, order: &str) -> Action {
    match movement(Kind::Payment, from, Some(to), amount) {
        Action::Move(movement) => Action::Move(Movement {
            order_reference: Some(order.to_owned()),
            ..movement
        }),
        other => other,
    }
}

fn movement(kind: Kind, wallet: WalletId, counterparty: Option<WalletId>, amount: &str) -> Action {
    movement_of(kind, wallet, counterparty, eur(amount))
}

/// A movement of any kind in any currency.
pub fn movement_of(
    kind: Kind,
    wallet: WalletId,
    counterparty: Option<WalletId>,
    amount: Money,
) -> Action {
    Action::Move(Movement {
        kind,
        wallet,
        counterparty,
        amount,
        effective_at: None,
        reference: None,
        order_reference: None,
        merchant_category: None,
        description: None,
        metadata: std::collections::BTreeMap::new(),
    })
}

/// The stored status of an answer.
pub fn status(answer: &Result<Answer, SubmitError>) -> u16 {
    answer.as_ref().expect("an answer").rendered.status
}
