//! A private nats-server with `JetStream`, on loopback only.

use std::fmt::Write as _;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::process::ServerProcess;
use crate::{
    Account, NatsBinary, Reaper, ServerError, ServerFolder, Signal, find_nats, free_port, signal,
};

const NAME: &str = "nats-server";
const STORE: &str = "jetstream";
const CONFIG: &str = "nats.conf";
const PID: &str = "nats.pid";

/// Recovering a large store reads every message block.
const START_PATIENCE: Duration = Duration::from_mins(1);

/// How long an earlier server on the same store may take to disappear.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(15);

/// A clean shutdown writes the streams' state.
const STOP_PATIENCE: Duration = Duration::from_secs(15);

/// One answer to one question on loopback.
const GREETING_PATIENCE: Duration = Duration::from_secs(2);

/// Ports that were free and then taken, before we give up.
const PORT_ATTEMPTS: u32 = 5;

/// How a private nats-server is set up.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// The directory that holds the streams and the configuration; created when missing.
    pub store: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The port of the monitoring pages, where wanted.
    pub monitor_port: Option<u16>,
    /// The largest message, where the server's default (1 MiB) will not do.
    pub max_payload: Option<u32>,
    /// More configuration, in the server's own language.
    pub extra: String,
}

impl NatsSettings {
    /// A server on a free port, with its log beside `store`.
    pub fn new(store: impl Into<PathBuf>) -> Self {
        let store = store.into();
        let log = store.with_extension("log");
        Self {
            store,
            log,
            port: 0,
            monitor_port: None,
            max_payload: None,
            extra: String::new(),
        }
    }
}

/// A running (or killed, and restartable) nats-server.
#[derive(Debug)]
pub struct NatsServer {
    binary: NatsBinary,
    account: Account,
    folder: ServerFolder,
    settings: NatsSettings,
    port: u16,
    process: ServerProcess,
    reaper: Reaper,
}

impl NatsServer {
    /// Starts the server and waits until `JetStream` is ready.
    ///
    /// # Errors
    /// When nats-server is missing or too old, or does not come up; see [`ServerError`].
    pub async fn start(settings: NatsSettings, reaper: &Reaper) -> Result<Self, ServerError> {
        let binary = find_nats()?;
        let account = Account::for_servers()?;
        let folder = ServerFolder::prepare(&settings.store, &account)?;

        let mut attempt = 1;
        loop {
            let port = if settings.port == 0 {
                free_port()
            } else {
                settings.port
            };
            let launch = Launch {
                binary: &binary,
                account: &account,
                folder: &folder,
                port,
                reaper,
            };
            match launch.run(&settings).await {
                Ok(process) => {
                    let reaper = reaper.clone();
                    return Ok(Self {
                        binary,
                        account,
                        folder,
                        settings,
                        port,
                        process,
                        reaper,
                    });
                }
                Err(ServerError::NotStarted { tail, .. })
                    if settings.port == 0
                        && attempt < PORT_ATTEMPTS
                        && tail.contains("address already in use") =>
                {
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts the server again on the same store and port, after ending it where it still runs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await?;
        let launch = Launch {
            binary: &self.binary,
            account: &self.account,
            folder: &self.folder,
            port: self.port,
            reaper: &self.reaper,
        };
        self.process = launch.run(&self.settings).await?;
        Ok(())
    }

    /// Stops the server cleanly.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn stop(&mut self) -> Result<(), ServerError> {
        if self.process.ended().is_none() {
            self.process.signal(Signal::Cont)?;
            self.process.end(Signal::Term, STOP_PATIENCE).await?;
        }
        Ok(())
    }

    /// Sends a signal and, when it is one that ends the server, waits for the end.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn kill(&mut self, signal: Signal) -> Result<(), ServerError> {
        if signal.ends() {
            self.process.end(signal, STOP_PATIENCE).await.map(|_| ())
        } else {
            self.process.signal(signal)
        }
    }

    /// Stops the server where it runs and throws all streams and consumers away: the loss that
    /// the log in Postgres makes good.
    ///
    /// # Errors
    /// When the server cannot be stopped or the files cannot be removed.
    pub async fn wipe_store(&mut self) -> Result<(), ServerError> {
        self.stop().await?;
        let store = self.folder.join(STORE);
        fs::remove_dir_all(&store).map_err(ServerError::io("remove", &store))
    }

    /// Waits until the server ends, by whatever cause; for those who restart it then.
    pub async fn exited(&mut self) -> ExitStatus {
        self.process.wait().await
    }

    /// Whether the server runs (or is paused).
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The process id of the last start.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the streams, the configuration and the pid file really are; see [`ServerFolder`].
    pub fn store_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The log file.
    pub fn log(&self) -> &Path {
        &self.settings.log
    }

    /// The server's version, as it prints it.
    pub fn version(&self) -> &str {
        &self.binary.version
    }
}

/// One start of the server on one port.
struct Launch<'a> {
    binary: &'a NatsBinary,
    account: &'a Account,
    folder: &'a ServerFolder,
    port: u16,
    reaper: &'a Reaper,
}

impl Launch<'_> {
    async fn run(&self, settings: &NatsSettings) -> Result<ServerProcess, ServerError> {
        self.await_predecessor().await?;
        self.folder.make_private(STORE)?;
        // The name is how we know that it is our server that answers on the port.
        let name = format!("florin-{:08x}", rand::random::<u32>());
        let config = self
            .folder
            .write_private(CONFIG, &self.config(&name, settings))?;
        let mut command = Command::new(&self.binary.nats_server);
        command
            .arg("--config")
            .arg(config)
            .current_dir(self.folder.path());
        let mut process = ServerProcess::spawn(
            NAME,
            command,
            self.account,
            &settings.log,
            Signal::Term,
            self.reaper,
        )?;
        process
            .wait_ready(START_PATIENCE, async || self.is_ready(&name).await)
            .await?;
        Ok(process)
    }

    /// nats-server does not lock its store, and two on one store destroy it.
    async fn await_predecessor(&self) -> Result<(), ServerError> {
        let Some(pid) = fs::read_to_string(self.folder.join(PID))
            .ok()
            .and_then(|text| text.trim().parse::<u32>().ok())
        else {
            return Ok(());
        };
        let deadline = Instant::now() + PREDECESSOR_PATIENCE;
        while signal::runs_program(pid, NAME) {
            if Instant::now() >= deadline {
                let data = self.folder.path().to_owned();
                return Err(ServerError::AlreadyRunning {
                    server: NAME,
                    pid,
                    data,
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    fn config(&self, name: &str, settings: &NatsSettings) -> String {
        // The server sets aside what its streams may grow to, by default out of three quarters of
        // the free disk: on a small one the topology's streams would be refused, though they are
        // empty. Their own limits are what bounds them.
        let mut text = format!(
            "server_name: {name}\n\
             listen: \"127.0.0.1:{port}\"\n\
             pid_file: {pid}\n\
             ping_interval: \"10s\"\n\
             jetstream {{ store_dir: {store}, max_file_store: 1TB }}\n",
            port = self.port,
            pid = quoted(&self.folder.join(PID)),
            store = quoted(&self.folder.join(STORE)),
        );
        if let Some(port) = settings.monitor_port {
            let _ = writeln!(text, "http: \"127.0.0.1:{port}\"");
        }
        if let Some(bytes) = settings.max_payload {
            let _ = writeln!(text, "max_payload: {bytes}");
        }
        text.push_str(&settings.extra);
        text
    }

    /// The server listens only after `JetStream` has recovered its store; the first line it sends
    /// names it.
    async fn is_ready(&self, name: &str) -> bool {
        let greeting = async {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
                .await
                .ok()?;
            let mut line = String::new();
            BufReader::new(stream).read_line(&mut line).await.ok()?;
            Some(line)
        };
        match tokio::time::timeout(GREETING_PATIENCE, greeting).await {
            Ok(Some(line)) => line.contains(name) && line.contains("\"jetstream\":true"),
            _ => false,
        }
    }
}

fn quoted(path: &Path) -> String {
    format!(
        "\"{}\"",
        path.display()
            .to_string()
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
    )
}
