//! One service process: started, awaited until it is ready, restarted when it dies.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use local_servers::{Reaper, Signal, free_port};
use service_runtime::retry::Policy;
use tokio::process::{Child, Command};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::STEADY;
use super::board::Board;
use crate::fleet;
use crate::output;

/// A service connects, checks its schema and is ready within a second; a loaded machine and a
/// debug build take longer.
const READY_PATIENCE: Duration = Duration::from_mins(1);
/// How often readiness is asked for.
const READY_POLL: Duration = Duration::from_millis(25);
/// How long a stopping service may take: its own drain (10 s) and hard stop (5 s), and a bit.
const STOP_PATIENCE: Duration = Duration::from_secs(17);
/// A log that is larger at a start becomes `<service>.log.1`, and the one before is gone.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What an error shows of a log.
const LOG_TAIL_BYTES: u64 = 4 * 1024;
/// A port that was free may be taken a moment later; a wrong setting stays wrong.
const START_ATTEMPTS: u32 = 3;

/// A service process to be.
#[derive(Debug, Clone)]
pub struct Plan {
    /// `ledger-api`, and a second one `ledger-api-2`.
    pub name: String,
    /// What `florin serve` takes.
    pub service: &'static str,
    /// Its settings beside the addresses.
    pub environment: Vec<(&'static str, String)>,
    /// Where its HTTP API is to listen, where it has one; port 0 takes a free one.
    pub http: Option<SocketAddr>,
    /// Where it logs to.
    pub log: PathBuf,
}

/// A plan with its ports, which stay the same for as long as the fleet runs.
#[derive(Debug, Clone)]
struct Placed {
    plan: Plan,
    admin: SocketAddr,
    http: Option<SocketAddr>,
}

impl Plan {
    fn place(&self) -> Placed {
        let admin = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), free_port());
        let http = self.http.map(|asked| match asked.port() {
            0 => SocketAddr::new(asked.ip(), free_port()),
            _ => asked,
        });
        Placed {
            plan: self.clone(),
            admin,
            http,
        }
    }

    /// Starts the service and waits until it is ready.
    ///
    /// # Errors
    /// When it ends at once, again and again, or is not ready in time; with the log's last lines.
    pub async fn start(&self, reaper: &Reaper) -> anyhow::Result<Service> {
        let mut attempt = 1;
        loop {
            let placed = self.place();
            let mut service = Service {
                process: placed.spawn(reaper)?,
                placed,
                reaper: reaper.clone(),
            };
            match service.ready().await? {
                None => return Ok(service),
                Some(_) if attempt < START_ATTEMPTS => attempt += 1,
                Some(status) => {
                    return Err(anyhow!(
                        "{} ended before it was ready ({status}); {}",
                        self.name,
                        tail(&self.log)
                    ));
                }
            }
        }
    }
}

impl Placed {
    fn spawn(&self, reaper: &Reaper) -> anyhow::Result<Child> {
        let log = open_log(&self.plan.log)?;
        let mut command = Command::new(own_program()?);
        command
            .arg0("florin")
            .args(["serve", self.plan.service])
            .envs(self.plan.environment.iter().map(|(name, value)| (*name, value)))
            .env("FLORIN_ADMIN", self.admin.to_string())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("cannot open a log twice")?)
            .stderr(log)
            // Ctrl-C is for us: services are stopped before the servers they need.
            .process_group(0)
            .kill_on_drop(true);
        if let Some(http) = self.http {
            command.env("FLORIN_HTTP", http.to_string());
        }
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {}", self.plan.name))?;
        if let Some(pid) = child.id() {
            reaper.watch(pid, Signal::Term);
        }
        Ok(child)
    }
}

/// A service process.
#[derive(Debug)]
pub struct Service {
    placed: Placed,
    process: Child,
    reaper: Reaper,
}

impl Service {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.placed.plan.name
    }

    /// As `endpoints.json` has it.
    pub fn entry(&self) -> fleet::Service {
        fleet::Service {
            // A process that was just collected has no number; its successor follows at once.
            pid: self.process.id().unwrap_or_default(),
            admin: self.placed.admin,
            http: self.placed.http.map(client_url),
        }
    }

    /// Waits until it is ready; its exit status when it ends before.
    async fn ready(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        let pid = self.process.id();
        let url = format!("http://{}/readyz", self.placed.admin);
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(2))
            .build()?;
        let deadline = Instant::now() + READY_PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait()? {
                pid.inspect(|pid| self.reaper.forget(*pid));
                return Ok(Some(status));
            }
            let answer = client.get(&url).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(None);
            }
            if Instant::now() >= deadline {
                let waited = READY_PATIENCE.as_secs();
                let tail = tail(&self.placed.plan.log);
                return Err(anyhow!(
                    "{} was not ready after {waited} s; {tail}",
                    self.name()
                ));
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    /// Restarts the service whenever it dies, until `stop`; then stops it.
    pub async fn keep(mut self, board: Board, stop: CancellationToken) {
        let mut delays = Policy::FOR_EVER.delays();
        loop {
            let (began, pid) = (Instant::now(), self.process.id());
            let status = tokio::select! {
                status = self.process.wait() => status,
                () = stop.cancelled() => return self.stop().await,
            };
            pid.inspect(|pid| self.reaper.forget(*pid));
            if began.elapsed() > STEADY {
                delays.reset();
            }
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            output::note(format_args!(
                "florin: {} ended ({how}), restarting it",
                self.name()
            ));
            let respawned = tokio::select! {
                child = respawn(&self.placed, &self.reaper, &mut delays) => child,
                () = stop.cancelled() => return,
            };
            self.process = respawned;
            let (name, entry) = (self.name().to_owned(), self.entry());
            board.update(|endpoints| {
                endpoints.services.insert(name, entry);
            });
        }
    }

    async fn stop(mut self) {
        let Some(pid) = self.process.id() else { return };
        // It may have been paused. Neither signal fails but on a process that has just ended.
        let _ = local_servers::send(pid, Signal::Term);
        let _ = local_servers::send(pid, Signal::Cont);
        if tokio::time::timeout(STOP_PATIENCE, self.process.wait())
            .await
            .is_err()
        {
            output::note(format_args!(
                "florin: {} does not stop, killing it",
                self.name()
            ));
            // An error means that it has ended.
            let _ = self.process.kill().await;
        }
        self.reaper.forget(pid);
    }
}

async fn respawn(
    placed: &Placed,
    reaper: &Reaper,
    delays: &mut service_runtime::retry::Delays,
) -> Child {
    loop {
        // The policy never gives up.
        delays.wait().await;
        match placed.spawn(reaper) {
            Ok(child) => return child,
            Err(error) => output::note(format_args!("florin: {error:#}")),
        }
    }
}

/// The program that runs. Where an upgrade has replaced its file, Linux still has the old one:
/// a service that is restarted is of the version of those beside it.
fn own_program() -> anyhow::Result<PathBuf> {
    let image = Path::new("/proc/self/exe");
    let program = std::env::current_exe().context("cannot find the program that runs")?;
    if !program.exists() && image.exists() {
        return Ok(image.to_owned());
    }
    Ok(program)
}

/// The address that a client on this machine uses for a listener.
fn client_url(listener: SocketAddr) -> String {
    let mut address = listener;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    format!("http://{address}")
}

fn open_log(path: &Path) -> anyhow::Result<File> {
    if fs::metadata(path).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.1"))
            .with_context(|| format!("cannot rotate {}", path.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))
}

/// The last lines of a log, for an error.
fn tail(path: &Path) -> String {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|mut file| {
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(LOG_TAIL_BYTES)))?;
        file.read_to_end(&mut bytes)
    });
    let text = String::from_utf8_lossy(&bytes);
    match read {
        Ok(_) => format!("its log {} ends with:\n{}", path.display(), text.trim_end()),
        Err(error) => format!("its log {} cannot be read: {error}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_has_grown_too_large_starts_anew() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("ledger-api.log");
        let file = File::create(&path).expect("create");
        file.set_len(LOG_BYTES_MAX + 1).expect("grow");
        open_log(&path).expect("open");
        assert_eq!(fs::metadata(&path).expect("a log").len(), 0);
        assert!(dir.path().join("ledger-api.log.1").exists());
    }
}
