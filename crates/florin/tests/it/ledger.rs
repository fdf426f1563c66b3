//! A ledger in this process, on real servers, behind its real HTTP API.

use std::net::SocketAddr;

use clap::Parser as _;
use florin::api_client::ApiClient;
use florin::token::{self, Grant, Role};
use service_runtime::{Clock, Process};
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use testkit::TestDatabase;

/// The ledger's role has this password in tests.
pub const PASSWORD: &str = "ledger";

/// A running ledger with an empty database.
pub struct Ledger {
    /// Its database.
    pub database: TestDatabase,
    /// A client that may do everything that a service may.
    pub client: ApiClient,
    process: Process,
    _keys: TempDir,
}

impl Ledger {
    /// Starts one, and a statistics worker beside it.
    pub async fn start() -> Self {
        let database = migrated().await;
        let keys = tempfile::tempdir().expect("a directory");
        token::ensure_keys(keys.path()).expect("keys");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let process = Process::new("ledger-api", Clock::system());
        let public = keys.path().join(token::PUBLIC_KEY);
        let prefix = testkit::stream_prefix();
        let config = ledger_api::Config::parse_from(
            service("ledger-api", &database, "florin_ledger", &prefix)
                .into_iter()
                .chain([
                    "--jwt-public-key".to_owned(),
                    public.display().to_string(),
                    "--allow-fsync-off".to_owned(),
                ]),
        );
        ledger_api::run_on(listener, config, process.clone())
            .await
            .expect("it starts");
        let config = analytics_worker::Config::parse_from(service(
            "analytics-worker",
            &database,
            "florin_analytics",
            &prefix,
        ));
        analytics_worker::run(config, process.clone())
            .await
            .expect("the worker starts");
        let key = token::signing_key(keys.path()).expect("a key");
        let token = Grant::staff(Role::Service, "replay")
            .sign(&key)
            .expect("a token");
        let client = ApiClient::new(&format!("http://{address}"), token).expect("a client");
        Self {
            database,
            client,
            process,
            _keys: keys,
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.process.shutdown();
    }
}

/// The arguments that every service has.
fn service(name: &str, database: &TestDatabase, role: &str, prefix: &str) -> Vec<String> {
    let url = database.url_as(role, PASSWORD);
    let nats = testkit::servers().nats.url();
    [
        name,
        "--database-url",
        &url,
        "--nats-url",
        &nats,
        "--prefix",
        prefix,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A database with the empty tables of ledger and worker.
pub async fn migrated() -> TestDatabase {
    TestDatabase::from_template("services", async |template: TestDatabase| {
        let mut owner = PgConnection::connect(&template.url())
            .await
            .expect("a connection");
        ledger_api::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the ledger is migrated");
        analytics_worker::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the worker is migrated");
        let _ = owner.close().await;
    })
    .await
}
