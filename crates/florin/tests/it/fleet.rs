//! A fleet of a test's own: `florin up` in a temporary directory.

use std::process::{Child, Command, Output, Stdio};

use florin::api_client::{ApiClient, NewWallet, Wallet};
use florin::fleet::{Endpoints, Fleet};
use florin::token::Role;
use local_servers::{Reaper, Signal};
use tempfile::TempDir;

use crate::SOON;

/// The program under test, without settings of whoever runs the tests.
pub fn florin() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_florin"));
    for name in [
        "FLORIN_DATABASE_URL",
        "FLORIN_NATS_URL",
        "FLORIN_DATA",
        "FLORIN_HTTP",
        "FLORIN_PREFIX",
    ] {
        command.env_remove(name);
    }
    command.stdin(Stdio::null());
    command
}

/// What a command said and how it ended.
pub fn ran(arguments: &[&str]) -> Output {
    florin().args(arguments).output().expect("florin starts")
}

/// A running fleet; it ends with the test, however that ends.
pub struct TestFleet {
    pub up: Child,
    // In this order: the directory is removed when nobody writes into it any more.
    reaper: Reaper,
    directory: TempDir,
}

impl TestFleet {
    /// Starts a fleet and waits until it says where it is.
    pub async fn start(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("tempdir");
        Self::start_in(directory, Reaper::start().expect("reaper"), arguments).await
    }

    /// Ends the fleet and starts another on its directory.
    pub async fn again(mut self, arguments: &[&str]) -> Self {
        self.stop();
        let directory =
            std::mem::replace(&mut self.directory, tempfile::tempdir().expect("tempdir"));
        Self::start_in(directory, self.reaper.clone(), arguments).await
    }

    async fn start_in(directory: TempDir, reaper: Reaper, arguments: &[&str]) -> Self {
        let log = std::fs::File::create(directory.path().join("up.log")).expect("a log");
        let up = florin()
            .args(["up", "--http", "127.0.0.1:0", "--data"])
            .arg(directory.path().join("data"))
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("florin starts");
        reaper.watch(up.id(), Signal::Term);
        let mut fleet = Self {
            up,
            reaper,
            directory,
        };
        testkit::eventually("the fleet is up", SOON, async || {
            if let Some(status) = fleet.up.try_wait().expect("it is our child") {
                panic!("florin up ended with {status}: {}", fleet.said());
            }
            Fleet::find(&fleet.data())
        })
        .await;
        // As root the servers' data is elsewhere.
        let servers = fleet.endpoints().servers;
        servers
            .postgres
            .iter()
            .for_each(|server| fleet.reaper.remove(&server.data));
        servers
            .nats
            .iter()
            .for_each(|server| fleet.reaper.remove(&server.store));
        fleet
    }

    pub fn data(&self) -> std::path::PathBuf {
        self.directory.path().join("data")
    }

    pub fn data_text(&self) -> String {
        self.data().display().to_string()
    }

    /// What `up` said so far.
    pub fn said(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("up.log")).unwrap_or_default()
    }

    pub fn endpoints(&self) -> Endpoints {
        Fleet::find(&self.data()).expect("it runs").endpoints
    }

    /// A client of somebody who may do everything.
    pub fn client(&self) -> ApiClient {
        let fleet = Fleet::find(&self.data()).expect("it runs");
        fleet.client(Role::Operator, "test").expect("a client")
    }

    /// Every process of the fleet but `up` itself.
    pub fn processes(&self) -> Vec<u32> {
        let endpoints = self.endpoints();
        let services = endpoints.services.values().map(|service| service.pid);
        let postgres = endpoints.servers.postgres.iter().map(|server| server.pid);
        let nats = endpoints.servers.nats.iter().map(|server| server.pid);
        services.chain(postgres).chain(nats).collect()
    }

    /// Sends `up` a signal and waits until it has ended.
    pub fn end(&mut self, signal: Signal) -> std::process::ExitStatus {
        local_servers::send(self.up.id(), signal).expect("a signal");
        let status = self.up.wait().expect("it ends");
        self.reaper.forget(self.up.id());
        status
    }

    pub fn stop(&mut self) {
        if self.up.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.end(Signal::Term);
        }
    }
}

impl Drop for TestFleet {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Opens a customer's wallet.
pub async fn open(client: &ApiClient, owner: &str) -> Wallet {
    let wallet = NewWallet {
        owner: owner.to_owned(),
        kind: contracts::event::WalletKind::Customer,
        reference: None,
        metadata: std::collections::BTreeMap::new(),
    };
    client
        .open_wallet(&format!("open-{owner}"), &wallet)
        .await
        .expect("opened")
        .body
}
