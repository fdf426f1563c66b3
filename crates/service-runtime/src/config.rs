//! The settings that every service has. One struct is flags, `FLORIN_*` variables and their
//! documentation; a service flattens it into its own.

use std::{fmt, net::SocketAddr};

use contracts::topology::Topology;

use crate::Secret;

/// Settings of every service.
#[derive(Clone, Debug, clap::Args)]
pub struct ServiceConfig {
    /// The service's Postgres: postgres://user:password@host:port/database
    #[arg(
        long,
        env = "FLORIN_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Secret,

    /// The NATS servers, separated by commas.
    #[arg(
        long,
        env = "FLORIN_NATS_URL",
        hide_env_values = true,
        default_value = "nats://127.0.0.1:4222",
        value_name = "URL"
    )]
    pub nats_url: String,

    /// Goes before every stream name and subject, so that several fleets can share a NATS
    /// server; letters and digits.
    #[arg(long, env = "FLORIN_PREFIX", default_value = "", value_parser = parse_prefix)]
    pub prefix: String,

    /// Where /metrics, /healthz and /readyz listen; port 0 takes a free one.
    #[arg(
        long,
        env = "FLORIN_ADMIN",
        default_value = "127.0.0.1:0",
        value_name = "ADDRESS"
    )]
    pub admin: SocketAddr,

    /// What is logged, such as `info,service_runtime=debug`. `RUST_LOG` is read when this is
    /// left at its default.
    #[arg(
        long,
        env = "FLORIN_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,

    /// How long a stopping service may finish what it has in hand.
    #[arg(
        long,
        env = "FLORIN_DRAIN_SECONDS",
        default_value_t = 10,
        value_name = "SECONDS"
    )]
    pub drain_seconds: u64,

    /// Prints the settings without passwords and exits.
    #[arg(long)]
    pub print_config: bool,
}

impl ServiceConfig {
    /// All stream names and subjects under the configured prefix.
    pub fn topology(&self) -> Topology {
        Topology::with_prefix(&self.prefix)
    }
}

/// A service's settings, which contain those of every service.
pub trait HasService: fmt::Debug {
    /// The part that every service has.
    fn service(&self) -> &ServiceConfig;
}

fn parse_prefix(text: &str) -> Result<String, String> {
    if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        Ok(text.to_owned())
    } else {
        Err("a prefix is letters and digits".to_owned())
    }
}
