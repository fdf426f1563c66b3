//! The worker's settings.

use service_runtime::{HasService, ServiceConfig};

/// The statistics worker: counts what every wallet moved.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "analytics-worker", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,
}

impl HasService for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }
}
