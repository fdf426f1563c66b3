//! A log of its own and a stream of its own, and somebody who writes the one and reads the
//! other.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    message::StreamMessage,
    stream::{RawMessageErrorKind, Stream},
};
use chrono::{DateTime, Utc};
use contracts::{
    EventId,
    chain::{self, Hash},
    headers,
    topology::{StreamSpec, Topology},
};
use service_runtime::{
    Clock, Process, Secret, State, entropy,
    relay::{Relay, RelaySettings},
};
use sqlx::PgPool;
use testkit::{TestDatabase, eventually, servers};

/// Longer than anything takes, also on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
/// What the log's writer notifies.
pub(crate) const CHANNEL: &str = "ledger_log";

const TABLES: &str = "
    CREATE SCHEMA ledger;
    SET search_path = ledger;
    CREATE TABLE events (
        seq bigint PRIMARY KEY, event_id uuid NOT NULL, subject text NOT NULL, data text NOT NULL,
        hash bytea NOT NULL, posted_at timestamptz NOT NULL, traceparent text);
    CREATE TABLE head (
        single boolean PRIMARY KEY DEFAULT true, seq bigint NOT NULL, hash bytea NOT NULL,
        posted_at timestamptz NOT NULL);
    CREATE TABLE relay (
        stream text PRIMARY KEY, epoch bigint NOT NULL, cursor bigint NOT NULL,
        stream_created_at timestamptz);
    RESET search_path;";

/// A log and a stream.
pub(crate) struct World {
    pub(crate) url: Secret,
    pub(crate) pool: PgPool,
    pub(crate) topology: Topology,
    pub(crate) nats_url: String,
    pub(crate) js: jetstream::Context,
}

/// A relay in a process of its own.
pub(crate) struct RunningRelay {
    pub(crate) process: Process,
}

impl World {
    /// On the servers that all tests share.
    pub(crate) async fn start() -> Self {
        let database = TestDatabase::create().await;
        Self::on(&database.url(), &servers().nats.url()).await
    }

    /// On the given servers.
    pub(crate) async fn on(postgres_url: &str, nats_url: &str) -> Self {
        let pool = PgPool::connect(postgres_url).await.expect("connects");
        sqlx::raw_sql(TABLES)
            .execute(&pool)
            .await
            .expect("makes the tables");
        let client = async_nats::connect(nats_url).await.expect("connects");
        Self {
            url: Secret::new(postgres_url),
            pool,
            topology: Topology::with_prefix(&testkit::stream_prefix()),
            nats_url: nats_url.to_owned(),
            js: jetstream::new(client),
        }
    }

    /// The ledger's stream, small: the server reserves its bytes.
    pub(crate) fn spec(&self) -> StreamSpec {
        StreamSpec {
            bytes_max: 64 * 1024 * 1024,
            ..self.topology.ledger_stream()
        }
    }

    /// Starts a relay as the services do.
    pub(crate) async fn relay(&self) -> RunningRelay {
        self.relay_with(Clock::system()).await
    }

    pub(crate) async fn relay_with(&self, clock: Clock) -> RunningRelay {
        let process = Process::new("test", clock);
        let client = service_runtime::nats::connect(&self.nats_url, "test relay", &process)
            .await
            .expect("the address parses");
        let settings = RelaySettings {
            url: self.url.clone(),
            schema: "ledger",
            source: "/florin/ledger",
            stream: self.spec(),
            topology: self.topology.clone(),
            notify_channel: Some(CHANNEL),
        };
        process.spawn("relay", Relay::new(settings, client).run(process.clone()));
        RunningRelay { process }
    }

    /// Writes `count` events as the ledger does, in one transaction.
    pub(crate) async fn append(&self, count: u64) {
        self.append_at(count, Clock::system().now()).await;
    }

    pub(crate) async fn append_at(&self, count: u64, posted_at: DateTime<Utc>) {
        let mut tx = self.pool.begin().await.expect("begins");
        let (mut seq, mut hash) = self.head().await;
        let (mut seqs, mut ids, mut texts, mut hashes) = (vec![], vec![], vec![], vec![]);
        for _ in 0..count {
            seq += 1;
            let id = EventId::mint(posted_at, entropy());
            let data = format!(
                r#"{{"id":"{id}","type":"florin.ledger.wallet.created.v1","seq":{seq},"text":"a \"quoted\" ü"}}"#
            );
            hash = chain::link(&hash, data.as_bytes());
            seqs.push(i64::try_from(seq).expect("small"));
            ids.push(id.as_uuid());
            texts.push(data);
            hashes.push(hash.to_vec());
        }
        sqlx::query(
            "INSERT INTO ledger.events (seq, event_id, subject, data, hash, posted_at, traceparent)
             SELECT seq, id, 'ledger.v1.wallet.created.07', data, hash, $5,
                    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
             FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::bytea[]) t(seq, id, data, hash)",
        )
        .bind(seqs)
        .bind(ids)
        .bind(texts)
        .bind(hashes)
        .bind(posted_at)
        .execute(&mut *tx)
        .await
        .expect("writes events");
        sqlx::query(
            "INSERT INTO ledger.head (seq, hash, posted_at) VALUES ($1, $2, $3)
             ON CONFLICT (single) DO UPDATE
             SET seq = excluded.seq, hash = excluded.hash, posted_at = excluded.posted_at",
        )
        .bind(i64::try_from(seq).expect("small"))
        .bind(hash.to_vec())
        .bind(posted_at)
        .execute(&mut *tx)
        .await
        .expect("moves the head");
        sqlx::query("SELECT pg_notify($1, '')")
            .bind(CHANNEL)
            .execute(&mut *tx)
            .await
            .expect("notifies");
        tx.commit().await.expect("commits");
    }

    pub(crate) async fn head(&self) -> (u64, Hash) {
        let row: Option<(i64, Vec<u8>)> = sqlx::query_as("SELECT seq, hash FROM ledger.head")
            .fetch_optional(&self.pool)
            .await
            .expect("reads the head");
        row.map_or((0, chain::GENESIS), |(seq, hash)| {
            (
                u64::try_from(seq).expect("positive"),
                hash.try_into().expect("32 bytes"),
            )
        })
    }

    /// Takes the log back to an older state, as a restored backup would.
    pub(crate) async fn restore(&self, seq: i64) {
        for statement in [
            "DELETE FROM ledger.events WHERE seq > $1",
            "UPDATE ledger.head SET (seq, hash, posted_at) =
                 (SELECT seq, hash, posted_at FROM ledger.events WHERE seq = $1)",
            "UPDATE ledger.relay SET cursor = least(cursor, $1)",
        ] {
            sqlx::query(statement)
                .bind(seq)
                .execute(&self.pool)
                .await
                .expect("restores");
        }
    }

    /// The stream; it must be there.
    pub(crate) async fn stream(&self) -> Stream {
        self.js
            .get_stream(&self.spec().name)
            .await
            .expect("the stream is there")
    }

    /// Everything in the stream.
    pub(crate) async fn stored(&self) -> Vec<StreamMessage> {
        let stream = self.stream().await;
        let state = stream.cached_info().state.clone();
        let mut all = vec![];
        for sequence in state.first_sequence.max(1)..=state.last_sequence {
            match stream.get_raw_message(sequence).await {
                Ok(message) => all.push(message),
                Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => {}
                Err(error) => panic!("{error}"),
            }
        }
        all
    }

    /// Waits until the stream holds `count` messages.
    pub(crate) async fn wait_for_messages(&self, count: u64) {
        eventually("the stream is full", PATIENCE, async || {
            let stream = self
                .js
                .get_stream(&self.spec().name)
                .await
                .map_err(|e| e.to_string())?;
            let found = stream.cached_info().state.messages;
            if found == count {
                Ok(())
            } else {
                Err(format!("{found} of {count} messages"))
            }
        })
        .await;
    }

    /// Waits until the relay's table says so.
    pub(crate) async fn wait_for_place(&self, epoch: i64, cursor: i64) {
        eventually("the relay is there", PATIENCE, async || {
            let place = self.place().await;
            if place == Some((epoch, cursor)) {
                Ok(())
            } else {
                Err(format!("{place:?}"))
            }
        })
        .await;
    }

    pub(crate) async fn place(&self) -> Option<(i64, i64)> {
        sqlx::query_as("SELECT epoch, cursor FROM ledger.relay")
            .fetch_optional(&self.pool)
            .await
            .expect("reads the relay's place")
    }

    /// Publishes something that is not the relay's, and waits until it is stored.
    pub(crate) async fn forge(&self, map: async_nats::HeaderMap, payload: &str) {
        let subject = self.topology.subject("ledger.v1.wallet.created.07");
        let ack = self
            .js
            .publish_with_headers(subject, map, payload.to_owned().into())
            .await
            .expect("publishes");
        ack.await.expect("is stored");
    }
}

impl RunningRelay {
    /// Drops the relay where it stands.
    pub(crate) async fn kill(self) {
        self.process.shutdown();
        self.process.hard().cancel();
        self.process
            .wait(Duration::ZERO)
            .await
            .expect("no task crashed");
    }

    /// Lets it finish what it has in hand.
    pub(crate) async fn stop(self) {
        self.process.shutdown();
        self.process.wait(PATIENCE).await.expect("no task crashed");
    }

    /// What the relay says about itself.
    pub(crate) fn health(&self) -> Option<State> {
        let parts = self.process.health().snapshot();
        parts
            .into_iter()
            .find(|(part, _)| *part == "relay")
            .map(|(_, state)| state)
    }

    /// Waits until it is down, and says why.
    pub(crate) async fn wait_until_down(&self) -> String {
        eventually("the relay is down", PATIENCE, async || {
            match self.health() {
                Some(State::Down(why)) => Ok(why),
                other => Err(other),
            }
        })
        .await
    }
}

/// The positions that messages name, in the stream's order; 0 for one without.
pub(crate) fn seqs(stored: &[StreamMessage]) -> Vec<u64> {
    stored
        .iter()
        .map(|message| header(message, headers::SEQ).parse().unwrap_or_default())
        .collect()
}

/// A header of a message; empty when it has none.
pub(crate) fn header<'a>(message: &'a StreamMessage, name: &str) -> &'a str {
    message
        .headers
        .get(name)
        .map(async_nats::HeaderValue::as_str)
        .unwrap_or_default()
}
