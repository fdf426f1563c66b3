//! Finds a running fleet by its directory: `DIR/endpoints.json` says where everything is, and
//! the lock that `florin up` holds on `DIR/up.lock` says whether that is still true.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::api_client::ApiClient;
use crate::exit::Failure;
use crate::token::{self, Role};

/// The file that says where a running fleet is.
pub const ENDPOINTS: &str = "endpoints.json";
/// The file that `florin up` keeps locked while it runs.
pub const LOCK: &str = "up.lock";
/// The default directory of a fleet.
pub const DEFAULT_DIR: &str = ".florin";

/// Which fleet a command means.
#[derive(Debug, Clone, clap::Args)]
pub struct FleetArgs {
    /// The fleet's directory, as given to `florin up`.
    #[arg(long, env = "FLORIN_DATA", default_value = DEFAULT_DIR, value_name = "DIR")]
    pub data: PathBuf,
}

impl FleetArgs {
    /// The running fleet.
    ///
    /// # Errors
    /// Exit code 3 when none runs there.
    pub fn find(&self) -> anyhow::Result<Fleet> {
        Fleet::find(&self.data)
    }
}

/// Where everything of a running fleet is. Its JSON is a public format: fields are only added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoints {
    /// The HTTP API, `http://127.0.0.1:8080`.
    pub http: String,
    /// The NATS server.
    pub nats: String,
    /// The database, as its owner.
    pub postgres: String,
    /// Goes before every stream name and subject; mostly empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// Every service process by name: `ledger-api`, a second one `ledger-api-2`.
    pub services: BTreeMap<String, Service>,
    /// The fleet's own servers; what it was given is not listed.
    #[serde(default)]
    pub servers: Servers,
}

/// One service process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Its process id, renewed when it is restarted.
    pub pid: u32,
    /// Its admin address: `/metrics`, `/healthz`, `/readyz`.
    pub admin: SocketAddr,
    /// Its HTTP API, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<String>,
}

/// The servers that the fleet started for itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Servers {
    /// nats-server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nats: Option<NatsProcess>,
    /// Postgres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<PostgresProcess>,
}

/// The fleet's own nats-server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatsProcess {
    /// Its process id.
    pub pid: u32,
    /// Where its streams are.
    pub store: PathBuf,
}

/// The fleet's own Postgres.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostgresProcess {
    /// Its process id.
    pub pid: u32,
    /// Where its data is.
    pub data: PathBuf,
}

/// A running fleet.
#[derive(Debug, Clone)]
pub struct Fleet {
    /// Its directory.
    pub dir: PathBuf,
    /// Where everything is.
    pub endpoints: Endpoints,
}

impl Fleet {
    /// The fleet that runs on `dir`.
    ///
    /// # Errors
    /// Exit code 3 when none does.
    pub fn find(dir: &Path) -> anyhow::Result<Self> {
        let path = dir.join(ENDPOINTS);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) if is_locked(dir) => text,
            Ok(_) => return Err(none(dir, "the one that was there has ended").into()),
            Err(error) if error.kind() == ErrorKind::NotFound && is_locked(dir) => {
                return Err(none(dir, "one is starting or stopping").into());
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(none(dir, "start one with `florin up`").into());
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read {}", path.display()));
            }
        };
        let endpoints = serde_json::from_str(&text)
            .with_context(|| format!("{} is not of this version of florin", path.display()))?;
        Ok(Self {
            dir: dir.to_owned(),
            endpoints,
        })
    }

    /// A client of the fleet's HTTP API that calls itself `subject`: the scope of its
    /// idempotency keys. Its token lasts a day.
    ///
    /// # Errors
    /// When the fleet's key cannot be read.
    pub fn client(&self, role: Role, subject: &str) -> anyhow::Result<ApiClient> {
        let token = token::Grant::staff(role, subject).sign(&token::signing_key(&self.dir)?)?;
        ApiClient::new(&self.endpoints.http, token)
    }
}

fn none(dir: &Path, why: &str) -> Failure {
    Failure::out_of_reach(format!("no fleet runs on {}: {why}", dir.display()))
}

/// Whether a living `florin up` holds the directory.
fn is_locked(dir: &Path) -> bool {
    File::open(dir.join(LOCK))
        .is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
