//! The load: many connections, each with one request under way, until the time is over.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::task::JoinSet;

use super::connection::Connection;
use super::histogram::Histogram;
use super::request::Requests;

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
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Of the answers that moved money.
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
    pub async fn transfer(
        &self,
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
                    run: format!("b{connections}-{number}"),
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

#[derive(Debug, Clone, Copy)]
struct Window {
    begin: Instant,
    end: Instant,
}

struct Sender {
    requests: Requests,
    wallets: Arc<[String]>,
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
            let (from, to) = self.pair();
            let (from, to) = (&self.wallets[from], &self.wallets[to]);
            self.requests
                .transfer(&mut request, from, to, &self.run, number);
            let status = self.connection.ask(&request).await?.status;
            let answered = Instant::now();
            if answered >= self.window.end {
                break;
            }
            if answered >= self.window.begin {
                *measured.statuses.entry(status).or_default() += 1;
                if status == CREATED {
                    measured.latencies.record(answered - sent);
                }
            }
            // Between an answer and the next request there is nothing to wait for.
            sent = answered;
        }
        Ok(measured)
    }

    /// Two different wallets.
    fn pair(&mut self) -> (usize, usize) {
        let count = self.wallets.len();
        let from = self.random.random_range(0..count);
        let distance = self.random.random_range(1..count);
        (from, (from + distance) % count)
    }
}
