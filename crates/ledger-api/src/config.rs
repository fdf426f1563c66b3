//! The ledger's settings.

use std::{net::SocketAddr, path::PathBuf};

use service_runtime::{HasService, ServiceConfig};

use crate::audit::Network;

/// The HTTP ledger: wallets, and money that moves between them.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "ledger-api", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,

    /// Where the API listens; port 0 takes a free one.
    #[arg(
        long,
        env = "FLORIN_HTTP",
        default_value = "127.0.0.1:8080",
        value_name = "ADDRESS"
    )]
    pub http: SocketAddr,

    /// The Ed25519 public key (PEM) that tokens are verified with.
    #[arg(long, env = "FLORIN_JWT_PUBLIC_KEY", value_name = "FILE")]
    pub jwt_public_key: PathBuf,

    /// Batches in flight: one writes while the other commits. More only queue at the log's head.
    #[arg(long, env = "FLORIN_LANES", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub lanes: u8,

    /// Commands that may wait for a lane; beyond it callers are told to come back. More would only
    /// wait longer than a caller does.
    #[arg(long, env = "FLORIN_QUEUE", default_value_t = crate::posting::QUEUE_DEFAULT, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub queue: u16,

    /// Requests a second that one customer or merchant may make of this process; 0 is no limit.
    /// The queue protects the ledger in any case; this protects callers from each other.
    #[arg(
        long,
        env = "FLORIN_REQUESTS_PER_SECOND",
        default_value_t = 0,
        value_name = "NUMBER"
    )]
    pub requests_per_second: u32,

    /// Proxies whose `X-Forwarded-For` says who the client is, for the audit trail: addresses or
    /// networks such as 10.0.0.0/8, separated by commas. The header of anybody else is ignored
    #[arg(
        long,
        env = "FLORIN_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORKS"
    )]
    pub trusted_proxies: Vec<Network>,

    /// Starts on a Postgres that may lose acknowledged writes in a crash: for tests only.
    #[arg(long, env = "FLORIN_ALLOW_FSYNC_OFF", hide = true)]
    pub allow_fsync_off: bool,
}

impl HasService for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }
}
