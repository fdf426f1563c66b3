//! Connections to Postgres. The schema, the timeouts and the name that `pg_stat_activity`
//! shows are settings of the connection, not of the role, so that they are the same wherever
//! the service runs.

use std::time::{Duration, Instant};

use anyhow::Context;
use metrics::{gauge, histogram};
use sqlx::{
    ConnectOptions, PgConnection, PgPool, Row,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Process, Secret, State,
    metrics::{POOL_CONNECTIONS, POOL_CONNECTIONS_MAX, POOL_WAIT},
    retry,
};

/// How long a caller waits for a connection of a pool; beyond it an answer would come too late.
const ACQUIRE_WAIT: Duration = Duration::from_secs(5);
/// How often [`watch`] asks.
const PING_EVERY: Duration = Duration::from_secs(1);
/// When [`watch`] calls a silent server down. With the pause before it, `/readyz` turns within
/// 4 s, and 5 are promised.
const PING_WAIT: Duration = Duration::from_secs(3);

/// What a connection is for.
#[derive(Clone, Copy, Debug)]
pub struct PostgresOptions {
    /// The service's schema: the only one on the search path.
    pub schema: &'static str,
    /// Connections of a pool. Postgres's default allows 100 for everybody.
    pub max_connections: u32,
    /// No statement runs longer.
    pub statement_timeout_ms: u32,
    /// No statement waits longer for a lock.
    pub lock_timeout_ms: u32,
    /// The server ends a session that holds a transaction open for longer without a statement:
    /// a paused process must not hold locks against everybody else.
    pub idle_in_transaction_ms: u32,
    /// The server ends a session without a transaction that is silent for longer; 0 never.
    pub idle_session_ms: u32,
    /// Plans every statement anew: a plan that was made and kept while a table was short would
    /// read all of it once it is long.
    pub plans_anew: bool,
    /// The name in `pg_stat_activity`.
    pub application_name: &'static str,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: "public",
            max_connections: 8,
            statement_timeout_ms: 10_000,
            lock_timeout_ms: 5_000,
            idle_in_transaction_ms: 10_000,
            idle_session_ms: 0,
            plans_anew: false,
            application_name: "florin",
        }
    }
}

impl PostgresOptions {
    /// sqlx's settings for a connection to `url`.
    ///
    /// # Errors
    /// When the URL does not parse.
    pub fn connect_options(&self, url: &Secret) -> Result<PgConnectOptions, sqlx::Error> {
        let options: PgConnectOptions = url.expose().parse()?;
        let plans = if self.plans_anew {
            "force_custom_plan"
        } else {
            "auto"
        };
        let settings = [
            ("search_path", self.schema.to_owned()),
            ("statement_timeout", self.statement_timeout_ms.to_string()),
            ("lock_timeout", self.lock_timeout_ms.to_string()),
            (
                "idle_in_transaction_session_timeout",
                self.idle_in_transaction_ms.to_string(),
            ),
            ("idle_session_timeout", self.idle_session_ms.to_string()),
            ("plan_cache_mode", plans.to_owned()),
            // A client that vanished without a word is noticed within half a minute.
            ("tcp_keepalives_idle", "10".to_owned()),
            ("tcp_keepalives_interval", "5".to_owned()),
            ("tcp_keepalives_count", "4".to_owned()),
        ];
        Ok(options
            .application_name(self.application_name)
            .options(settings))
    }
}

/// One connection, outside any pool.
///
/// # Errors
/// When the URL does not parse or the server cannot be reached.
pub async fn connect(url: &Secret, options: &PostgresOptions) -> Result<PgConnection, sqlx::Error> {
    options.connect_options(url)?.connect().await
}

/// A pool. Waits up to half a minute for a server that is away, because at a start of
/// everything the servers may come up last.
///
/// # Errors
/// When the URL does not parse, the server stays away, or refuses.
pub async fn pool(url: &Secret, options: &PostgresOptions) -> anyhow::Result<PgPool> {
    let connect_options = options
        .connect_options(url)
        .with_context(|| format!("{url} is not a Postgres URL"))?;
    let pool = PgPoolOptions::new()
        .max_connections(options.max_connections)
        .acquire_timeout(ACQUIRE_WAIT)
        .after_release(|connection, _| Box::pin(is_clean(connection)))
        .connect_lazy_with(connect_options.clone());
    // A bare connection says why it fails; a pool would say that it timed out.
    retry::retry(&retry::Policy::AT_START, is_away, || {
        connect_options.connect()
    })
    .await
    .with_context(|| format!("could not connect to {url}"))?;
    Ok(pool)
}

/// Whether an error means that the server cannot be reached now, rather than that it refuses.
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => true,
        // Class 57P: shutting down, crashing, starting up. 53: no room for one more. 08: the
        // connection broke.
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            code.starts_with("57P") || code.starts_with("53") || code.starts_with("08")
        }),
        _ => false,
    }
}

/// A caller that is dropped while sqlx begins a transaction leaves the connection inside it
/// (sqlx 0.8.4 to 0.9.0, launchbadge/sqlx#4385): the next user's writes would be acknowledged
/// and lost. By the simple protocol, `now()` is this statement's time unless a transaction is
/// older; such a connection is thrown away.
async fn is_clean(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let row = sqlx::Executor::fetch_one(
        connection,
        sqlx::raw_sql("SELECT now() = statement_timestamp()"),
    )
    .await?;
    let clean: bool = row.try_get(0)?;
    if !clean {
        tracing::warn!("Threw away a connection that an abandoned transaction was open on");
    }
    Ok(clean)
}

/// Says every second in the process's health, as part `postgres`, whether the server answers,
/// and shows how the pool is used.
pub fn watch(process: &Process, pool: PgPool) {
    let options = pool.connect_options();
    let name = options
        .get_application_name()
        .unwrap_or_default()
        .to_owned();
    show(process, &pool, &name);
    let health = process.health().clone();
    let soft = process.soft();
    process.spawn("postgres watch", async move {
        loop {
            let ping = tokio::time::timeout(PING_WAIT, ping(&pool, &name));
            let state = match ping.await {
                Ok(Ok(())) => State::Ok,
                Ok(Err(error)) => State::Down(error.to_string()),
                Err(_) => State::Down("does not answer".to_owned()),
            };
            health.set("postgres", state);
            tokio::select! {
                () = tokio::time::sleep(PING_EVERY) => {}
                () = soft.cancelled() => return Ok(()),
            }
        }
    });
}

async fn ping(pool: &PgPool, name: &str) -> Result<(), sqlx::Error> {
    let asked = Instant::now();
    let mut connection = pool.acquire().await?;
    histogram!(POOL_WAIT.name, "pool" => name.to_owned()).record(asked.elapsed());
    sqlx::query("SELECT 1").execute(&mut *connection).await?;
    Ok(())
}

fn show(process: &Process, pool: &PgPool, name: &str) {
    POOL_WAIT.show(&[("pool", name)]);
    let most = pool.options().get_max_connections();
    gauge!(POOL_CONNECTIONS_MAX.name, "pool" => name.to_owned()).set(most);
    for state in ["used", "idle"] {
        POOL_CONNECTIONS.show(&[("pool", name), ("state", state)]);
    }
    let (pool, name) = (pool.clone(), name.to_owned());
    process.gauge(move || {
        // The two are read one after the other, so one may have come back in between.
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        let used = pool.size().saturating_sub(idle);
        for (state, number) in [("used", used), ("idle", idle)] {
            gauge!(POOL_CONNECTIONS.name, "pool" => name.clone(), "state" => state).set(number);
        }
    });
}
