//! A consumer in another language: the events can be read, and proven, without our code.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::{Path, PathBuf},
};

use contracts::{EventType, topology::Topology};
use serde::Deserialize;
use serde_json::json;
use tokio::process::Command;

use crate::fleet::{Client, Fleet, Load, LoadWallets};

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
    one_of_each_rejection(&client).await;
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

/// What the load does not do: it is decided against in every way.
async fn one_of_each_rejection(client: &Client) {
    let poor = client.open("poor", "customer").await;
    let other = client.open("other", "customer").await;
    let shop = client.open("shop", "merchant").await;
    let refused = client.transfer("transfer", &poor, &other, "1.00").await;
    assert_eq!(refused.code(), "insufficient_funds");
    let pay = json!({
        "wallet": poor, "merchant": shop, "amount": "1.00", "currency": "EUR",
        "order_reference": "order-1",
    });
    let refused = client.post("pay", "/v1/payments", &pay).await;
    assert_eq!(refused.code(), "insufficient_funds");
    // At 18 decimals an exact balance ends at 7.9 * 10^10.
    let path = format!("/v1/wallets/{poor}/deposit");
    let much = json!({ "amount": "1000000000", "currency": "ETH" });
    for n in 0..79 {
        client
            .post(&format!("rich-{n}"), &path, &much)
            .await
            .created();
    }
    let refused = client.post("too-rich", &path, &much).await;
    assert_eq!(refused.refusal(), (422, "limit_exceeded".to_owned()));
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
