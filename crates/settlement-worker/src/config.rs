//! The worker's settings.

use service_runtime::{HasService, ServiceConfig};

use crate::batch::Schedule;

/// The settlement worker: puts payments into batches and ties the books out.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "settlement-worker", version)]
pub struct Config {
    /// What every service has.
    #[command(flatten)]
    pub service: ServiceConfig,

    /// When every merchant is settled, a cron pattern in UTC: minute, hour, day, month, weekday.
    /// All processes of the worker need the same.
    #[arg(
        long,
        env = "FLORIN_SETTLEMENT_SCHEDULE",
        default_value = "0 0 * * *",
        value_name = "PATTERN"
    )]
    pub schedule: Schedule,

    /// Seconds between two tie-outs. When one takes long the next comes later: no more than a
    /// fiftieth of the time is spent on them.
    #[arg(
        long,
        env = "FLORIN_TIE_OUT_SECONDS",
        default_value_t = 60,
        value_parser = clap::value_parser!(u32).range(1..=86_400),
        value_name = "SECONDS"
    )]
    pub tie_out_seconds: u32,
}

impl HasService for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }
}
