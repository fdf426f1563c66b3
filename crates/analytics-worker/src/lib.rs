//! Per-wallet statistics from the ledger's events: how often and how much was deposited,
//! withdrawn, paid, received and transferred, exact as of a position in the log.
//!
//! | room | what it does |
//! |---|---|
//! | `handlers` | the one reaction: count what moved |
//! | `projections` | pure: events to changes of tallies |
//! | `store` | all SQL |
//! | `stats` | answers `rpc.analytics.stats` |

mod config;
pub mod handlers;
mod migrations;
pub mod projections;
mod stats;
pub mod store;

use anyhow::Context;
use contracts::subjects;
use service_runtime::{
    Process, dead_letters, nats,
    postgres::{self, PostgresOptions},
    rpc,
    worker::{Worker, WorkerSettings},
};

pub use config::Config;
pub use migrations::{MIGRATIONS, PART, migrate};

use crate::handlers::CountMovements;

/// Connections: the loop takes one, the rest answer questions.
const CONNECTIONS: u32 = 8;

/// Starts the worker and returns; its tasks run on `process`.
///
/// # Errors
/// When a setting is wrong or Postgres stays away.
pub async fn run(config: Config, process: Process) -> anyhow::Result<()> {
    let options = PostgresOptions {
        schema: PART.schema,
        max_connections: CONNECTIONS,
        application_name: "florin analytics",
        ..PostgresOptions::default()
    };
    let service = config.service;
    let pool = postgres::pool(&service.database_url, &options).await?;
    postgres::watch(&process, pool.clone());
    let topology = service.topology();
    let client = nats::connect(&service.nats_url, process.name(), &process)
        .await
        .context("could not use the NATS URL")?;

    let subject = topology.subject(subjects::rpc::ANALYTICS_STATS);
    let reads = pool.clone();
    rpc::serve(
        &process,
        client.clone(),
        subject,
        process.name(),
        move |request| stats::answer(reads.clone(), request),
    );

    dead_letters::serve(&process, &client, &topology, &pool, CountMovements);
    let settings = WorkerSettings::new(service.database_url, PART.schema, topology);
    let worker = Worker::new(CountMovements, settings, pool, client);
    process.spawn("worker", worker.run(process.clone()));
    Ok(())
}
