//! The loop of every worker: a durable pull consumer on all of the log's events, an inbox, and
//! exactly one effect for each event, whatever dies.
//!
//! # Whom a worker believes
//!
//! Anybody who may publish on the stream's subjects can put a message there, so a message is
//! believed only when it is in the log:
//!
//! * Its headers and its data must agree, and its hash must link to one that is known
//!   (`trust`). The last link of each run of such messages is compared with the log, one
//!   request for a run; that proves the whole run, and that it does not reach beyond the head.
//! * What the chain does not prove (a gap, a rival for the same place) is compared with the log
//!   byte by byte.
//! * While the log does not answer, messages that follow the chain are applied, because a dead
//!   ledger must not stop a worker. Until it answers, the chain proves only that their author
//!   knew the last hash: somebody who can read and write the stream could append an event of
//!   his own. When the log later has another event there, that is an alarm
//!   (`florin_worker_log_contradictions_total`). Messages that the chain does not prove wait;
//!   nothing is given up.
//!
//! # What happens to a batch
//!
//! 1. `running` says that the events are in hand (`instance`).
//! 2. One transaction locks the inbox, marks what is new, applies the effects, clears `running`
//!    (`apply`).
//! 3. Acknowledgements, after the commit. They prove nothing; the inbox does.
//!
//! When it fails, its events run one by one (`settle`), and only the guilty one waits, moves to
//! the retry table, or becomes a dead letter (`policy`). When the database is away nothing is
//! anybody's fault: pulling stops, nothing is counted.
//!
//! # What is missing
//!
//! The log is gapless, so a hole is a fault: a purged or expired message, a lost tail, a
//! backlog beyond the stream's retention, an empty inbox. All are mended in one way: the events
//! are read from the log and go through the same door (`missing`).

mod apply;
mod engine;
mod handler;
mod instance;
mod lag;
mod ledger;
mod message;
pub mod metrics;
mod missing;
mod policy;
mod pull;
mod recover;
mod settle;
mod store;
mod trust;
mod verify;

use std::{sync::Arc, time::Duration};

use async_nats::Client;
use contracts::{subjects, topology::Topology};
use sqlx::{PgPool, migrate::Migrator};
use tokio::sync::Notify;

pub(crate) use apply::{panic_text, stake};
pub use handler::{Delivery, Event, Failure, Handler};
pub(crate) use handler::{error_text, unreadable};
pub(crate) use message::{posted_at, storable};

use crate::{Process, Secret, dead_letters::Publisher};

/// The tables of a worker: inbox, running, attempts, retrying, dead letters. Unqualified names:
/// run with the worker's schema as `search_path`. Versions 1 to 500; those of a log of its own
/// follow, and a service's own start at 1001. All are run in one table of versions, so each
/// ignores the others'.
pub const WORKER_MIGRATIONS: Migrator = Migrator {
    ignore_missing: true,
    ..sqlx::migrate!("migrations/worker")
};

/// The only source of events so far, as inbox rows name it.
pub const SOURCE: &str = "ledger";

/// How long a worker waits for things.
#[derive(Debug, Clone, Copy)]
pub struct Timings {
    /// Between comparisons of the inbox with the log. A quiet hour costs four requests a
    /// minute; a lost tail is found within half a minute.
    pub missing_every: Duration,
    /// How long an event may be under way before it is missing: longer than a batch takes,
    /// shorter than nats-server waits for a dead worker's acknowledgements (30 s).
    pub grace: Duration,
    /// Between looks at the retry table: half the shortest wait there is still longer.
    pub sweep_every: Duration,
    /// How long an event is retried before it is parked: an hour covers a failover and a
    /// release, and is soon enough for an operator to hear of it the same day.
    pub retry_budget: Duration,
    /// For an answer of the log: it reads one page by primary key.
    pub rpc_timeout: Duration,
    /// Between looks for dead letters that were not announced.
    pub announce_every: Duration,
    /// Between looks at how far behind the worker is: metrics are read every 15 s or so, and a
    /// look is one row and one request.
    pub lag_every: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            missing_every: Duration::from_secs(15),
            grace: Duration::from_secs(5),
            sweep_every: Duration::from_secs(1),
            retry_budget: Duration::from_hours(1),
            rpc_timeout: Duration::from_secs(2),
            announce_every: Duration::from_secs(5),
            lag_every: Duration::from_secs(2),
        }
    }
}

/// What a worker needs besides its handler.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// The database, for the connection that holds the instance's lock.
    pub url: Secret,
    /// The worker's schema.
    pub schema: &'static str,
    /// Names of streams and subjects.
    pub topology: Topology,
    /// Waits.
    pub timings: Timings,
}

impl WorkerSettings {
    /// Settings with the usual waits.
    pub fn new(url: Secret, schema: &'static str, topology: Topology) -> Self {
        Self {
            url,
            schema,
            topology,
            timings: Timings::default(),
        }
    }
}

/// A handler at work.
pub struct Worker<H> {
    handler: H,
    settings: WorkerSettings,
    pool: PgPool,
    client: Client,
}

impl<H: Handler> Worker<H> {
    /// Puts the parts together. The pool's `search_path` is the worker's schema.
    pub fn new(handler: H, settings: WorkerSettings, pool: PgPool, client: Client) -> Self {
        Self {
            handler,
            settings,
            pool,
            client,
        }
    }

    /// Works until the process stops: soft finishes the batch in hand, hard drops it.
    ///
    /// # Errors
    /// Never so far: what fails is tried again.
    pub async fn run(self, process: Process) -> anyhow::Result<()> {
        metrics::show(H::WORKER.as_str());
        let parked = Arc::new(Notify::new());
        let publisher = Publisher {
            pool: self.pool.clone(),
            client: self.client.clone(),
            topology: self.settings.topology.clone(),
            worker: H::WORKER,
            every: self.settings.timings.announce_every,
        };
        let owner = store::Owner {
            consumer: H::WORKER.as_str(),
            source: SOURCE,
        };
        let (topology, timings) = (&self.settings.topology, self.settings.timings);
        let lag = lag::Lag {
            pool: self.pool.clone(),
            client: self.client.clone(),
            subject: topology.subject(subjects::rpc::LEDGER_EVENTS),
            rpc_timeout: timings.rpc_timeout,
            owner,
            every: timings.lag_every,
        };
        let context = apply::Context {
            handler: self.handler,
            settings: self.settings,
            pool: self.pool,
            clock: process.clock().clone(),
            owner,
            parked: Arc::clone(&parked),
        };
        let engine = engine::Engine::new(context, self.client, process.health().clone());
        let (soft, hard) = (process.soft(), process.hard());
        let work = async {
            tokio::join!(
                engine.run(soft.clone()),
                publisher.run(&parked, soft.clone()),
                lag.run(&process, soft.clone())
            );
        };
        tokio::select! {
            () = hard.cancelled() => {}
            () = work => {}
        }
        Ok(())
    }
}
