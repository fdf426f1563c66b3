//! Settlement: collects payments, puts them into batches by merchant and currency at positions
//! of the ledger's log, and ties the books out.
//!
//! | room | what it does |
//! |---|---|
//! | `handlers` | the one reaction: add up what moved, keep payments |
//! | `batch` | pure: ids of cuts and batches, the schedule, why a cut waits |
//! | `sweeps` | makes scheduled cuts, closes cuts that can be |
//! | `reconcile` | ties the worker's sums out against the ledger's tables |
//! | `store` | all SQL |
//! | `answers` | answers `rpc.settlement.*` |

mod answers;
pub mod batch;
mod config;
pub mod handlers;
pub mod metrics;
mod migrations;
pub mod reconcile;
pub mod store;
pub mod sweeps;

use std::time::Duration;

use anyhow::Context;
use async_nats::Client;
use contracts::{subjects, topology};
use service_runtime::{
    Process, ServiceConfig, dead_letters, nats,
    postgres::{self, PostgresOptions},
    relay::{Relay, RelaySettings},
    rpc,
    worker::{Worker, WorkerSettings},
};
use sqlx::PgPool;

pub use config::Config;
pub use migrations::{MIGRATIONS, PART, migrate};

use crate::{
    handlers::CollectPayments,
    reconcile::TieOuts,
    sweeps::{Closer, Ledger, Scheduler},
};

/// Connections: the loop takes one, the rest answer questions.
const CONNECTIONS: u32 = 8;
/// Connections for closing: one works, one may hang until its server notices.
const PATIENT_CONNECTIONS: u32 = 2;
/// Closing a cut writes a row per payment, a hundred thousand a second.
const CLOSE_TIMEOUT_MS: u32 = 600_000;
/// `ce-source` of the worker's events.
const SOURCE: &str = "/florin/settlement";

/// Starts the worker and returns; its tasks run on `process`.
///
/// # Errors
/// When a setting is wrong or Postgres stays away.
pub async fn run(config: Config, process: Process) -> anyhow::Result<()> {
    metrics::show();
    let options = PostgresOptions {
        schema: PART.schema,
        max_connections: CONNECTIONS,
        plans_anew: true,
        application_name: "florin settlement",
        ..PostgresOptions::default()
    };
    let patient = PostgresOptions {
        max_connections: PATIENT_CONNECTIONS,
        statement_timeout_ms: CLOSE_TIMEOUT_MS,
        application_name: "florin settlement cuts",
        ..options
    };
    let service = config.service;
    let pool = postgres::pool(&service.database_url, &options).await?;
    let patient = postgres::pool(&service.database_url, &patient).await?;
    postgres::watch(&process, pool.clone());
    let client = nats::connect(&service.nats_url, process.name(), &process)
        .await
        .context("could not use the NATS URL")?;

    let ledger = Ledger::new(client.clone(), service.topology());
    let clock = process.clock().clone();
    let closer = Closer::new(pool.clone(), patient, clock.clone());
    answer(&process, &client, &service, &closer, &ledger);
    publish(&service, &process, client.clone())?;
    let scheduler = Scheduler::new(pool.clone(), ledger.clone(), config.schedule, clock.clone());
    process.spawn("schedule", scheduler.run(process.clone()));
    process.spawn("close", closer.run(process.clone()));
    let every = Duration::from_secs(config.tie_out_seconds.into());
    let tie_outs = TieOuts::new(service.database_url.clone(), ledger, clock, every);
    process.spawn("tie-out", tie_outs.run(process.clone()));

    let topology = service.topology();
    dead_letters::serve(&process, &client, &topology, &pool, CollectPayments);
    let settings = WorkerSettings::new(service.database_url.clone(), PART.schema, topology);
    let worker = Worker::new(CollectPayments, settings, pool, client);
    process.spawn("worker", worker.run(process.clone()));
    Ok(())
}

fn answer(
    process: &Process,
    client: &Client,
    service: &ServiceConfig,
    closer: &Closer,
    ledger: &Ledger,
) {
    let (queue, topology) = (process.name(), service.topology());
    let pool = || -> PgPool { closer.pool().clone() };
    let (batches, batch, breaks) = (pool(), pool(), pool());
    let subject = topology.subject(subjects::rpc::SETTLEMENT_BATCHES);
    rpc::serve(process, client.clone(), subject, queue, move |request| {
        answers::batches(batches.clone(), request)
    });
    let subject = topology.subject(subjects::rpc::SETTLEMENT_BATCH);
    rpc::serve(process, client.clone(), subject, queue, move |request| {
        answers::batch(batch.clone(), request)
    });
    let subject = topology.subject(subjects::rpc::SETTLEMENT_BREAKS);
    rpc::serve(process, client.clone(), subject, queue, move |request| {
        answers::breaks(breaks.clone(), request)
    });
    let (closer, ledger) = (closer.clone(), ledger.clone());
    let subject = topology.subject(subjects::rpc::SETTLEMENT_CUT);
    rpc::serve(process, client.clone(), subject, queue, move |request| {
        answers::cut(closer.clone(), ledger.clone(), request)
    });
}

/// Publishes the worker's own log.
fn publish(service: &ServiceConfig, process: &Process, client: Client) -> anyhow::Result<()> {
    let topology = service.topology();
    let settings = RelaySettings {
        url: service.database_url.clone(),
        schema: PART.schema,
        source: SOURCE,
        stream: topology
            .worker_stream(topology::Worker::Settlement)
            .context("the settlement worker has no stream")?,
        topology,
        // The timer is soon enough, and a notification would make commits wait for each other.
        notify_channel: None,
    };
    process.spawn("relay", Relay::new(settings, client).run(process.clone()));
    Ok(())
}
