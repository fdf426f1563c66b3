//! Processes that die, and one that does not.

use std::time::Duration;

use local_servers::Signal;

use crate::fleet::{API, Fleet, Load, LoadWallets, OTHER_API, WORKER};

/// A pause that outlives every time-out of the write path.
const PAUSE: Duration = Duration::from_secs(10);
/// Kills of each of the two services.
const KILLS: u32 = 10;

/// Predecessors lost acknowledged writes, stranded transfers between two wallets (M8), left
/// debits without credits (M15) and counted redelivered events again when a process died. Here
/// twenty die, wherever they are; and one ledger process is paused, which is worse than dead,
/// because it may hold locks and come back.
#[tokio::test(flavor = "multi_thread")]
async fn killed_and_paused_processes_lose_double_and_strand_nothing() {
    let fleet = Fleet::start(&["--ledger-api", "2"]).await;
    let client = fleet.service("load");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "killed");
    for _ in 0..KILLS {
        for service in [API, WORKER] {
            load.goes_on(20).await;
            fleet.kill_service(service).await;
        }
    }
    load.goes_on(20).await;
    fleet.nothing_is_half_done().await;

    let other = fleet
        .endpoints()
        .service(OTHER_API)
        .http
        .clone()
        .expect("it has an API");
    let meanwhile = Load::start(&client.at(&other), &wallets, "paused");
    meanwhile.goes_on(50).await;
    fleet.signal_service(API, Signal::Stop);
    let before = meanwhile.acknowledged();
    // Not a wait for something: the fault lasts this long.
    tokio::time::sleep(PAUSE).await;
    let during = meanwhile.acknowledged() - before;
    fleet.signal_service(API, Signal::Cont);
    assert!(
        during >= 100,
        "the other process wrote only {during} times during the pause"
    );
    load.goes_on(20).await;
    meanwhile.end().await;
    load.end().await;
    fleet.close().await;
}
