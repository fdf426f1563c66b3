//! The load: many connections, each with one request under way, until the time is over.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::connection::{Answer, Connection};
use super::histogram::Histogram;
use super::request::Requests;
use super::scenario::{BULK_OPERATIONS, Scenario};

/// Before it counts: connections are made, caches and plans warm up.
const WARM_UP: Duration = Duration::from_secs(2);
/// Connections that open wallets: what the ledger's batches need to fill.
const OPENERS: usize = 64;

/// What is measured, and with what.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where the API listens.
    pub address: SocketAddr,
    /// Its requests.
    pub requests: Requests,
    /// Where randomness begins.
    pub seed: u64,
}

/// What came of a load.
#[derive(Debug, Default)]
pub struct Measured {
    /// Transfers by the status they were answered with.
    pub statuses: BTreeMap<u16, u64>,
    /// Of the requests that moved money.
    pub latencies: Histogram,
    /// How long was counted.
    pub time: Duration,
}

impl Target {
    /// Opens wallets and puts enough money into each.
    ///
    /// # Errors
    /// When the ledger does not do as it is told.
    pub async fn open_wallets(&self, count: usize) -> anyhow::Result<Vec<String>> {
        let mut openers = JoinSet::new();
        for first in 0..OPENERS.min(count) {
            openers.spawn(self.clone().open_some(first, count));
        }
        let mut opened = Vec::with_capacity(count);
        while let Some(some) = openers.join_next().await {
            opened.extend(some??);
        }
        // The same order in every run: the same pairs.
        opened.sort_unstable();
        Ok(opened.into_iter().map(|(_, wallet)| wallet).collect())
    }

    async fn open_some(self, first: usize, count: usize) -> anyhow::Result<Vec<(usize, String)>> {
        let mut connection = Connection::open(self.address).await?;
        let mut opened = Vec::new();
        let mut request = Vec::new();
        for number in (first..count).step_by(OPENERS) {
            let body = format!(r#"{{"owner":"bench-{number}","kind":"customer"}}"#);
            self.requests.post(
                &mut request,
                "/v1/wallets",
                &format!("open-{number}"),
                &body,
            );
            let wallet: serde_json::Value = created(&mut connection, &request).await?;
            let id = wallet["id"]
                .as_str()
                .context("a wallet without an id")?
                .to_owned();
            let path = format!("/v1/wallets/{id}/deposit");
            let body = r#"{"amount":"1000000.00","currency":"EUR"}"#;
            self.requests
                .post(&mut request, &path, &format!("fund-{number}"), body);
            created(&mut connection, &request).await?;
            opened.push((number, id));
        }
        Ok(opened)
    }

    /// Transfers between random pairs of wallets, over so many connections for so long.
    ///
    /// # Errors
    /// When a connection cannot be made or breaks.
    pub async fn measure(
        &self,
        scenario: Scenario,
        wallets: &Arc<[String]>,
        connections: usize,
        time: Duration,
    ) -> anyhow::Result<Measured> {
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            let connection = Connection::open(self.address).await;
            open.push(connection.context("cannot open that many connections")?);
        }
        let begin = Instant::now() + WARM_UP;
        let window = Window {
            begin,
            end: begin + time,
        };
        let mut senders = JoinSet::new();
        for (number, connection) in open.into_iter().enumerate() {
            let seed = self.seed ^ ((connections as u64) << 32) ^ number as u64;
            senders.spawn(
                Sender {
                    requests: self.requests.clone(),
                    wallets: wallets.clone(),
                    bulk: scenario == Scenario::Bulk,
                    run: format!("{}-{connections}-{number}", scenario.as_str()),
                    random: StdRng::seed_from_u64(seed),
                    connection,
                    window,
                }
                .run(),
            );
        }
        let mut all = Measured {
            time,
            ..Measured::default()
        };
        while let Some(one) = senders.join_next().await {
            let one = one?.context("a connection broke")?;
            all.latencies.merge(&one.latencies);
            for (status, count) in one.statuses {
                *all.statuses.entry(status).or_default() += count;
            }
        }
        Ok(all)
    }
}

async fn created(connection: &mut Connection, request: &[u8]) -> anyhow::Result<serde_json::Value> {
    let answer = connection.ask(request).await?;
    let text = String::from_utf8_lossy(answer.body);
    ensure!(
        answer.status == CREATED,
        "the ledger answered {}: {text}",
        answer.status
    );
    Ok(serde_json::from_slice(answer.body)?)
}

/// The status of a transfer that was posted.
pub const CREATED: u16 = 201;

/// What a batch was answered with, and how many of its transfers were posted. Each result has its
/// status; to count them is less work than to read a megabyte of JSON.
fn in_bulk(answer: Answer<'_>) -> (u16, u64) {
    if answer.status != OK {
        return (answer.status, 0);
    }
    let posted = answer.body.windows(POSTED.len());
    (
        REFUSED,
        posted.filter(|bytes| *bytes == POSTED).count() as u64,
    )
}

/// The status of a batch that was taken.
const OK: u16 = 200;
/// What stands for the transfers of a batch that were not posted.
const REFUSED: u16 = 422;
/// A result of a batch whose transfer was posted.
const POSTED: &[u8] = b"\"status\":201";

#[derive(Debug, Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

struct Sender {
    requests: Requests,
    wallets: Arc<[String]>,
    bulk: bool,
    run: String,
    random: StdRng,
    connection: Connection,
    window: Window,
}

impl Sender {
    async fn run(mut self) -> std::io::Result<Measured> {
        let mut measured = Measured::default();
        let mut request = Vec::with_capacity(1024);
        let mut sent = Instant::now();
        for number in 0.. {
            self.prepare(&mut request, number);
            let answer = self.connection.ask(&request).await?;
            let answered = Instant::now();
            if answered >= self.window.end {
                break;
            }
            if answered >= self.window.begin {
                let (status, created) = if self.bulk {
                    in_bulk(answer)
                } else {
                    (answer.status, u64::from(answer.status == CREATED))
                };
                if created > 0 {
                    *measured.statuses.entry(CREATED).or_default() += created;
                    measured.latencies.record(answered - sent);
                }
                let asked = if self.bulk { BULK_OPERATIONS as u64 } else { 1 };
                if created < asked {
                    *measured.statuses.entry(status).or_default() += asked - created;
                }
            }
            // Between an answer and the next request there is nothing to wait for.
            sent = answered;
        }
        Ok(measured)
    }

    /// Writes the next request.
    fn prepare(&mut self, request: &mut Vec<u8>, number: u64) {
        if self.bulk {
            let pairs: Vec<_> = (0..BULK_OPERATIONS).map(|_| self.pair()).collect();
            let named = pairs
                .into_iter()
                .map(|(from, to)| (self.wallets[from].as_str(), self.wallets[to].as_str()));
            self.requests.bulk(request, named, &self.run, number);
        } else {
            let (from, to) = self.pair();
            let (from, to) = (&self.wallets[from], &self.wallets[to]);
            self.requests.transfer(request, from, to, &self.run, number);
        }
    }

    /// Two different wallets.
    fn pair(&mut self) -> (usize, usize) {
        let count = self.wallets.len();
        let from = self.random.random_range(0..count);
        let distance = self.random.random_range(1..count);
        (from, (from + distance) % count)
    }
}
