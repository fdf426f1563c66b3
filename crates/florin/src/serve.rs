//! `florin serve <service>`: one service in this process, as its own program would run it.

use std::process::ExitCode;

/// Runs one service.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    service: Service,
}

#[derive(Debug, clap::Subcommand)]
enum Service {
    /// The HTTP ledger.
    LedgerApi(Box<ledger_api::Config>),
    /// The statistics worker.
    AnalyticsWorker(Box<analytics_worker::Config>),
    /// The fraud worker.
    FraudWorker(Box<fraud_worker::Config>),
    /// The settlement worker.
    SettlementWorker(Box<settlement_worker::Config>),
}

/// Runs the service until it is told to stop.
pub fn run(args: Args) -> ExitCode {
    match args.service {
        Service::LedgerApi(config) => {
            service_runtime::boot_with("ledger-api", *config, ledger_api::run)
        }
        Service::AnalyticsWorker(config) => {
            service_runtime::boot_with("analytics-worker", *config, analytics_worker::run)
        }
        Service::FraudWorker(config) => {
            service_runtime::boot_with("fraud-worker", *config, fraud_worker::run)
        }
        Service::SettlementWorker(config) => {
            service_runtime::boot_with("settlement-worker", *config, settlement_worker::run)
        }
    }
}
