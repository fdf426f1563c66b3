//! The smallest service: it waits until it is asked to stop, or fails when told to. Also what
//! the tests of `boot` start.

use std::process::ExitCode;

use service_runtime::{HasService, Process, ServiceConfig};

/// A service that does nothing.
#[derive(Debug, clap::Parser)]
struct Config {
    #[command(flatten)]
    service: ServiceConfig,

    /// Fails once it runs.
    #[arg(long)]
    fail: bool,
}

impl HasService for Config {
    fn service(&self) -> &ServiceConfig {
        &self.service
    }
}

async fn run(config: Config, process: Process) -> anyhow::Result<()> {
    let soft = process.soft();
    process.spawn("idler", async move {
        anyhow::ensure!(!config.fail, "told to fail");
        soft.cancelled().await;
        Ok(())
    });
    Ok(())
}

fn main() -> ExitCode {
    service_runtime::boot("idle", run)
}
