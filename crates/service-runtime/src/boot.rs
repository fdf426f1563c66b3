//! What every service's `main` does: settings, runtime, logs, admin address, signals, the
//! service itself, and an exit code.

use std::{future::Future, process::ExitCode, time::Duration};

use anyhow::Context;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::task::TaskTracker;

use crate::{Clock, HasService, Process, State, admin, metrics, telemetry, vitals};

/// How often histograms are folded up; the exporter's own default.
const UPKEEP: Duration = Duration::from_secs(5);

/// Runs a service with the settings of the command line and the environment. `run` sets
/// everything up, hands its loops to [`Process::spawn`], and returns.
pub fn boot<C, F, Fut>(name: &'static str, run: F) -> ExitCode
where
    C: clap::Parser + HasService,
    F: FnOnce(C, Process) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    boot_with(name, C::parse(), run)
}

/// Runs a service with settings that are parsed already, as `florin serve` has them.
pub fn boot_with<C, F, Fut>(name: &'static str, config: C, run: F) -> ExitCode
where
    C: HasService,
    F: FnOnce(C, Process) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    if config.service().print_config {
        println!("{config:#?}");
        return ExitCode::SUCCESS;
    }
    telemetry::start(name, &config.service().log);
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!(error = error.to_string(), "No runtime");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(live(name, config, run));
    // Blocking calls cannot be dropped; they get a moment.
    runtime.shutdown_timeout(Duration::from_secs(1));
    match outcome {
        Ok(()) => {
            tracing::info!("Stopped");
            ExitCode::SUCCESS
        }
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "Stopped with an error");
            ExitCode::FAILURE
        }
    }
}

async fn live<C, F, Fut>(name: &'static str, config: C, run: F) -> anyhow::Result<()>
where
    C: HasService,
    F: FnOnce(C, Process) -> Fut,
    Fut: Future<Output = anyhow::Result<()>>,
{
    let service = config.service().clone();
    let process = Process::new(name, Clock::system());
    process
        .health()
        .set_quietly("start", State::Down("starting".to_owned()));
    let housekeeping = TaskTracker::new();
    metrics::recorder();
    vitals::show(&process);
    housekeeping.spawn(upkeep());
    housekeeping.spawn(signals(process.clone()).context("could not listen for signals")?);
    let listener = TcpListener::bind(service.admin)
        .await
        .with_context(|| format!("could not listen on the admin address {}", service.admin))?;
    let address = listener
        .local_addr()
        .context("the admin address has no port")?;
    housekeeping.spawn(admin::serve(process.clone(), listener));
    tracing::info!(admin = address.to_string(), "Starting {name}");

    let soft = process.soft();
    let started = tokio::select! {
        started = run(config, process.clone()) => started,
        () = soft.cancelled() => Ok(()),
    };
    match &started {
        Ok(()) => {
            process.health().set_quietly("start", State::Ok);
        }
        Err(_) => process.shutdown(),
    }
    let ended = process
        .wait(Duration::from_secs(service.drain_seconds))
        .await;
    started.context("could not start")?;
    ended
}

/// The first SIGTERM or SIGINT begins a soft shutdown, the second one a hard one.
fn signals(process: Process) -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if process.is_draining() {
                process.hard().cancel();
            } else {
                tracing::info!("Asked to stop");
                process.shutdown();
            }
        }
    })
}

async fn upkeep() {
    let mut tick = tokio::time::interval(UPKEEP);
    loop {
        tick.tick().await;
        metrics::recorder().run_upkeep();
    }
}
