//! One message on the ledger's stream that no relay sent, and what becomes of it.

use std::time::Duration;

use anyhow::Context as _;
use contracts::EventType;
use contracts::topology::{Topology, Worker};
use indicatif::ProgressBar;
use serde::Serialize;

use super::PATIENCE;
use crate::api_client::{Act, ApiClient, DeadLetter};
use crate::exit::Failure;
use crate::fleet::Fleet;
use crate::token::Role;
use crate::topology;

/// How often the day's progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What it says: no event.
const WORDS: &str = "{\"this\": \"is no event\"";

/// What became of the message.
#[derive(Debug, Clone, Serialize)]
pub struct Poison {
    /// Its place in the stream, among the events.
    pub stream_sequence: u64,
    /// The workers that met it, and put it aside.
    pub workers: Vec<String>,
    /// Why, as a short code.
    pub reason: String,
    /// Why, in words.
    pub error: String,
    /// How many of its dead letters were discarded.
    pub discarded: usize,
}

impl Poison {
    /// Every worker put it aside, and nobody has to look at it again.
    pub fn is_clean(&self) -> bool {
        self.workers.len() == Worker::ALL.len() && self.discarded == self.workers.len()
    }
}

/// Puts the message on the stream when the day is so far; its place in the stream.
///
/// # Errors
/// When NATS is out of reach.
pub async fn put(fleet: &Fleet, progress: &ProgressBar, when: u64) -> anyhow::Result<u64> {
    while progress.position() < when {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let topology = Topology::with_prefix(&fleet.endpoints.prefix);
    let js = topology::connect(&fleet.endpoints.nats).await?;
    let subject = topology.subject(&format!("{}.00", EventType::TransferPosted.subject_stem()));
    let sent = js
        .publish(subject, WORDS.into())
        .await
        .context("could not send the message")?;
    Ok(sent
        .await
        .context("the stream did not take the message")?
        .sequence)
}

/// Waits until every worker has parked it, and discards the dead letters: it is no event, so
/// nothing can come of it.
///
/// # Errors
/// When one does not park it, or the fleet is out of reach.
pub async fn settle(fleet: &Fleet, stream_sequence: u64) -> anyhow::Result<Poison> {
    let client = fleet.client(Role::Operator, "demo-operator")?;
    let letters = parked(&client).await?;
    let mut discarded = 0;
    for letter in &letters {
        let act = Act {
            worker: letter.worker.clone(),
            reason: "no relay of ours sent it".to_owned(),
            dry_run: false,
        };
        let key = format!("demo-discard-{}", letter.id);
        let acted = client
            .act_on_dead_letter(&key, letter.id, "discard", &act)
            .await?;
        discarded += usize::from(acted.body.outcome == "discarded");
    }
    let first = letters.first().context("no worker met the message")?;
    Ok(Poison {
        stream_sequence,
        reason: first.reason.clone(),
        error: first.error.clone(),
        workers: letters.iter().map(|letter| letter.worker.clone()).collect(),
        discarded,
    })
}

async fn parked(client: &ApiClient) -> anyhow::Result<Vec<DeadLetter>> {
    let mut delays = PATIENCE.delays();
    loop {
        let letters = client
            .dead_letters(&[("reason", "foreign"), ("state", "parked")])
            .await?;
        if letters.items.len() >= Worker::ALL.len() {
            return Ok(letters.items);
        }
        if !delays.wait().await {
            let words = "not every worker put the message aside that is no event";
            return Err(Failure::out_of_reach(words).into());
        }
    }
}
