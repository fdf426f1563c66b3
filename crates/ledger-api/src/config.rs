//! The ledger's settings.

use std::{net::SocketAddr, path::PathBuf};

use chrono::TimeDelta;
use contracts::limits::{SPREAD_PERCENT_MAX, SPREAD_SCALE_MAX};
use rust_decimal::Decimal;
use service_runtime::{HasService, ServiceConfig};

use crate::{audit::Network, domain::exchange::Terms};

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

    /// How the house exchanges.
    #[command(flatten)]
    pub exchange: ExchangeConfig,
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

/// How the house exchanges.
#[derive(Clone, Debug, clap::Args)]
pub struct ExchangeConfig {
    /// What the house keeps of an exchange, in percent, where a rate does not say.
    #[arg(long, env = "FLORIN_EXCHANGE_SPREAD", default_value = "0.5", value_name = "PERCENT", value_parser = percent)]
    pub exchange_spread: Decimal,

    /// A rate that is older is not exchanged at. Central banks publish on working days, and around
    /// Easter the last rate is five and a half days old before the next one comes.
    #[arg(long, env = "FLORIN_RATE_HOURS", default_value_t = 144, value_name = "HOURS", value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub rate_hours: u32,

    /// How long the price of an exchange is good: long enough for a person to press a button, and
    /// too short to wait for a better rate.
    #[arg(long, env = "FLORIN_QUOTE_SECONDS", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub quote_seconds: u32,
}

impl Default for ExchangeConfig {
    fn default() -> Self {
        Self {
            exchange_spread: Decimal::new(5, 1),
            rate_hours: 144,
            quote_seconds: 30,
        }
    }
}

impl ExchangeConfig {
    /// As exchanges are decided by.
    pub fn terms(&self) -> Terms {
        Terms {
            spread: self.exchange_spread,
            rate_age_max: TimeDelta::hours(self.rate_hours.into()),
            quote_life: TimeDelta::seconds(self.quote_seconds.into()),
        }
    }
}

fn percent(text: &str) -> Result<Decimal, String> {
    let percent = Decimal::from_str_exact(text).map_err(|error| error.to_string())?;
    let is_part = !percent.is_sign_negative() && percent <= Decimal::from(SPREAD_PERCENT_MAX);
    let fits = is_part && percent.normalize().scale() <= SPREAD_SCALE_MAX;
    fits.then_some(percent)
        .ok_or_else(|| format!("0 to {SPREAD_PERCENT_MAX} with {SPREAD_SCALE_MAX} decimals"))
}

impl HasService for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }
}
