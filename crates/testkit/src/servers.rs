//! The servers of a test binary: one shared pair for all its tests, or a pair of one's own for a
//! test that kills servers.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use local_servers::{
    HostAuth, NatsServer, NatsSettings, PostgresServer, PostgresSettings, Reaper, ServerError,
};

/// The pair that all tests of this binary share. Do not stop it, do not count on its emptiness.
#[derive(Debug)]
pub struct Servers {
    /// Postgres with `fsync` off; take a database by [`crate::TestDatabase`].
    pub postgres: PostgresServer,
    /// nats-server with `JetStream`; name what you make by [`crate::stream_prefix`].
    pub nats: NatsServer,
}

/// The shared pair; the first call starts it, which takes about two seconds.
///
/// It stands in a static, which is never dropped: the reaper ends it when the binary does, however
/// it does, and removes its files.
///
/// # Panics
/// When the servers do not start.
pub fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| {
        // A runtime of its own on a thread of its own: each test has a runtime that ends with it.
        let thread = std::thread::spawn(|| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts")
                .block_on(start(false))
        });
        let started = thread.join().expect("starting the servers does not panic");
        let OwnServers {
            postgres,
            nats,
            reaper,
            ..
        } = started.unwrap_or_else(|error| panic!("{error}"));
        // The servers hold the reaper.
        drop(reaper);
        Servers { postgres, nats }
    })
}

/// A pair that one test may kill, pause, restart and wipe. Dropping it ends the servers and
/// removes their files.
#[derive(Debug)]
pub struct OwnServers {
    /// The test's Postgres.
    pub postgres: PostgresServer,
    /// The test's nats-server.
    pub nats: NatsServer,
    /// Ends both when the test binary dies; give it the processes that the test starts itself.
    pub reaper: Reaper,
    /// The directory of both, with their logs `postgres.log` and `nats.log`.
    pub folder: PathBuf,
}

/// Starts a private pair. Tests that kill Postgres and then look at what survived want `fsync`.
///
/// # Panics
/// When the servers do not start.
pub async fn own_servers(fsync: bool) -> OwnServers {
    start(fsync).await.unwrap_or_else(|error| panic!("{error}"))
}

async fn start(fsync: bool) -> Result<OwnServers, ServerError> {
    let reaper = Reaper::start()?;
    let folder = folder();
    reaper.remove(&folder);
    let postgres = PostgresServer::start(postgres_settings(&folder, fsync), &reaper);
    let nats = NatsServer::start(NatsSettings::new(folder.join("nats")), &reaper);
    let (postgres, nats) = tokio::try_join!(postgres, nats)?;
    Ok(OwnServers {
        postgres,
        nats,
        reaper,
        folder,
    })
}

fn postgres_settings(folder: &Path, fsync: bool) -> PostgresSettings {
    let mut settings = PostgresSettings::new(folder.join("postgres"));
    settings.fsync = fsync;
    settings.auth = HostAuth::Password;
    // Several test binaries may run at the same time.
    settings
        .extra
        .push(("shared_buffers".to_owned(), "64MB".to_owned()));
    settings
}

/// Not a `TempDir`: it is the reaper that removes it, after the servers are gone. Everybody may
/// pass through it, because as root the servers run under another account.
fn folder() -> PathBuf {
    let folder = tempfile::Builder::new()
        .prefix("florin-test-")
        .permissions(std::fs::Permissions::from_mode(0o711))
        .tempdir()
        .expect("the temporary directory takes a directory")
        .keep();
    folder.canonicalize().expect("a directory just made exists")
}
