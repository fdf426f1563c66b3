//! A consumer in another language: the events can be read, and proven, without our code.

mod each;

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use contracts::{EventType, topology::Topology};
use serde::Deserialize;
use tokio::process::Command;

use crate::fleet::{Fleet, Load, LoadWallets};

/// For what the fleet does by itself.
const PATIENCE: Duration = Duration::from_secs(30);
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/python/read_stream.py");

/// What the script has proven.
#[derive(Debug, Deserialize)]
struct Proven {
    seq: i64,
    hash: String,
    types: BTreeSet<String>,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_reads_every_event_and_proves_the_chain_by_itself() {
    let folder = tempfile::tempdir().expect("a directory");
    let python = match environment(folder.path()).await {
        Ok(python) => python,
        Err(why) => {
            // Past the test harness, which keeps the output of tests that pass to itself.
            let _ = writeln!(std::io::stdout(), "python client: absent ({why})");
            return;
        }
    };
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("python");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "python");
    load.goes_on(500).await;
    load.end().await;
    each::one_of_each(&client).await;
    // The worker has it all from the stream, so it is in the stream.
    fleet.settle().await;
    let head = fleet.head().await;

    let stream = Topology::default().ledger_stream().name;
    let nats = fleet.endpoints().nats;
    let output = run(Command::new(python).args([SCRIPT, &nats, &stream])).await;
    let proven: Proven =
        serde_json::from_str(&output.expect("the script is content")).expect("JSON");
    assert_eq!(proven.seq, head);
    let catalogue: BTreeSet<_> = EventType::ALL
        .iter()
        .filter(|known| known.source() == "ledger")
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        proven.types, catalogue,
        "every type of the ledger's catalogue was seen"
    );
    let hash: String =
        sqlx::query_scalar("SELECT encode(hash, 'hex') FROM ledger.events WHERE seq = $1")
            .bind(proven.seq)
            .fetch_one(&fleet.owner)
            .await
            .expect("the log has what the stream has");
    assert_eq!(proven.hash, hash);
    fleet.close().await;
}

/// A Python with the NATS client, or the first reason why there is none.
async fn environment(folder: &Path) -> Result<PathBuf, String> {
    let made = folder.join("venv");
    run(Command::new("python3").args(["-m", "venv"]).arg(&made)).await?;
    let python = made.join("bin/python");
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "nats-py==2.10.0",
    ];
    run(Command::new(&python).args(pip)).await?;
    Ok(python)
}

/// What a command printed, or what it complained about in one line.
async fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().await.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    Err(format!(
        "{}: {}",
        output.status,
        said.trim().replace('\n', " | ")
    ))
}
