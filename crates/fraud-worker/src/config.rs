//! The worker's settings.

use std::path::PathBuf;

use service_runtime::{HasService, ServiceConfig};

/// The fraud worker: holds movements against rules and raises alerts.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "fraud-worker", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,

    /// The thresholds by rule and currency, a JSON file; without it those that the worker
    /// brings along. All processes of the worker need the same.
    #[arg(long, env = "FLORIN_FRAUD_RULES", value_name = "FILE")]
    pub rules: Option<PathBuf>,
}

impl HasService for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }
}
