//! Workers as they are run, with a log in memory and streams of their own, asked over NATS.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_nats::{Client, HeaderMap, jetstream};
use chrono::{DateTime, Utc};
use contracts::{
    Account, AlertId, Currency, EventId, Kind, LedgerEvent, Leg, Posted, TransactionId, WalletId,
    chain,
    fraud::AlertRaised,
    headers,
    rpc::{
        Alert, AlertRequest, AlertsRequest, EventsPage, EventsRequest, Head, LoggedEvent, RpcError,
    },
    subjects,
    topology::{StreamSpec, Worker},
};
use fraud_worker::{Config, PART, migrate, run};
use rust_decimal::Decimal;
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::{Clock, Process, Secret, ServiceConfig, nats, rpc};
use sqlx::PgPool;
use testkit::{TestDatabase, eventually, servers};
use uuid::Uuid;

/// Longer than anything takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "fraud";
/// Alerts of one page: few, so that there are several.
const PAGE: u16 = 7;

/// A movement, as a test plans it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) kind: Kind,
    pub(crate) from: u8,
    /// The other wallet of a transfer or payment.
    pub(crate) to: u8,
    pub(crate) currency: &'static str,
    pub(crate) amount: Decimal,
    /// Event time.
    pub(crate) at: DateTime<Utc>,
}

pub(crate) fn wallet(n: u8) -> WalletId {
    WalletId::from_uuid(Uuid::from_u128(
        0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(n),
    ))
}

pub(crate) fn at(second: i64) -> DateTime<Utc> {
    at_millis(second * 1_000)
}

pub(crate) fn at_millis(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_700_000_000_000 + millis).expect("in range")
}

/// A movement in euros.
pub(crate) fn euros(kind: Kind, amount: &str, millis: i64) -> Move {
    Move {
        kind,
        from: 0,
        to: 1,
        currency: "EUR",
        amount: amount.parse().expect("a decimal"),
        at: at_millis(millis),
    }
}

pub(crate) struct World {
    pub(crate) pool: PgPool,
    /// Answers for the ledger, and lives as long as the world.
    ledger: Process,
    workers: Vec<Process>,
    client: Client,
    config: ServiceConfig,
    log: Arc<Mutex<Vec<LoggedEvent>>>,
}

impl World {
    /// A world with one worker.
    pub(crate) async fn start() -> Self {
        let mut world = Self::empty().await;
        world.start_worker(None).await;
        world
    }

    /// A world in which nobody works yet.
    pub(crate) async fn empty() -> Self {
        let database = TestDatabase::from_template("fraud", async |template| {
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
        let config = ServiceConfig {
            // As its own role: the grants are part of what is tested.
            database_url: Secret::new(database.url_as(PART.role, PASSWORD)),
            nats_url: servers().nats.url(),
            prefix: testkit::stream_prefix(),
            admin: ([127, 0, 0, 1], 0).into(),
            log: "info".to_owned(),
            drain_seconds: 10,
            print_config: false,
        };
        let client = async_nats::connect(&config.nats_url)
            .await
            .expect("connects");
        let world = Self {
            pool: database.pool().await,
            ledger: Process::new("ledger", Clock::system()),
            workers: Vec::new(),
            client,
            config,
            log: Arc::default(),
        };
        let js = jetstream::new(world.client.clone());
        // Small: the server reserves its bytes.
        let spec = StreamSpec {
            bytes_max: 64 * 1024 * 1024,
            ..world.config.topology().ledger_stream()
        };
        nats::ensure_stream(&js, &spec)
            .await
            .expect("creates the stream");
        world.serve_log();
        world
    }

    /// Starts a worker, beside those there are; with a file of rules, or those that it brings.
    pub(crate) async fn start_worker(&mut self, rules: Option<PathBuf>) {
        let process = Process::new("fraud-worker", Clock::system());
        let config = Config {
            service: self.config.clone(),
            rules,
        };
        run(config, process.clone()).await.expect("starts");
        self.workers.push(process);
    }

    fn serve_log(&self) {
        let log = Arc::clone(&self.log);
        let subject = self.config.topology().subject(subjects::rpc::LEDGER_EVENTS);
        let answer = move |request: EventsRequest| {
            let log = Arc::clone(&log);
            async move { Ok::<_, RpcError>(page(&log.lock().expect("no panic held it"), &request)) }
        };
        rpc::serve(&self.ledger, self.client.clone(), subject, "ledger", answer);
    }

    /// Writes movements into the log, and nowhere else.
    pub(crate) fn write(&self, moves: &[Move]) {
        let mut log = self.log.lock().expect("no panic held it");
        for one in moves {
            let event = LedgerEvent::Posted(posted(log.len() as u64 + 1, one));
            let previous = log.last().and_then(|event| chain::parse(&event.hash));
            let data = event.encode();
            let hash = chain::link(&previous.unwrap_or(chain::GENESIS), data.as_bytes());
            log.push(LoggedEvent {
                seq: event.seq(),
                id: event.id(),
                subject: event.subject(),
                hash: hex::encode(hash),
                posted_at: event.posted_at(),
                data,
                traceparent: None,
            });
        }
    }

    /// Writes and publishes movements, and waits until a worker has settled them.
    pub(crate) async fn happen(&self, moves: &[Move]) {
        let from = self.log.lock().expect("no panic held it").len() + 1;
        self.write(moves);
        self.publish(from..from + moves.len()).await;
        self.wait_until_settled().await;
    }

    /// Publishes events of the log as the relay does.
    pub(crate) async fn publish(&self, seqs: impl IntoIterator<Item = usize>) {
        let js = jetstream::new(self.client.clone());
        let log = self.log.lock().expect("no panic held it").clone();
        let mut receipts = Vec::new();
        for seq in seqs {
            let event = &log[seq - 1];
            let decoded = LedgerEvent::decode(event.data.as_bytes()).expect("decodes");
            let mut map = HeaderMap::new();
            map.insert(headers::SEQ, event.seq.to_string());
            map.insert(headers::HASH, event.hash.as_str());
            map.insert(headers::CE_ID, event.id.to_string());
            map.insert(headers::CE_TYPE, decoded.event_type().as_str());
            let subject = self.config.topology().subject(&event.subject);
            let data = event.data.clone().into();
            let sent = js.publish_with_headers(subject, map, data).await;
            receipts.push(sent.expect("publishes"));
        }
        for receipt in receipts {
            receipt.await.expect("is stored");
        }
    }

    /// Waits until the whole log is settled.
    pub(crate) async fn wait_until_settled(&self) {
        let head = self.log.lock().expect("no panic held it").len() as u64;
        let wanted = format!("{{[1,{})}}", head + 1);
        eventually("it is settled", PATIENCE, async || {
            let done: Option<String> = sqlx::query_scalar("SELECT done::text FROM fraud.inbox")
                .fetch_optional(&self.pool)
                .await
                .map_err(|error| error.to_string())?;
            if done.as_deref() == Some(wanted.as_str()) {
                Ok(())
            } else {
                Err(format!("{done:?}"))
            }
        })
        .await;
        let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM fraud.dead_letters")
            .fetch_one(&self.pool)
            .await
            .expect("reads");
        assert_eq!(parked, 0, "an event was parked");
    }

    /// All alerts, page by page, as the ledger asks for them.
    pub(crate) async fn alerts(&self, wallet: Option<WalletId>) -> Vec<Alert> {
        let mut all: Vec<Alert> = Vec::new();
        loop {
            let after = all.last().map(|alert| alert.id);
            let request = AlertsRequest {
                wallet,
                after,
                limit: PAGE,
            };
            let page: Vec<Alert> = self.ask(subjects::rpc::FRAUD_ALERTS, &request).await;
            let is_last = page.len() < PAGE.into();
            all.extend(page);
            if is_last {
                return all;
            }
        }
    }

    pub(crate) async fn alert(&self, alert: AlertId) -> Option<Alert> {
        let request = AlertRequest { alert };
        self.ask(subjects::rpc::FRAUD_ALERT, &request).await
    }

    pub(crate) async fn ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> A {
        let subject = self.config.topology().subject(subject);
        eventually("it answers", PATIENCE, async || {
            rpc::call(&self.client, subject.clone(), request, PATIENCE).await
        })
        .await
    }

    /// What is in the stream of alerts, once it is `count`; proves its chain from the first.
    pub(crate) async fn published(&self, count: u64) -> Vec<AlertRaised> {
        let js = jetstream::new(self.client.clone());
        let spec = self.config.topology().worker_stream(Worker::Fraud);
        let name = spec.expect("it publishes").name;
        let stream = eventually("the alerts are published", PATIENCE, async || {
            let stream = js.get_stream(&name).await.map_err(|e| e.to_string())?;
            match stream.cached_info().state.messages {
                found if found == count => Ok(stream),
                found => Err(format!("{found} of {count}")),
            }
        })
        .await;
        let (mut hash, mut all) = (chain::GENESIS, Vec::new());
        for seq in 1..=count {
            let message = stream.get_raw_message(seq).await.expect("it is there");
            let header = |name| message.headers.get(name).expect("a header").to_string();
            hash = chain::link(&hash, &message.payload);
            assert_eq!(header(headers::HASH), hex::encode(hash));
            assert_eq!(header(headers::SEQ), seq.to_string());
            let event = AlertRaised::decode(&message.payload).expect("decodes");
            assert_eq!(
                (event.seq, header(headers::CE_ID)),
                (seq, event.id.to_string())
            );
            all.push(event);
        }
        all
    }

    pub(crate) async fn stop_workers(&mut self) {
        for process in self.workers.drain(..) {
            process.shutdown();
            process.wait(PATIENCE).await.expect("no task crashed");
        }
    }

    pub(crate) async fn stop(mut self) {
        self.stop_workers().await;
        self.ledger.shutdown();
        self.ledger.wait(PATIENCE).await.expect("no task crashed");
    }
}

fn posted(seq: u64, one: &Move) -> Posted {
    let currency: Currency = one.currency.parse().expect("a currency");
    let leg = |party: Option<u8>, amount| Leg {
        wallet: party.map(wallet),
        account: if party.is_some() {
            Account::Main
        } else {
            Account::Funding
        },
        currency,
        amount,
        balance_after: None,
        version: None,
        held: None,
        held_after: None,
        purpose: None,
    };
    let (from, to) = match one.kind {
        Kind::Deposit => (None, Some(one.from)),
        Kind::Withdrawal => (Some(one.from), None),
        _ => (Some(one.from), Some(one.to)),
    };
    Posted {
        id: EventId::from_uuid(Uuid::from_u128(u128::from(seq))),
        event_type: one.kind.posted(),
        seq,
        transaction: TransactionId::from_uuid(Uuid::from_u128(u128::from(seq))),
        kind: one.kind,
        effective_at: one.at,
        posted_at: at(1_000_000),
        legs: vec![leg(from, -one.amount), leg(to, one.amount)],
        reference: None,
        order_reference: None,
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
    let head = log.last().map_or_else(
        || Head {
            seq: 0,
            hash: hex::encode(chain::GENESIS),
        },
        |event| Head {
            seq: event.seq,
            hash: event.hash.clone(),
        },
    );
    let wanted = log
        .iter()
        .filter(|event| (request.from..=request.to).contains(&event.seq));
    EventsPage {
        head,
        events: wanted.take(500).cloned().collect(),
    }
}
