//! A worker's database, events as the worker's loop applies them, and a log to be asked.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use chrono::{DateTime, Utc};
use contracts::{
    Account, Currency, CutId, EventId, Kind, LedgerEvent, Leg, Posted, TransactionId, WalletId,
    chain,
    rpc::{
        Cut, EventsPage, EventsRequest, Head, LoggedEvent, MerchantTotal, PaymentsPage,
        PaymentsRequest, RpcError, TieOut, TieOutRequest,
    },
    settlement::CutState,
    subjects,
    topology::{Topology, Worker},
};
use rust_decimal::Decimal;
use service_runtime::{
    Clock, Process, Secret,
    inbox::store as inbox,
    nats,
    postgres::{self, PostgresOptions},
    rpc,
    worker::{Delivery, Handler as _, SOURCE},
};
use settlement_worker::{
    PART,
    handlers::CollectPayments,
    migrate,
    store::{self, cuts::Origin},
    sweeps::{Closer, Ledger},
};
use sqlx::PgPool;
use testkit::{TestDatabase, servers};
use uuid::Uuid;

/// Longer than anything takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "settlement";

/// A payment, as a test plans it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Payment {
    pub(crate) merchant: u8,
    pub(crate) currency: &'static str,
    /// In the currency's smallest unit.
    pub(crate) units: u128,
}

pub(crate) fn wallet(n: u8) -> WalletId {
    WalletId::from_uuid(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(n),
    ))
}

pub(crate) fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("in range")
}

pub(crate) struct World {
    /// As the owner of the database.
    pub(crate) owner: PgPool,
    /// As the worker's role: the grants are part of what is tested.
    pub(crate) pool: PgPool,
    pub(crate) clock: Clock,
    /// For connections of the worker's role outside the pool.
    pub(crate) url: Secret,
    log: Arc<Mutex<Vec<LoggedEvent>>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = TestDatabase::from_template("settlement", async |template| {
            let pool = template.pool().await;
            let mut owner = pool.acquire().await.expect("connects");
            migrate(&mut owner, Some(PASSWORD)).await.expect("migrates");
            migrate(&mut owner, None)
                .await
                .expect("a second time changes nothing");
            drop(owner);
            pool.close().await;
        })
        .await;
        let options = PostgresOptions {
            schema: PART.schema,
            ..PostgresOptions::default()
        };
        let url = Secret::new(database.url_as(PART.role, PASSWORD));
        let pool = postgres::pool(&url, &options).await.expect("connects");
        let mut connection = pool.acquire().await.expect("connects");
        inbox::ensure(&mut connection, Worker::Settlement.as_str(), SOURCE)
            .await
            .expect("there is an inbox");
        drop(connection);
        Self {
            owner: database.pool().await,
            pool,
            clock: Clock::manual(at(0)),
            url,
            log: Arc::default(),
        }
    }

    /// A closer, as each process of the worker has one.
    pub(crate) fn closer(&self) -> Closer {
        Closer::new(self.pool.clone(), self.pool.clone(), self.clock.clone())
    }

    /// Applies the payments at these positions, as the worker's loop does: marked once.
    pub(crate) async fn apply(&self, payments: &[(u64, Payment)]) {
        let consumer = Worker::Settlement.as_str();
        let mut tx = self.pool.begin().await.expect("begins");
        let mut row = inbox::lock_in_tx(&mut tx, consumer, SOURCE)
            .await
            .expect("locks");
        let mut batch = Vec::new();
        for (seq, payment) in payments {
            if row.done.add(*seq) {
                let event = LedgerEvent::Posted(posted(*seq, payment));
                batch.push(Delivery {
                    seq: *seq,
                    posted_at: event.posted_at(),
                    event,
                    traceparent: None,
                });
            }
        }
        inbox::mark_in_tx(&mut tx, consumer, SOURCE, &row)
            .await
            .expect("marks");
        let handled = CollectPayments.handle(&mut tx, &batch).await;
        handled.unwrap_or_else(|failure| panic!("{failure}"));
        tx.commit().await.expect("commits");
    }

    /// Asks for a cut, under a key of its own.
    pub(crate) async fn cut(
        &self,
        seq: u64,
        merchant: Option<u8>,
        currency: Option<&str>,
    ) -> CutId {
        let id = CutId::mint(self.clock.now(), service_runtime::entropy());
        let cut = Cut {
            id,
            seq,
            cut_off: self.clock.now(),
            scheduled: false,
            merchant: merchant.map(wallet),
            currency: currency.map(|code| code.parse().expect("a currency")),
            state: CutState::Waiting,
            waits_for: None,
            closed_at: None,
        };
        let key = id.to_string();
        let origin = Origin::Request("test", &key, "");
        let new = store::cuts::insert(&self.pool, &cut, origin, self.clock.now()).await;
        assert!(new.expect("the database answers"));
        id
    }

    pub(crate) async fn scalar(&self, sql: &'static str) -> i64 {
        let found = sqlx::query_scalar(sql).fetch_one(&self.owner).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    pub(crate) async fn execute(&self, sql: &'static str) {
        let done = sqlx::raw_sql(sql).execute(&self.owner).await;
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Writes events of these times into the log that [`World::ledger`] answers from.
    pub(crate) fn write(&self, times: &[i64]) {
        let mut log = self.log.lock().expect("no panic held it");
        for second in times {
            let seq = log.len() as u64 + 1;
            let payment = Payment {
                merchant: 1,
                currency: "EUR",
                units: 100,
            };
            let event = LedgerEvent::Posted(Posted {
                posted_at: at(*second),
                ..posted(seq, &payment)
            });
            log.push(LoggedEvent {
                seq,
                id: event.id(),
                subject: event.subject(),
                hash: hex::encode(chain::GENESIS),
                posted_at: event.posted_at(),
                data: event.encode(),
                traceparent: None,
            });
        }
    }

    /// A ledger whose books are what `answer` says, and whose merchants were paid `paid`.
    pub(crate) async fn books<F, Fut>(
        &self,
        process: &Process,
        paid: Vec<MerchantTotal>,
        answer: F,
    ) -> Ledger
    where
        F: Fn() -> Fut + Clone + Send + 'static,
        Fut: Future<Output = TieOut> + Send + 'static,
    {
        let topology = Topology::with_prefix(&testkit::stream_prefix());
        let client = nats::connect(&servers().nats.url(), "test", process)
            .await
            .expect("a URL");
        let books = move |_: TieOutRequest| {
            let answer = answer.clone();
            async move { Ok::<_, RpcError>(answer().await) }
        };
        let subject = topology.subject(subjects::rpc::LEDGER_TIE_OUT);
        rpc::serve(process, client.clone(), subject, "ledger", books);
        let payments = move |_: PaymentsRequest| {
            let totals = paid.clone();
            async move { Ok::<_, RpcError>(PaymentsPage { totals, next: None }) }
        };
        let subject = topology.subject(subjects::rpc::LEDGER_PAYMENTS);
        rpc::serve(process, client.clone(), subject, "ledger", payments);
        let ledger = Ledger::new(client, topology);
        testkit::eventually("the ledger answers", PATIENCE, async || {
            let all = PaymentsRequest { at: 0, after: None };
            ledger
                .payments(&all)
                .await
                .map_err(|error| error.to_string())?;
            ledger.tie_out(0).await.map_err(|error| error.to_string())
        })
        .await;
        ledger
    }

    /// A ledger that answers, for as long as `process` runs.
    pub(crate) async fn ledger(&self, process: &Process) -> Ledger {
        let topology = Topology::with_prefix(&testkit::stream_prefix());
        let client = nats::connect(&servers().nats.url(), "test", process)
            .await
            .expect("a URL");
        let log = Arc::clone(&self.log);
        let answer = move |request: EventsRequest| {
            let log = Arc::clone(&log);
            async move { Ok::<_, RpcError>(page(&log.lock().expect("no panic held it"), &request)) }
        };
        let subject = topology.subject(subjects::rpc::LEDGER_EVENTS);
        rpc::serve(process, client.clone(), subject, "ledger", answer);
        let ledger = Ledger::new(client, topology);
        testkit::eventually("the ledger answers", PATIENCE, async || {
            ledger.head().await.map_err(|error| error.to_string())
        })
        .await;
        ledger
    }
}

pub(crate) fn posted(seq: u64, payment: &Payment) -> Posted {
    let currency: Currency = payment.currency.parse().expect("a currency");
    let units = i128::try_from(payment.units).expect("small");
    let amount = Decimal::from_i128_with_scale(units, currency.scale());
    let leg = |party: u8, amount| Leg {
        wallet: Some(wallet(party)),
        account: Account::Main,
        currency,
        amount,
        balance_after: None,
        version: None,
        held: None,
        held_after: None,
        purpose: None,
    };
    Posted {
        id: EventId::from_uuid(Uuid::from_u128(u128::from(seq))),
        event_type: Kind::Payment.posted(),
        seq,
        transaction: TransactionId::from_uuid(Uuid::from_u128(u128::from(seq))),
        kind: Kind::Payment,
        effective_at: at(0),
        posted_at: at(i64::try_from(seq).expect("small")),
        legs: vec![leg(0, -amount), leg(payment.merchant, amount)],
        reference: None,
        order_reference: Some(format!("order-{seq}")),
        description: None,
        metadata: BTreeMap::new(),
        hold: None,
        hold_left: None,
        refunds: None,
        reverses: None,
        quote: None,
    }
}

fn page(log: &[LoggedEvent], request: &EventsRequest) -> EventsPage {
    let wanted = log
        .iter()
        .filter(|event| (request.from..=request.to).contains(&event.seq));
    EventsPage {
        head: Head {
            seq: log.len() as u64,
            hash: hex::encode(chain::GENESIS),
        },
        events: wanted.cloned().collect(),
    }
}
