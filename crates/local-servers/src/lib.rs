//! Private servers: one Postgres and one nats-server on loopback, owned by this process.
//!
//! `florin up` runs its fleet on them and every test binary has a pair of its own, so nobody
//! needs Docker, a system service or an account. Nothing here knows what the servers are for.
//!
//! Three promises:
//!
//! * **No orphans.** A [`Reaper`] ends every server (and removes temporary directories) when its
//!   owner dies, also by SIGKILL.
//! * **Same address after a crash.** A server that is killed and restarted keeps its data and its
//!   port; ports lie outside the ephemeral range, so that nothing takes them meanwhile.
//! * **Root or not.** Postgres refuses root. As root the servers run as `postgres`, else
//!   `nobody`; see [`ServerFolder`] for the directories such a user cannot enter.

mod account;
mod binaries;
mod error;
mod folder;
mod log;
mod nats;
mod ports;
mod postgres;
mod process;
mod reaper;
mod signal;

pub use account::Account;
pub use binaries::{NatsBinary, PostgresBinaries, find_nats, find_postgres};
pub use error::ServerError;
pub use folder::ServerFolder;
pub use nats::{NatsServer, NatsSettings};
pub use ports::free_port;
pub use postgres::{HostAuth, PostgresServer, PostgresSettings};
pub use reaper::Reaper;
pub use signal::{Signal, is_running, send};
