//! Fraud rules over the ledger's events: alerts with their evidence, stored, answered about,
//! and published from a log of the worker's own.
//!
//! | room | what it does |
//! |---|---|
//! | `handlers` | the one reaction: hold movements against the rules |
//! | `rules` | pure: one file per rule, whose comment is its specification |
//! | `store` | all SQL |
//! | `alerts` | answers `rpc.fraud.alerts` and `rpc.fraud.alert` |

mod alerts;
mod config;
pub mod handlers;
pub mod metrics;
mod migrations;
pub mod rules;
pub mod store;

use std::path::Path;

use anyhow::Context;
use async_nats::Client;
use contracts::{
    subjects,
    topology::{self, Topology},
};
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

use crate::{handlers::RaiseAlerts, rules::Thresholds};

/// Connections: the loop takes one, the rest answer questions.
const CONNECTIONS: u32 = 8;
/// `ce-source` of the worker's events.
const SOURCE: &str = "/florin/fraud";

/// Starts the worker and returns; its tasks run on `process`.
///
/// # Errors
/// When a setting is wrong or Postgres stays away.
pub async fn run(config: Config, process: Process) -> anyhow::Result<()> {
    metrics::show();
    let thresholds = thresholds(config.rules.as_deref())?;
    let options = PostgresOptions {
        schema: PART.schema,
        max_connections: CONNECTIONS,
        plans_anew: true,
        application_name: "florin fraud",
        ..PostgresOptions::default()
    };
    let service = config.service;
    let pool = postgres::pool(&service.database_url, &options).await?;
    postgres::watch(&process, pool.clone());
    let topology = service.topology();
    let client = nats::connect(&service.nats_url, process.name(), &process)
        .await
        .context("could not use the NATS URL")?;

    answer(&process, &client, &pool, &topology);
    publish(&service, &process, client.clone())?;

    let handler = RaiseAlerts::new(thresholds, process.clock().clone());
    dead_letters::serve(&process, &client, &topology, &pool, handler.clone());
    let settings = WorkerSettings::new(service.database_url, PART.schema, topology);
    let worker = Worker::new(handler, settings, pool, client);
    process.spawn("worker", worker.run(process.clone()));
    Ok(())
}

fn thresholds(file: Option<&Path>) -> anyhow::Result<Thresholds> {
    let Some(file) = file else {
        return Ok(Thresholds::default());
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("could not read the rules {}", file.display()))?;
    Thresholds::parse(&text).with_context(|| format!("{} is no file of rules", file.display()))
}

fn answer(process: &Process, client: &Client, pool: &PgPool, topology: &Topology) {
    let (list, one) = (pool.clone(), pool.clone());
    rpc::serve(
        process,
        client.clone(),
        topology.subject(subjects::rpc::FRAUD_ALERTS),
        process.name(),
        move |request| alerts::list(list.clone(), request),
    );
    rpc::serve(
        process,
        client.clone(),
        topology.subject(subjects::rpc::FRAUD_ALERT),
        process.name(),
        move |request| alerts::find(one.clone(), request),
    );
}

/// Publishes the worker's own log.
fn publish(service: &ServiceConfig, process: &Process, client: Client) -> anyhow::Result<()> {
    let topology = service.topology();
    let settings = RelaySettings {
        url: service.database_url.clone(),
        schema: PART.schema,
        source: SOURCE,
        stream: topology
            .worker_stream(topology::Worker::Fraud)
            .context("the fraud worker has no stream")?,
        topology,
        // The timer is soon enough, and a notification would make commits wait for each other.
        notify_channel: None,
    };
    process.spawn("relay", Relay::new(settings, client).run(process.clone()));
    Ok(())
}
