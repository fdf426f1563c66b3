//! A fleet as its users have it: `florin up` in a directory of its own, HTTP in front, a
//! database behind, and every process there to be killed.

mod books;
mod client;
mod endpoints;
mod faults;
mod history;
mod load;
mod running;

use std::{path::Path, sync::Arc};

use florin::token::{Grant, Role, signing_key};
use sqlx::{PgPool, postgres::PgPoolOptions};
use tokio::sync::OnceCell;

pub use books::{half_done, wrong_statistics};
pub use client::{Answer, Client, euros};
pub use endpoints::Endpoints;
pub use load::{Load, LoadWallets};
pub use running::florin;

use history::History;
use running::{Running, TellLogs};

/// The first ledger process, and the one there is when nobody asks for more.
pub const API: &str = "ledger-api";
/// The second ledger process, where a fleet has one.
pub const OTHER_API: &str = "ledger-api-2";
/// The worker that counts.
pub const WORKER: &str = "analytics-worker";
/// The worker that looks for fraud.
pub const FRAUD_WORKER: &str = "fraud-worker";
/// The worker that settles.
pub const SETTLEMENT_WORKER: &str = "settlement-worker";

/// What the tests do to a fleet and ask it. Each test has its own: connections belong to the
/// runtime of the test that opened them, and so does the history of what was acknowledged.
pub struct Fleet {
    // First, so that it speaks before the processes and their files go.
    _logs: TellLogs,
    running: Arc<Running>,
    /// The database, as its owner.
    pub owner: PgPool,
    http: reqwest::Client,
    history: Arc<History>,
}

impl Fleet {
    /// A fleet of the test's own, with these further arguments of `florin up`.
    pub async fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[]).await
    }

    /// The same with these variables, which its services see too.
    pub async fn start_with(arguments: &[&str], settings: &[(&str, &str)]) -> Self {
        Self::of(Arc::new(Running::start(arguments, settings).await)).await
    }

    /// The same, and its services log by `filter`.
    pub async fn logging(arguments: &[&str], filter: &str) -> Self {
        Self::start_with(arguments, &[("FLORIN_LOG", filter)]).await
    }

    /// The fleet that the harmless tests share: two ledger processes and a worker. Nobody kills
    /// anything of it or counts on its emptiness.
    pub async fn shared() -> Self {
        static SHARED: OnceCell<Arc<Running>> = OnceCell::const_new();
        let start = async || Arc::new(Running::start(&["--ledger-api", "2"], &[]).await);
        Self::of(SHARED.get_or_init(start).await.clone()).await
    }

    async fn of(running: Arc<Running>) -> Self {
        let owner = PgPoolOptions::new()
            .max_connections(4)
            .connect(&running.endpoints().postgres)
            .await
            .unwrap_or_else(|error| panic!("the fleet's database is out of reach: {error}"));
        Self {
            _logs: TellLogs(running.dir.clone()),
            running,
            owner,
            http: client::connections(),
            history: Arc::default(),
        }
    }

    /// The fleet's directory.
    pub fn dir(&self) -> &Path {
        &self.running.dir
    }

    /// Where everything is right now.
    pub fn endpoints(&self) -> Endpoints {
        self.running.endpoints()
    }

    /// A service of the house that calls itself `subject`: the scope of its keys.
    pub fn service(&self, subject: &str) -> Client {
        self.bearer(&Grant::staff(Role::Service, subject))
    }

    /// A customer, whose wallets are those of `owner`.
    pub fn customer(&self, owner: &str) -> Client {
        self.bearer(&Grant::owner(Role::Customer, owner))
    }

    fn bearer(&self, grant: &Grant) -> Client {
        let key = signing_key(self.dir()).expect("a fleet has a key");
        Client {
            http: self.http.clone(),
            base: self.endpoints().http,
            token: Some(grant.sign(&key).expect("the key signs")),
            subject: grant.subject.clone(),
            history: Arc::clone(&self.history),
        }
    }

    /// All logs of the fleet so far, by file name.
    pub fn logs(&self) -> Vec<(String, String)> {
        let named = running::logs(self.dir()).into_iter().map(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let text = std::fs::read(&path).expect("a log can be read");
            (
                name.into_owned(),
                String::from_utf8_lossy(&text).into_owned(),
            )
        });
        named.collect()
    }

    /// What a service shows at an admin path: status and body.
    pub async fn admin(&self, service: &str, path: &str) -> Result<(u16, String), String> {
        let address = self.endpoints().service(service).admin.clone();
        let request = self.http.get(format!("http://{address}{path}"));
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        let status = response.status().as_u16();
        let body = response
            .text()
            .await
            .map_err(|error| format!("{error:?}"))?;
        Ok((status, body))
    }

    /// A service's metrics.
    pub async fn metrics(&self, service: &str) -> String {
        let (status, text) = self.admin(service, "/metrics").await.expect("it answers");
        assert_eq!(status, 200, "{text}");
        text
    }

    /// A connection to the fleet's nats-server.
    pub async fn nats(&self) -> async_nats::Client {
        async_nats::ConnectOptions::new()
            .retry_on_initial_connect()
            .connect(self.endpoints().nats)
            .await
            .expect("nats-server answers")
    }
}
