//! The leader's connection: the advisory lock, the cursor and the log, on one session.

use std::{future::Future, io, time::Duration};

use chrono::{DateTime, Utc};
use contracts::{
    EventId,
    chain::{GENESIS, Hash},
};
use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::{PING_EVERY, RelaySettings, decide::Place};
use crate::{
    log::{self, position, to_hash},
    postgres::{self, PostgresOptions},
};

/// A paused relay must lose its lock to one that stands by, hence the idle session time-out:
/// three times the longest silence of a living leader, which waits for NATS (5 s).
pub(super) const OPTIONS: PostgresOptions = PostgresOptions {
    schema: "public",
    max_connections: 1,
    statement_timeout_ms: 10_000,
    lock_timeout_ms: 5_000,
    idle_in_transaction_ms: 5_000,
    idle_session_ms: 15_000,
    plans_anew: true,
    application_name: "florin relay",
};
/// A server that does not answer for longer is away, whatever TCP says.
const ANSWER_WAIT: Duration = Duration::from_secs(12);
/// Events of one page: enough to fill the window several times over, and one cursor move.
const PAGE_EVENTS: i64 = 1_000;
/// Bytes of one page: bounds the relay's memory and what is in flight.
const PAGE_BYTES: i64 = 4 * 1024 * 1024;
/// What a message costs in a stream beyond its data: subject and headers.
const MESSAGE_OVERHEAD_BYTES: i64 = 600;

/// An event as the log has it.
#[derive(Debug, Clone)]
pub(super) struct LogRow {
    pub(super) seq: u64,
    pub(super) id: EventId,
    pub(super) subject: String,
    pub(super) data: String,
    pub(super) hash: Hash,
    pub(super) posted_at: DateTime<Utc>,
    pub(super) traceparent: Option<String>,
}

/// The log's hashes around a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Around {
    /// At the position before; the genesis hash before the first.
    pub(super) before: Option<Hash>,
    /// At the position.
    pub(super) at: Option<Hash>,
}

/// After which position a full stream would begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Retained {
    /// By the age of the events.
    pub(super) by_age: u64,
    /// Roughly, by the stream's bytes and the average of the latest events.
    pub(super) by_bytes: u64,
}

impl Retained {
    pub(super) fn after(self) -> u64 {
        self.by_age.max(self.by_bytes)
    }
}

pub(super) struct Leader {
    connection: PgConnection,
    stream: String,
}

impl Leader {
    pub(super) async fn connect(settings: &RelaySettings) -> Result<Self, sqlx::Error> {
        let options = PostgresOptions {
            schema: settings.schema,
            ..OPTIONS
        };
        let mut connection = timed(postgres::connect(&settings.url, &options)).await?;
        // A cursor that a crash of Postgres forgets is only a hint that is a little older, and
        // the ledger's commits need the disk more; `save` waits for the disk.
        let setting = sqlx::query("SET synchronous_commit = off");
        timed(setting.execute(&mut connection)).await?;
        Ok(Self {
            connection,
            stream: settings.stream.name.clone(),
        })
    }

    pub(super) async fn close(&mut self) {
        // A clean goodbye is a courtesy; dropping the connection ends the session too.
        let goodbye = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut self.connection);
        let _ = tokio::time::timeout(PING_EVERY, goodbye).await;
    }

    /// Whether this session has the lock of the stream, now or already.
    pub(super) async fn try_lock(&mut self) -> Result<bool, sqlx::Error> {
        let locked: bool = timed(
            sqlx::query_scalar(
                "SELECT pg_try_advisory_lock(
                     hashtextextended('florin relay ' || current_schema() || ' ' || $1, 0))",
            )
            .bind(&self.stream)
            .fetch_one(&mut self.connection),
        )
        .await?;
        Ok(locked)
    }

    /// Waits, and shows Postgres every second that this session lives.
    pub(super) async fn stay(&mut self, wait: Duration) -> Result<(), sqlx::Error> {
        let until = tokio::time::Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(tokio::time::Instant::now());
            tokio::time::sleep(left.min(PING_EVERY)).await;
            timed(sqlx::query("SELECT 1").execute(&mut self.connection)).await?;
            if left <= PING_EVERY {
                return Ok(());
            }
        }
    }

    /// Where the relay believes to be; inserted when it never was anywhere.
    pub(super) async fn place(&mut self) -> Result<Place, sqlx::Error> {
        timed(async {
            sqlx::query(
                "INSERT INTO relay (stream, epoch, cursor) VALUES ($1, 1, 0)
                 ON CONFLICT (stream) DO NOTHING",
            )
            .bind(&self.stream)
            .execute(&mut self.connection)
            .await?;
            let row =
                sqlx::query("SELECT epoch, cursor, stream_created_at FROM relay WHERE stream = $1")
                    .bind(&self.stream)
                    .fetch_one(&mut self.connection)
                    .await?;
            Ok(Place {
                epoch: position(row.try_get("epoch")?)?,
                cursor: position(row.try_get("cursor")?)?,
                created: row.try_get("stream_created_at")?,
            })
        })
        .await
    }

    /// Persists a place, on the disk, before anything is published under it.
    pub(super) async fn save(&mut self, place: &Place) -> Result<(), sqlx::Error> {
        timed(async {
            let mut tx = self.connection.begin().await?;
            sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *tx).await?;
            sqlx::query(
                "UPDATE relay SET epoch = $2, cursor = $3, stream_created_at = $4 WHERE stream = $1",
            )
            .bind(&self.stream)
            .bind(to_i64(place.epoch))
            .bind(to_i64(place.cursor))
            .bind(place.created)
            .execute(&mut *tx)
            .await?;
            tx.commit().await
        })
        .await
    }

    pub(super) async fn move_cursor(&mut self, cursor: u64) -> Result<(), sqlx::Error> {
        let update = sqlx::query("UPDATE relay SET cursor = $2 WHERE stream = $1")
            .bind(&self.stream)
            .bind(to_i64(cursor))
            .execute(&mut self.connection);
        timed(update).await?;
        Ok(())
    }

    pub(super) async fn head(&mut self) -> Result<(u64, Hash), sqlx::Error> {
        timed(log::head(&mut self.connection)).await
    }

    /// The events after `cursor`, in order, as many as one page holds.
    pub(super) async fn page_after(&mut self, cursor: u64) -> Result<Vec<LogRow>, sqlx::Error> {
        let rows = timed(
            sqlx::query(
                "SELECT seq, event_id, subject, data, hash, posted_at, traceparent
                 FROM (SELECT *, row_number() OVER w AS number, sum(octet_length(data)) OVER w AS bytes
                       FROM (SELECT * FROM events WHERE seq > $1 ORDER BY seq LIMIT $2) page
                       WINDOW w AS (ORDER BY seq)) measured
                 WHERE bytes <= $3 OR number = 1
                 ORDER BY seq",
            )
            .bind(to_i64(cursor))
            .bind(PAGE_EVENTS)
            .bind(PAGE_BYTES)
            .fetch_all(&mut self.connection),
        )
        .await?;
        rows.iter()
            .map(|row| {
                Ok(LogRow {
                    seq: position(row.try_get("seq")?)?,
                    id: EventId::from_uuid(row.try_get::<Uuid, _>("event_id")?),
                    subject: row.try_get("subject")?,
                    data: row.try_get("data")?,
                    hash: to_hash(row.try_get("hash")?)?,
                    posted_at: row.try_get("posted_at")?,
                    traceparent: row.try_get("traceparent")?,
                })
            })
            .collect()
    }

    /// The log's hashes at `seq` and before it.
    pub(super) async fn around(&mut self, seq: u64) -> Result<Around, sqlx::Error> {
        let rows: Vec<(i64, Vec<u8>)> = timed(
            sqlx::query_as("SELECT seq, hash FROM events WHERE seq IN ($1 - 1, $1)")
                .bind(to_i64(seq))
                .fetch_all(&mut self.connection),
        )
        .await?;
        let mut around = Around {
            before: (seq == 1).then_some(GENESIS),
            at: None,
        };
        for (found, hash) in rows {
            let hash = Some(to_hash(hash)?);
            if position(found)? == seq {
                around.at = hash;
            } else {
                around.before = hash;
            }
        }
        Ok(around)
    }

    /// When the ledger wrote `seq`.
    pub(super) async fn posted_at(
        &mut self,
        seq: u64,
    ) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
        timed(
            sqlx::query_scalar("SELECT posted_at FROM events WHERE seq = $1")
                .bind(to_i64(seq))
                .fetch_optional(&mut self.connection),
        )
        .await
    }

    /// Where a stream would begin that keeps what is younger than `oldest`, up to `bytes_max`.
    pub(super) async fn retained(
        &mut self,
        oldest: DateTime<Utc>,
        bytes_max: i64,
        head: u64,
    ) -> Result<Retained, sqlx::Error> {
        let first: Option<i64> = timed(
            sqlx::query_scalar("SELECT min(seq) FROM events").fetch_one(&mut self.connection),
        )
        .await?;
        let Some(first) = first.map(position).transpose()? else {
            return Ok(Retained {
                by_age: head,
                by_bytes: 0,
            });
        };
        // `posted_at` never runs backwards along `seq`, and only `seq` has an index.
        let (mut too_old, mut young) = (first.saturating_sub(1), head + 1);
        while young - too_old > 1 {
            let middle = too_old + (young - too_old) / 2;
            let posted_at = self.posted_at(middle).await?;
            // A hole in the log counts as old; the page that meets it raises the alarm.
            if posted_at.is_some_and(|posted_at| posted_at >= oldest) {
                young = middle;
            } else {
                too_old = middle;
            }
        }
        let bytes: Option<i64> = timed(
            sqlx::query_scalar("SELECT avg(octet_length(data))::bigint FROM events WHERE seq > $1")
                .bind(to_i64(head.saturating_sub(1_000)))
                .fetch_one(&mut self.connection),
        )
        .await?;
        let message = bytes.unwrap_or_default() + MESSAGE_OVERHEAD_BYTES;
        let fit = position(bytes_max / message)?;
        Ok(Retained {
            by_age: too_old,
            by_bytes: head.saturating_sub(fit),
        })
    }
}

/// A session whose server went away without a word must not hold the relay for ever.
async fn timed<T>(answer: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    match tokio::time::timeout(ANSWER_WAIT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())),
    }
}

fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
