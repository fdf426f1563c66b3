//! A private Postgres: made on first start, on loopback only, with a password of its own.

mod cluster;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use tokio::time::Instant;

use crate::process::ServerProcess;
use crate::{
    Account, PostgresBinaries, Reaper, ServerError, ServerFolder, Signal, find_postgres, free_port,
    signal,
};

const NAME: &str = "postgres";

/// The superuser that owns the cluster.
const OWNER: &str = "florin";

/// Crash recovery replays up to `max_wal_size`; that takes seconds, a slow disk a minute.
const START_PATIENCE: Duration = Duration::from_secs(90);

/// How long the processes of an earlier server on the same data may take to disappear.
const PREDECESSOR_PATIENCE: Duration = Duration::from_secs(15);

/// A fast shutdown writes a checkpoint.
const STOP_PATIENCE: Duration = Duration::from_secs(30);

/// Ports that were free and then taken, before we give up.
const PORT_ATTEMPTS: u32 = 5;

/// How clients on loopback prove who they are; both check the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostAuth {
    /// SCRAM-SHA-256, as a production server does.
    Scram,
    /// The password as it is. Spares the client 4,096 rounds of hashing for each connection,
    /// which an unoptimised test binary feels: 6 ms instead of 41.
    Password,
}

impl HostAuth {
    fn method(self) -> &'static str {
        match self {
            Self::Scram => "scram-sha-256",
            Self::Password => "password",
        }
    }
}

/// How a private Postgres is set up.
#[derive(Debug, Clone)]
pub struct PostgresSettings {
    /// The directory that holds the cluster and its password; created when missing.
    pub data: PathBuf,
    /// The log file.
    pub log: PathBuf,
    /// The port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// Whether a commit waits for the disk. Off is for tests that never pull the plug.
    pub fsync: bool,
    /// How clients log in; decided when the cluster is made.
    pub auth: HostAuth,
    /// More server settings; they win over ours.
    pub extra: Vec<(String, String)>,
}

impl PostgresSettings {
    /// A durable server on a free port, with its log beside `data`.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        let data = data.into();
        let log = data.with_extension("log");
        Self {
            data,
            log,
            port: 0,
            fsync: true,
            auth: HostAuth::Scram,
            extra: Vec::new(),
        }
    }
}

/// A running (or killed, and restartable) Postgres.
#[derive(Debug)]
pub struct PostgresServer {
    binaries: PostgresBinaries,
    account: Account,
    folder: ServerFolder,
    settings: PostgresSettings,
    port: u16,
    password: String,
    process: ServerProcess,
    reaper: Reaper,
}

impl PostgresServer {
    /// Makes the cluster where needed, starts the server and waits until it takes connections.
    ///
    /// # Errors
    /// When Postgres is missing or too old, or does not come up; see [`ServerError`].
    pub async fn start(settings: PostgresSettings, reaper: &Reaper) -> Result<Self, ServerError> {
        let binaries = find_postgres()?;
        let account = Account::for_servers()?;
        let folder = ServerFolder::prepare(&settings.data, &account)?;
        let password = cluster::ensure(&binaries, &account, &folder, &settings).await?;

        let mut attempt = 1;
        loop {
            let port = if settings.port == 0 {
                free_port()
            } else {
                settings.port
            };
            let launch = Launch {
                binaries: &binaries,
                account: &account,
                folder: &folder,
                port,
                reaper,
            };
            match launch.run(&settings).await {
                Ok(process) => {
                    return Ok(Self {
                        binaries,
                        account,
                        folder,
                        settings,
                        port,
                        password,
                        process,
                        reaper: reaper.clone(),
                    });
                }
                Err(error) if settings.port == 0 && attempt < PORT_ATTEMPTS => {
                    if !says(&error, &["could not bind", "Address already in use"]) {
                        return Err(error);
                    }
                    attempt += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Starts the server again on the same data and port, after ending it where it still runs.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await?;
        let launch = Launch {
            binaries: &self.binaries,
            account: &self.account,
            folder: &self.folder,
            port: self.port,
            reaper: &self.reaper,
        };
        self.process = launch.run(&self.settings).await?;
        Ok(())
    }

    /// Stops the server without waiting for its clients (a fast shutdown).
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn stop(&mut self) -> Result<(), ServerError> {
        if self.process.ended().is_none() {
            self.signal_all(Signal::Cont)?;
            self.process.end(Signal::Int, STOP_PATIENCE).await?;
        }
        Ok(())
    }

    /// Sends a signal and, when it is one that ends the server, waits for the end. Pause and
    /// resume reach the server's children too: they do the work.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub async fn kill(&mut self, signal: Signal) -> Result<(), ServerError> {
        if signal.ends() {
            self.process.end(signal, STOP_PATIENCE).await.map(|_| ())
        } else {
            self.signal_all(signal)
        }
    }

    fn signal_all(&mut self, signal: Signal) -> Result<(), ServerError> {
        // The parent first: paused, it starts no more children.
        self.process.signal(signal)?;
        for child in signal::children(self.process.pid()) {
            // A child that has just ended is fine.
            let _ = signal::send(child, signal);
        }
        Ok(())
    }

    /// Waits until the server ends, by whatever cause; for those who restart it then.
    pub async fn exited(&mut self) -> ExitStatus {
        self.process.wait().await
    }

    /// Whether the server runs (or is paused).
    pub fn is_running(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// The address of a database, as the cluster's owner.
    pub fn url(&self, database: &str) -> String {
        self.url_as(OWNER, &self.password, database)
    }

    /// The address of a database for another role. Role, password and database must not need
    /// escaping.
    pub fn url_as(&self, role: &str, password: &str, database: &str) -> String {
        format!(
            "postgres://{role}:{password}@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// The process id of the last start.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where the data really is; see [`ServerFolder`].
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// The log file.
    pub fn log(&self) -> &Path {
        &self.settings.log
    }

    /// Postgres's programs, of the same version.
    pub fn binaries(&self) -> &PostgresBinaries {
        &self.binaries
    }
}

/// One start of the server on one port.
struct Launch<'a> {
    binaries: &'a PostgresBinaries,
    account: &'a Account,
    folder: &'a ServerFolder,
    port: u16,
    reaper: &'a Reaper,
}

impl Launch<'_> {
    /// Starts the server, and again while a predecessor's processes are still going away: after a
    /// SIGKILL its children hold the shared memory for a moment, and a reaper may be at work.
    async fn run(&self, settings: &PostgresSettings) -> Result<ServerProcess, ServerError> {
        let deadline = Instant::now() + PREDECESSOR_PATIENCE;
        loop {
            match self.once(settings).await {
                Err(error)
                    if Instant::now() < deadline
                        && says(&error, &["pre-existing shared memory", "postmaster.pid"]) =>
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                result => return result,
            }
        }
    }

    async fn once(&self, settings: &PostgresSettings) -> Result<ServerProcess, ServerError> {
        let data = self.folder.join(cluster::NAME);
        let mut command = Command::new(&self.binaries.postgres);
        command.arg("-D").arg(&data).current_dir(self.folder.path());
        cluster::clean_environment(&mut command);
        for (name, value) in self.options(settings) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let mut process = ServerProcess::spawn(
            NAME,
            command,
            self.account,
            &settings.log,
            Signal::Quit,
            self.reaper,
        )?;
        let pid = process.pid();
        process
            .wait_ready(START_PATIENCE, async || cluster::is_ready(&data, pid))
            .await?;
        Ok(process)
    }

    fn options(&self, settings: &PostgresSettings) -> Vec<(String, String)> {
        let port = self.port.to_string();
        let fsync = if settings.fsync { "on" } else { "off" };
        let ours = [
            ("listen_addresses", "127.0.0.1"),
            ("port", port.as_str()),
            ("unix_socket_directories", ""),
            ("max_connections", "200"),
            ("shared_buffers", "256MB"),
            ("max_wal_size", "2GB"),
            ("checkpoint_timeout", "15min"),
            ("wal_compression", "off"),
            ("synchronous_commit", "on"),
            ("fsync", fsync),
            // Guards against pages torn by a power cut, which fsync off does not survive anyway.
            ("full_page_writes", fsync),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("lc_messages", "C"),
        ];
        let ours = ours
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        ours.chain(settings.extra.iter().cloned()).collect()
    }
}

/// Whether the server failed to start with one of these words in its log.
fn says(error: &ServerError, words: &[&str]) -> bool {
    match error {
        ServerError::NotStarted { tail, .. } => words.iter().any(|word| tail.contains(word)),
        _ => false,
    }
}
