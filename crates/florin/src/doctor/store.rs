//! What the doctor reads from the database, as its owner. Nothing is written.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Row as _};

/// The server and its settings.
pub struct Server {
    pub version: String,
    pub version_number: i32,
    /// Settings that are off, for us or for some role, and must not be.
    pub unsafe_settings: Vec<String>,
    pub connections: i64,
    pub max_connections: i64,
}

pub async fn server(connection: &mut PgConnection) -> Result<Server, sqlx::Error> {
    let row = sqlx::query(
        "SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
                current_setting('server_version_num')::int AS number,
                current_setting('max_connections')::bigint AS most,
                (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
                ARRAY(SELECT name FROM pg_settings WHERE setting = 'off'
                      AND name IN ('fsync', 'synchronous_commit', 'full_page_writes')
                      UNION
                      SELECT 'synchronous_commit' FROM pg_db_role_setting
                      WHERE 'synchronous_commit=off' = ANY (setconfig)) AS off",
    )
    .fetch_one(connection)
    .await?;
    Ok(Server {
        version: row.try_get("version")?,
        version_number: row.try_get("number")?,
        unsafe_settings: row.try_get("off")?,
        connections: row.try_get("used")?,
        max_connections: row.try_get("most")?,
    })
}

pub async fn now(connection: &mut PgConnection) -> Result<DateTime<Utc>, sqlx::Error> {
    sqlx::query_scalar("SELECT clock_timestamp()")
        .fetch_one(connection)
        .await
}

/// Transactions that are open for longer: session, name, minutes.
pub async fn old_transactions(
    connection: &mut PgConnection,
    minutes: i32,
) -> Result<Vec<(i32, String, i64)>, sqlx::Error> {
    sqlx::query_as(
        "SELECT pid, coalesce(application_name, ''),
                (extract(epoch FROM clock_timestamp() - xact_start) / 60)::bigint
         FROM pg_stat_activity
         WHERE datname = current_database() AND backend_type = 'client backend'
           AND xact_start < clock_timestamp() - make_interval(mins => $1)
         ORDER BY xact_start",
    )
    .bind(minutes)
    .fetch_all(connection)
    .await
}

/// Whether a schema has a table.
pub async fn has_table(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass(format('%I.%I', $1::text, $2::text)) IS NOT NULL")
        .bind(schema)
        .bind(table)
        .fetch_one(connection)
        .await
}

/// Makes the names of what follows mean the tables of a schema.
async fn enter(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('search_path', quote_ident($1), false)")
        .bind(schema)
        .execute(connection)
        .await?;
    Ok(())
}

/// The versions that were applied to a schema.
pub async fn migrations(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<i64>, sqlx::Error> {
    if !has_table(connection, schema, "_sqlx_migrations").await? {
        return Ok(Vec::new());
    }
    enter(connection, schema).await?;
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
        .persistent(false)
        .fetch_all(connection)
        .await
}

/// A log and its relay.
pub struct Relay {
    pub stream: String,
    pub epoch: i64,
    pub behind: i64,
    /// Of the oldest event that is not published.
    pub seconds: i64,
}

/// The relays of a schema's log; none before the first was started.
pub async fn relays(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Vec<Relay>, sqlx::Error> {
    enter(connection, schema).await?;
    let rows = sqlx::query(
        "SELECT stream, epoch, head.seq - cursor AS behind,
                coalesce((SELECT extract(epoch FROM clock_timestamp() - posted_at)
                          FROM events WHERE seq = cursor + 1), 0)::bigint AS seconds
         FROM relay CROSS JOIN head ORDER BY stream",
    )
    .persistent(false)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(Relay {
                stream: row.try_get("stream")?,
                epoch: row.try_get("epoch")?,
                behind: row.try_get("behind")?,
                seconds: row.try_get("seconds")?,
            })
        })
        .collect()
}

/// The last position of the ledger's log.
pub async fn head(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT seq FROM ledger.head")
        .fetch_one(connection)
        .await
}

/// How far a worker is.
pub struct Progress {
    /// Events that are not settled.
    pub behind: i64,
    /// The age of the oldest of them.
    pub seconds: i64,
    /// Ranges of what is settled: one when nothing is missing in between.
    pub ranges: i64,
    pub retrying: i64,
    /// Why the one that has waited longest is retried.
    pub retrying_why: Option<String>,
    pub parked: i64,
    /// Reasons of the dead letters, with their number, most frequent first.
    pub parked_why: Option<String>,
}

/// The worker's progress; nothing before it has run.
pub async fn progress(
    connection: &mut PgConnection,
    schema: &str,
) -> Result<Option<Progress>, sqlx::Error> {
    enter(connection, schema).await?;
    let row = sqlx::query(
        "WITH ranges AS (
             SELECT lower(part) AS first, upper(part) AS after
             FROM inbox, unnest(done) AS part WHERE source = 'ledger'
         ), settled AS (
             SELECT coalesce(sum(after - first), 0)::bigint AS events, count(*) AS ranges,
                    coalesce(min(after) FILTER (WHERE first = 1), 1) AS missing
             FROM ranges
         )
         SELECT greatest(head.seq - settled.events, 0) AS behind, settled.ranges,
                coalesce((SELECT extract(epoch FROM clock_timestamp() - posted_at)
                          FROM ledger.events WHERE seq = settled.missing), 0)::bigint AS seconds,
                (SELECT count(*) FROM retrying) AS retrying,
                (SELECT error FROM retrying ORDER BY first_at LIMIT 1) AS retrying_why,
                (SELECT count(*) FROM dead_letters WHERE state = 'parked') AS parked,
                (SELECT string_agg(format('%s %s', number, reason), ', ' ORDER BY number DESC)
                 FROM (SELECT reason, count(*) AS number FROM dead_letters
                       WHERE state = 'parked' GROUP BY reason) AS by_reason) AS parked_why
         FROM settled CROSS JOIN ledger.head AS head
         WHERE EXISTS (SELECT FROM inbox)",
    )
    .persistent(false)
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        Ok(Progress {
            behind: row.try_get("behind")?,
            seconds: row.try_get("seconds")?,
            ranges: row.try_get("ranges")?,
            retrying: row.try_get("retrying")?,
            retrying_why: row.try_get("retrying_why")?,
            parked: row.try_get("parked")?,
            parked_why: row.try_get("parked_why")?,
        })
    })
    .transpose()
}
