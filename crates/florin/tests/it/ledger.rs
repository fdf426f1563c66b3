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
    /// A client that may do everything.
    pub client: ApiClient,
    process: Process,
    _keys: TempDir,
}

impl Ledger {
    /// Starts one.
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
        let config = ledger_api::Config::parse_from([
            "ledger-api",
            "--database-url",
            &database.url_as("florin_ledger", PASSWORD),
            "--nats-url",
            &testkit::servers().nats.url(),
            "--prefix",
            &testkit::stream_prefix(),
            "--jwt-public-key",
            public.to_str().expect("a path in UTF-8"),
            "--allow-fsync-off",
        ]);
        ledger_api::run_on(listener, config, process.clone())
            .await
            .expect("it starts");
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

/// A database with the ledger's empty tables.
pub async fn migrated() -> TestDatabase {
    TestDatabase::from_template("ledger", async |template: TestDatabase| {
        let mut owner = PgConnection::connect(&template.url())
            .await
            .expect("a connection");
        ledger_api::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the ledger is migrated");
        let _ = owner.close().await;
    })
    .await
}
