//! The private servers, with the real programs.

mod folder;
mod nats;
mod postgres;
mod reaper;
mod with_servers;

use std::time::Duration;

use local_servers::is_running;

/// Far above what anything here takes; a test fails by it only when something hangs.
const SOON: Duration = Duration::from_secs(20);

async fn gone(what: &str, pid: u32) {
    testkit::eventually(what, SOON, async || !is_running(pid)).await;
}
