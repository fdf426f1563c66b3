//! What every test stands on: real servers, a database of its own, names of its own, faults, and
//! one way to wait.
//!
//! ```no_run
//! # async fn example() {
//! let database = testkit::TestDatabase::create().await;
//! let pool = database.pool().await;
//! let streams = testkit::stream_prefix();
//! let nats = testkit::servers().nats.url();
//! # let _ = (pool, streams, nats); }
//! ```
//!
//! The servers start once per test binary and die with it. Knows no service: what a service needs
//! in its database it passes to [`TestDatabase::from_template`].

mod database;
mod eventually;
mod proxy;
mod servers;

pub use database::TestDatabase;
pub use eventually::{Outcome, eventually};
pub use proxy::{CutPoint, Fault, TcpProxy};
pub use servers::{OwnServers, Servers, own_servers, servers};

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

/// A short name that no other test of this binary uses, such as `t7f3a01`, for the streams,
/// subjects and consumers of one test on the shared nats-server.
pub fn stream_prefix() -> String {
    static BINARY: LazyLock<u16> = LazyLock::new(rand::random);
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!(
        "t{:04x}{:02x}",
        *BINARY,
        NEXT.fetch_add(1, Ordering::Relaxed)
    )
}
