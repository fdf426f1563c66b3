//! The worker as it is run, with a log in memory and a stream of its own, asked over NATS.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use analytics_worker::{Config, PART, migrate, run};
use async_nats::{Client, HeaderMap, jetstream};
use chrono::{DateTime, Utc};
use contracts::{
    Account, Currency, EventId, Kind, LedgerEvent, Leg, Posted, TransactionId, WalletId, chain,
    headers,
    rpc::{EventsPage, EventsRequest, Head, LoggedEvent, RpcError, StatsRequest, WalletStats},
    subjects,
    topology::StreamSpec,
};
use rust_decimal::Decimal;
use service_runtime::{Clock, Process, Secret, ServiceConfig, nats, rpc};
use sqlx::PgPool;
use testkit::{TestDatabase, eventually, servers};
use uuid::Uuid;

/// Longer than anything takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const PASSWORD: &str = "analytics";

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
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("in range")
}

pub(crate) struct World {
    pub(crate) process: Process,
    pool: PgPool,
    client: Client,
    config: ServiceConfig,
    log: Arc<Mutex<Vec<LoggedEvent>>>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::from_template("analytics", async |template| {
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
        let process = Process::new("analytics-worker", Clock::system());
        let pool = database.pool().await;
        let world = Self {
            process,
            pool,
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
        run(
            Config {
                service: world.config.clone(),
            },
            world.process.clone(),
        )
        .await
        .expect("starts");
        world
    }

    fn serve_log(&self) {
        let log = Arc::clone(&self.log);
        let subject = self.config.topology().subject(subjects::rpc::LEDGER_EVENTS);
        let answer = move |request: EventsRequest| {
            let log = Arc::clone(&log);
            async move { Ok::<_, RpcError>(page(&log.lock().expect("no panic held it"), &request)) }
        };
        rpc::serve(
            &self.process,
            self.client.clone(),
            subject,
            "ledger",
            answer,
        );
    }

    /// Writes movements into the log, and nowhere else.
    pub(crate) fn write(&self, moves: &[Move]) {
        for one in moves {
            let seq = self.log.lock().expect("no panic held it").len() as u64 + 1;
            self.write_event(&LedgerEvent::Posted(posted(seq, one)));
        }
    }

    pub(crate) fn write_event(&self, event: &LedgerEvent) {
        let mut log = self.log.lock().expect("no panic held it");
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
            let done: Option<String> = sqlx::query_scalar("SELECT done::text FROM analytics.inbox")
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
        let parked: i64 = sqlx::query_scalar("SELECT count(*) FROM analytics.dead_letters")
            .fetch_one(&self.pool)
            .await
            .expect("reads");
        assert_eq!(parked, 0, "an event was parked");
    }

    /// Asks as the ledger does.
    pub(crate) async fn stats(&self, wallet: WalletId) -> WalletStats {
        let subject = self
            .config
            .topology()
            .subject(subjects::rpc::ANALYTICS_STATS);
        eventually("it answers", PATIENCE, async || {
            rpc::call(
                &self.client,
                subject.clone(),
                &StatsRequest { wallet },
                PATIENCE,
            )
            .await
        })
        .await
    }

    pub(crate) async fn stop(self) {
        self.process.shutdown();
        self.process.wait(PATIENCE).await.expect("no task crashed");
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
