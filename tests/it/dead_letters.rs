//! Dead letters in the hands of operators, with real processes: `florin dlq` over the HTTP API.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use sqlx::AssertSqlSafe;
use testkit::eventually;
use tokio::process::Command;

use crate::fleet::{Fleet, WORKER, florin};

mod operators;
mod runbook;

/// Longer than anything takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Gives up every event about one wallet, until it is mended.
pub struct Trouble {
    /// The wallet.
    pub wallet: String,
}

impl Trouble {
    /// Makes the worker that counts refuse a new wallet's movements.
    pub async fn plant(fleet: &Fleet) -> Self {
        let wallet = fleet.service("trouble").open("refused", "customer").await;
        let uuid = wallet.trim_start_matches("wal_");
        let plant = include_str!("poison/plant.sql").replace("WALLET", uuid);
        sqlx::raw_sql(AssertSqlSafe(plant))
            .execute(&fleet.owner)
            .await
            .expect("planted");
        Self { wallet }
    }

    /// Deposits `count` euros, one by one, with good deposits between them, and waits until as
    /// many dead letters are there.
    pub async fn cause(&self, fleet: &Fleet, count: usize) {
        let client = fleet.service("trouble");
        let neighbour = client.open("neighbour", "customer").await;
        for n in 0..count {
            let key = format!("refused-{n}");
            client.deposit(&key, &self.wallet, "1.00").await.created();
            let key = format!("neighbour-{n}");
            client.deposit(&key, &neighbour, "1.00").await.created();
        }
        fleet.settle().await;
        assert_eq!(parked(fleet).await, count);
    }

    /// Lets the worker take the wallet's movements.
    pub async fn mend(&self, fleet: &Fleet) {
        sqlx::raw_sql("ALTER TABLE analytics.tallies DROP CONSTRAINT planted")
            .execute(&fleet.owner)
            .await
            .expect("mended");
    }
}

/// How many dead letters wait for an operator.
pub async fn parked(fleet: &Fleet) -> usize {
    let sql = "SELECT count(*) FROM analytics.dead_letters WHERE state = 'parked'";
    count(fleet, sql).await
}

/// A number of rows.
pub async fn count(fleet: &Fleet, sql: &'static str) -> usize {
    usize::try_from(fleet.scalar(sql).await).expect("a count")
}

/// `florin dlq` on a fleet, not started yet.
pub fn dlq(fleet: &Fleet, arguments: &[&str]) -> Command {
    let mut command = florin();
    command
        .arg("dlq")
        .args(arguments)
        .arg("--data")
        .arg(fleet.dir());
    command.stdin(Stdio::null());
    Command::from(command)
}

/// The one document that `florin dlq … --json` printed, and the exit code that it should have.
pub fn answer(output: &Output, code: i32) -> Value {
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert_eq!(output.status.code(), Some(code), "{said}\n{complained}");
    serde_json::from_str(&said).unwrap_or_else(|_| panic!("no JSON: {said}\n{complained}"))
}

/// Runs `florin dlq … --json` to its end.
pub async fn told(fleet: &Fleet, arguments: &[&str], code: i32) -> Value {
    let output = dlq(fleet, arguments).arg("--json").output().await;
    answer(&output.expect("florin starts"), code)
}

/// What the worker's metric says, as soon as it says this.
pub async fn wait_until_measured(fleet: &Fleet, metric: &str, wanted: u64) {
    let line = format!("{metric}{{consumer=\"analytics\"}} {wanted}");
    eventually(&line, PATIENCE, async || {
        let url = format!("http://{}/metrics", fleet.endpoints().service(WORKER).admin);
        let answer = reqwest::get(url).await.map_err(|error| error.to_string())?;
        let text = answer.text().await.map_err(|error| error.to_string())?;
        let of_metric = text.lines().filter(|line| line.starts_with(metric));
        let found: Vec<String> = of_metric.map(str::to_owned).collect();
        if found.contains(&line) {
            Ok(())
        } else {
            Err(format!("{found:?}"))
        }
    })
    .await;
}
