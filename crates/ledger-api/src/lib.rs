//! The ledger: a small HTTP service that applies idempotent, pessimistically locked, double-entry
//! balance changes in `PostgreSQL`, and publishes every change.
//!
//! | room | what it does |
//! |---|---|
//! | `http` | parses requests into commands and sends answers; reads; writes nothing |
//! | `auth` | who asks, and what they may do: two tables |
//! | `posting` | the only place where money moves: group commit under row locks |
//! | `domain` | the rules: commands, state, `decide` |
//! | `store` | all SQL |
//!
//! Writes need Postgres and nothing else: NATS may be away, at the start too.

pub mod audit;
pub mod auth;
mod balance_check;
mod config;
pub mod domain;
mod expiry;
pub mod http;
pub mod metrics;
mod migrations;
pub mod posting;
pub mod store;
mod tie_out;
mod workers;

use std::sync::Arc;

use anyhow::Context;
use contracts::{
    rpc::{EventsRequest, RpcError},
    subjects,
};
use service_runtime::{
    Process, nats,
    postgres::{self, PostgresOptions},
    relay::{Relay, RelaySettings},
    rpc,
};
use sqlx::PgPool;
use tokio::net::TcpListener;

pub use config::{Config, ExchangeConfig};
pub use migrations::{MIGRATIONS, PART, migrate};

use crate::{
    audit::Recorder,
    auth::TokenVerifier,
    http::{Api, Renderer},
    posting::{Engine, EngineSettings},
    workers::Workers,
};

/// `ce-source` of the ledger's events.
const SOURCE: &str = "/florin/ledger";
/// Connections for reads: a read takes under a millisecond, so sixteen answer more of them than
/// the server has cores for, and leave most of Postgres's 100 to others.
const READ_CONNECTIONS: u32 = 16;
/// A read is by key or a page of 200; one that takes longer has a fault.
const READ_TIMEOUT_MS: u32 = 5_000;

/// Starts the ledger and returns; its tasks run on `process`.
///
/// # Errors
/// When a setting is wrong, Postgres stays away or is unsafe, or the address is taken.
pub async fn run(config: Config, process: Process) -> anyhow::Result<()> {
    let listener = TcpListener::bind(config.http)
        .await
        .with_context(|| format!("could not listen on {}", config.http))?;
    run_on(listener, config, process).await
}

/// The same on a listener that is there already.
///
/// # Errors
/// When a setting is wrong, or Postgres stays away or is unsafe.
pub async fn run_on(listener: TcpListener, config: Config, process: Process) -> anyhow::Result<()> {
    metrics::show();
    let verifier = token_verifier(&config)?;
    let options = PostgresOptions {
        schema: PART.schema,
        max_connections: READ_CONNECTIONS,
        statement_timeout_ms: READ_TIMEOUT_MS,
        plans_anew: true,
        application_name: "florin ledger reads",
        ..PostgresOptions::default()
    };
    let pool = postgres::pool(&config.service.database_url, &options).await?;
    service_runtime::log::head(&pool)
        .await
        .context("the ledger's tables are not there: run `florin migrate` first")?;
    postgres::watch(&process, pool.clone());
    let settings = EngineSettings {
        url: config.service.database_url.clone(),
        lanes: config.lanes.into(),
        queue: config.queue.into(),
        allow_fsync_off: config.allow_fsync_off,
    };
    let engine = Engine::start(settings, Arc::new(Renderer), &process).await?;
    expiry::start(engine.clone(), pool.clone(), &process);
    balance_check::start(config.service.database_url.clone(), &process);
    let workers = publish(&config, &pool, &process).await?;
    let audit = audit(&config, &process).await?;

    let api = Api::new(
        engine,
        pool,
        workers,
        verifier,
        process.clock().clone(),
        config.requests_per_second,
        config.exchange.terms(),
    );
    let address = listener
        .local_addr()
        .context("the listener has no address")?;
    tracing::info!(http = address.to_string(), "Listening on http://{address}");
    process.spawn(
        "http",
        http::serve(listener, http::router(api, audit), process.clone()),
    );
    Ok(())
}

/// Writes the audit rows of requests that the engine does not decide, on a connection of its own:
/// they neither wait for reads nor hold them up.
async fn audit(config: &Config, process: &Process) -> anyhow::Result<http::Audit> {
    let options = PostgresOptions {
        schema: PART.schema,
        max_connections: 1,
        statement_timeout_ms: READ_TIMEOUT_MS,
        application_name: "florin ledger audit",
        ..PostgresOptions::default()
    };
    let pool = postgres::pool(&config.service.database_url, &options).await?;
    let (recorder, writer) = Recorder::new(audit::QUEUE_MAX, process.clock().clone());
    process.spawn("audit", writer.run(pool, process.clone()));
    Ok(http::Audit::new(recorder, config.trusted_proxies.clone()))
}

/// Publishes the log, and answers who missed a part of it. Connects in the background.
async fn publish(config: &Config, pool: &PgPool, process: &Process) -> anyhow::Result<Workers> {
    let topology = config.service.topology();
    let client = nats::connect(&config.service.nats_url, process.name(), process)
        .await
        .context("could not use the NATS URL")?;
    let log = pool.clone();
    let subject = topology.subject(subjects::rpc::LEDGER_EVENTS);
    rpc::serve(
        process,
        client.clone(),
        subject,
        process.name(),
        move |wanted: EventsRequest| {
            let log = log.clone();
            async move {
                service_runtime::log::page(&log, wanted.from, wanted.to)
                    .await
                    .map_err(|error| RpcError {
                        code: "unavailable".to_owned(),
                        detail: error.to_string(),
                    })
            }
        },
    );
    tie_out::serve(
        process,
        &config.service.database_url,
        client.clone(),
        &topology,
    )
    .await?;
    let settings = RelaySettings {
        url: config.service.database_url.clone(),
        schema: PART.schema,
        source: SOURCE,
        stream: topology.ledger_stream(),
        topology: topology.clone(),
        notify_channel: Some(store::journal::NOTIFY_CHANNEL),
    };
    let relay = Relay::new(settings, client.clone());
    process.spawn("relay", relay.run(process.clone()));
    Ok(Workers::new(client, topology))
}

fn token_verifier(config: &Config) -> anyhow::Result<TokenVerifier> {
    let path = &config.jwt_public_key;
    let pem = std::fs::read(path)
        .with_context(|| format!("could not read the public key {}", path.display()))?;
    TokenVerifier::from_pem(&pem)
        .with_context(|| format!("{} is no Ed25519 public key in PEM", path.display()))
}
