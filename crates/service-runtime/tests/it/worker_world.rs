//! A log in memory with somebody who answers for it, a stream, a database, and workers that
//! count: their tables show an effect that happened twice, not at all, or over another's.

mod events;
mod handler;
mod running;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, HeaderMap,
    jetstream::{self, consumer::PullConsumer},
};
use chrono::{DateTime, Utc};
use contracts::{
    EventId, chain,
    rpc::{EventsRequest, LoggedEvent, RpcError},
    topology::{StreamSpec, Topology},
};
use service_runtime::{
    Clock, Process, Secret, entropy,
    inbox::{self, store::Inbox},
    nats,
    postgres::{self, PostgresOptions},
    rpc,
    worker::{SOURCE, Timings, WORKER_MIGRATIONS, Worker, WorkerSettings},
};
use sqlx::PgPool;
use testkit::{TestDatabase, eventually, servers};

pub(crate) use events::{deposit, headers_of, hex};
pub(crate) use handler::{Counting, Deed, Deeds};
pub(crate) use running::{Running, timings};

/// Longer than anything takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const SCHEMA: &str = "counting";
/// The worker's name in rows.
pub(crate) const CONSUMER: &str = "analytics";

/// The effect of an event is a row without any key: a second one shows. The counter is read
/// and then written: a lost update shows.
const EFFECTS: &str = "
    CREATE TABLE effects (seq bigint NOT NULL, instance text NOT NULL);
    CREATE TABLE counter (id boolean PRIMARY KEY DEFAULT true, n bigint NOT NULL);
    INSERT INTO counter (n) VALUES (0);
    CREATE TABLE refused (seq bigint, CONSTRAINT it_refuses CHECK (seq IS NULL));";

/// A log, a stream and a database.
pub(crate) struct World {
    pub(crate) database_url: String,
    pub(crate) nats_url: String,
    pub(crate) pool: PgPool,
    pub(crate) topology: Topology,
    pub(crate) client: Client,
    pub(crate) js: jetstream::Context,
    pub(crate) deeds: Deeds,
    log: Arc<Mutex<Vec<LoggedEvent>>>,
    answers: Arc<AtomicBool>,
    ledger: Process,
}

impl World {
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::from_template("worker", async |template| {
            let pool = pool(&template.url()).await;
            sqlx::raw_sql("CREATE SCHEMA counting")
                .execute(&pool)
                .await
                .expect("creates");
            let mut connection = pool.acquire().await.expect("connects");
            WORKER_MIGRATIONS
                .run(&mut *connection)
                .await
                .expect("migrates");
            sqlx::raw_sql(EFFECTS)
                .execute(&mut *connection)
                .await
                .expect("creates");
            drop(connection);
            pool.close().await;
        })
        .await;
        let client = async_nats::connect(servers().nats.url())
            .await
            .expect("connects");
        let world = Self {
            pool: pool(&database.url()).await,
            database_url: database.url(),
            nats_url: servers().nats.url(),
            topology: Topology::with_prefix(&testkit::stream_prefix()),
            js: jetstream::new(client.clone()),
            client,
            deeds: Deeds::default(),
            log: Arc::default(),
            answers: Arc::new(AtomicBool::new(true)),
            ledger: Process::new("ledger", Clock::system()),
        };
        world.create_stream().await;
        world.serve_log();
        world
    }

    /// The ledger's stream, small: the server reserves its bytes.
    pub(crate) fn spec(&self) -> StreamSpec {
        StreamSpec {
            bytes_max: 64 * 1024 * 1024,
            ..self.topology.ledger_stream()
        }
    }

    pub(crate) async fn create_stream(&self) {
        nats::ensure_stream(&self.js, &self.spec())
            .await
            .expect("creates the stream");
    }

    pub(crate) async fn delete_stream(&self) {
        self.js
            .delete_stream(self.spec().name)
            .await
            .expect("deletes the stream");
    }

    pub(crate) async fn delete_consumer(&self) {
        let stream = self
            .js
            .get_stream(self.spec().name)
            .await
            .expect("is there");
        stream
            .delete_consumer(CONSUMER)
            .await
            .expect("deletes the consumer");
    }

    pub(crate) async fn consumer(&self) -> Result<PullConsumer, String> {
        let found = self.js.get_consumer_from_stream(CONSUMER, self.spec().name);
        found.await.map_err(|error| error.to_string())
    }

    /// Up to where the consumer's messages are acknowledged, and how many are not.
    pub(crate) async fn acknowledged(&self) -> Result<(u64, u64), String> {
        let consumer = self.consumer().await?;
        let info = consumer.cached_info();
        let open = info.num_pending + info.num_ack_pending as u64;
        Ok((info.ack_floor.stream_sequence, open))
    }

    pub(crate) async fn purge_stream(&self) {
        let stream = self
            .js
            .get_stream(self.spec().name)
            .await
            .expect("is there");
        stream.purge().await.expect("purges");
    }

    /// Whether the log's owner answers.
    pub(crate) fn answer(&self, answers: bool) {
        self.answers.store(answers, Ordering::SeqCst);
    }

    fn serve_log(&self) {
        let (log, answers) = (Arc::clone(&self.log), Arc::clone(&self.answers));
        let subject = self
            .topology
            .subject(contracts::subjects::rpc::LEDGER_EVENTS);
        let answer = move |request: EventsRequest| {
            let (log, answers) = (Arc::clone(&log), Arc::clone(&answers));
            async move {
                if !answers.load(Ordering::SeqCst) {
                    let (code, detail) = ("unavailable".to_owned(), "told to".to_owned());
                    return Err(RpcError { code, detail });
                }
                Ok(events::page(
                    &log.lock().expect("no panic held it"),
                    &request,
                ))
            }
        };
        rpc::serve(&self.ledger, self.client.clone(), subject, "ledger", answer);
    }

    /// Writes events into the log, and nowhere else.
    pub(crate) fn write(&self, count: u64) {
        for _ in 0..count {
            let event = deposit(self.head() + 1);
            self.write_data(
                event.id(),
                &event.subject(),
                event.posted_at(),
                event.encode(),
            );
        }
    }

    /// Writes an event of whatever data into the log.
    pub(crate) fn write_data(
        &self,
        id: EventId,
        subject: &str,
        posted_at: DateTime<Utc>,
        data: String,
    ) {
        let mut log = self.log.lock().expect("no panic held it");
        let previous = log.last().and_then(|event| chain::parse(&event.hash));
        let hash = chain::link(&previous.unwrap_or(chain::GENESIS), data.as_bytes());
        let (seq, hash) = (log.len() as u64 + 1, hex(&hash));
        log.push(LoggedEvent {
            seq,
            id,
            subject: subject.to_owned(),
            hash,
            posted_at,
            data,
            traceparent: None,
        });
    }

    pub(crate) fn head(&self) -> u64 {
        self.log.lock().expect("no panic held it").len() as u64
    }

    pub(crate) fn logged(&self, seq: u64) -> LoggedEvent {
        let log = self.log.lock().expect("no panic held it");
        log[usize::try_from(seq - 1).expect("small")].clone()
    }

    /// Publishes events as the relay does.
    pub(crate) async fn publish(&self, seqs: impl IntoIterator<Item = u64>) {
        for seq in seqs {
            let event = self.logged(seq);
            self.send(&event.subject, headers_of(&event), &event.data)
                .await;
        }
    }

    /// Publishes anything, and waits until it is stored.
    pub(crate) async fn send(&self, subject: &str, map: HeaderMap, data: &str) {
        let subject = self.topology.subject(subject);
        let data = data.to_owned().into();
        let ack = self
            .js
            .publish_with_headers(subject, map, data)
            .await
            .expect("publishes");
        ack.await.expect("is stored");
    }

    /// Writes and publishes.
    pub(crate) async fn append(&self, count: u64) {
        let first = self.head() + 1;
        self.write(count);
        self.publish(first..first + count).await;
    }

    pub(crate) async fn worker(&self) -> Running {
        self.worker_at(
            &self.database_url,
            &self.nats_url,
            timings(),
            Clock::system(),
        )
        .await
    }

    pub(crate) async fn worker_at(
        &self,
        database_url: &str,
        nats_url: &str,
        timings: Timings,
        clock: Clock,
    ) -> Running {
        let process = Process::new("worker", clock);
        let client = nats::connect(nats_url, "test", &process)
            .await
            .expect("the address parses");
        let mut settings =
            WorkerSettings::new(Secret::new(database_url), SCHEMA, self.topology.clone());
        settings.timings = timings;
        let name = format!("{:?}", entropy());
        let handler = Counting {
            name,
            deeds: self.deeds.clone(),
        };
        let worker = Worker::new(handler, settings, pool(database_url).await, client);
        process.spawn("worker", worker.run(process.clone()));
        Running { process }
    }

    pub(crate) async fn inbox(&self) -> Option<Inbox> {
        let mut connection = self.pool.acquire().await.expect("connects");
        inbox::store::find(&mut connection, CONSUMER, SOURCE)
            .await
            .ok()
    }

    /// What the inbox has, as Postgres prints it.
    pub(crate) async fn done(&self) -> String {
        self.inbox()
            .await
            .map(|inbox| inbox.done.to_string())
            .unwrap_or_default()
    }

    /// Waits until everything up to the head is settled.
    pub(crate) async fn wait_until_settled(&self) {
        self.wait_until_done_is(&format!("{{[1,{})}}", self.head() + 1))
            .await;
    }

    pub(crate) async fn wait_until_done_is(&self, wanted: &str) {
        eventually("it is settled", PATIENCE, async || {
            let done = self.done().await;
            if done == wanted { Ok(()) } else { Err(done) }
        })
        .await;
    }

    /// The events with an effect, each as often as it has one.
    pub(crate) async fn effects(&self) -> Vec<u64> {
        let (n, seqs): (i64, Vec<i64>) =
            sqlx::query_as("SELECT n, ARRAY (SELECT seq FROM effects ORDER BY seq) FROM counter")
                .fetch_one(&self.pool)
                .await
                .expect("reads");
        assert_eq!(
            usize::try_from(n),
            Ok(seqs.len()),
            "an update of the counter was lost"
        );
        seqs.into_iter().map(i64::cast_unsigned).collect()
    }

    /// Asserts that each event up to the head has one effect, except these.
    pub(crate) async fn assert_effects_except(&self, without: &[u64]) {
        let wanted: Vec<u64> = (1..=self.head())
            .filter(|seq| !without.contains(seq))
            .collect();
        assert_eq!(self.effects().await, wanted);
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.pool)
            .await
            .expect("reads a number")
    }

    /// Seq and reason of all dead letters, foreign ones last.
    pub(crate) async fn letters(&self) -> Vec<(Option<i64>, String)> {
        sqlx::query_as("SELECT seq, reason FROM dead_letters ORDER BY seq NULLS LAST, stream_seq")
            .fetch_all(&self.pool)
            .await
            .expect("reads")
    }

    pub(crate) async fn wait_for_letters(&self, count: usize) -> Vec<(Option<i64>, String)> {
        eventually("they are parked", PATIENCE, async || {
            let letters = self.letters().await;
            if letters.len() == count {
                Ok(letters)
            } else {
                Err(letters)
            }
        })
        .await
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.ledger.shutdown();
    }
}

/// A connection pool into the worker's schema.
pub(crate) async fn pool(url: &str) -> PgPool {
    let options = PostgresOptions {
        schema: SCHEMA,
        ..PostgresOptions::default()
    };
    postgres::pool(&Secret::new(url), &options)
        .await
        .expect("connects")
}
