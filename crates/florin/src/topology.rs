//! `florin topology`: streams and consumers as the contracts want them, and as they are.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use async_nats::jetstream;
use contracts::topology::{ConsumerSpec, StreamSpec, Topology, Worker};
use serde::Serialize;
use service_runtime::nats;

use crate::exit::{Code, Failure};
use crate::fleet::{DEFAULT_DIR, Fleet};
use crate::output::{self, Output};

/// The workers that a fleet runs today.
const WORKERS: &[Worker] = &[Worker::Analytics, Worker::Fraud, Worker::Settlement];
/// NATS answers within milliseconds or is away.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Shows, applies or resets streams and consumers.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,

    /// The fleet whose NATS is meant.
    #[arg(long, env = "FLORIN_DATA", default_value = DEFAULT_DIR, value_name = "DIR", global = true)]
    data: PathBuf,

    /// A NATS server without a fleet.
    #[arg(
        long,
        env = "FLORIN_NATS_URL",
        hide_env_values = true,
        value_name = "URL",
        global = true
    )]
    nats_url: Option<String>,

    /// The prefix of names, with --nats-url.
    #[arg(long, env = "FLORIN_PREFIX", default_value = "", global = true)]
    prefix: String,

    /// Print one JSON document on stdout instead of a text for people.
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum Action {
    /// Shows every stream and consumer, as it is.
    Show,
    /// Creates what is missing and compares the rest.
    Apply,
    /// Deletes the streams of events and creates them anew; the relays fill them again from
    /// the logs, under a new epoch. The way out when Postgres was restored to an older state.
    Reset {
        /// Really.
        #[arg(long)]
        confirm: bool,
    },
}

/// Does it.
///
/// # Errors
/// When NATS is out of reach, or something there is not as it must be.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let (url, topology) = if let Some(url) = args.nats_url {
        (url, Topology::with_prefix(&args.prefix))
    } else {
        let endpoints = Fleet::find(&args.data)?.endpoints;
        (endpoints.nats, Topology::with_prefix(&endpoints.prefix))
    };
    match args.action.unwrap_or(Action::Show) {
        Action::Show => show(&url, &topology, Output { json: args.json }).await,
        Action::Apply => {
            apply(&url, &topology).await?;
            output::note("Streams and consumers are as they must be.");
            Ok(Code::Done)
        }
        Action::Reset { confirm: false } => Err(Failure::usage(
            "reset deletes the streams of events, to be filled again from the logs: say --confirm if you mean it",
        )
        .into()),
        Action::Reset { confirm: true } => {
            reset(&url, &topology).await?;
            output::note("The streams of events are new and empty; the relays fill them from the logs.");
            Ok(Code::Done)
        }
    }
}

/// The streams that a relay fills from a log.
fn event_streams(topology: &Topology) -> Vec<StreamSpec> {
    let of_workers = WORKERS
        .iter()
        .filter_map(|worker| topology.worker_stream(*worker));
    [topology.ledger_stream()]
        .into_iter()
        .chain(of_workers)
        .collect()
}

fn streams(topology: &Topology) -> Vec<StreamSpec> {
    let mut streams = event_streams(topology);
    streams.extend(WORKERS.iter().map(|worker| topology.dlq_stream(*worker)));
    streams
}

fn consumers(topology: &Topology) -> Vec<ConsumerSpec> {
    WORKERS
        .iter()
        .map(|worker| topology.consumer(*worker))
        .collect()
}

/// Creates missing streams and consumers and compares the others.
///
/// # Errors
/// When NATS is out of reach, or something there is not as it must be.
pub async fn apply(url: &str, topology: &Topology) -> anyhow::Result<()> {
    let js = connect(url).await?;
    for spec in streams(topology) {
        nats::ensure_stream(&js, &spec).await?;
    }
    for spec in consumers(topology) {
        nats::ensure_consumer(&js, &spec).await?;
    }
    Ok(())
}

async fn reset(url: &str, topology: &Topology) -> anyhow::Result<()> {
    let js = connect(url).await?;
    // All schemas are in one database, so they went back in time together.
    for StreamSpec { name, .. } in event_streams(topology) {
        match js.delete_stream(&name).await {
            Ok(_) => {}
            // Somebody deleted it before us: then it only needs to be created.
            Err(error) if js.get_stream(&name).await.is_err() => {
                tracing::debug!(error = error.to_string(), "The stream was not there");
            }
            Err(error) => {
                return Err(error).with_context(|| format!("cannot delete the stream {name}"));
            }
        }
    }
    apply(url, topology).await
}

/// A stream or consumer as it is.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    subject: String,
    /// `ok`, `missing`, or how it differs.
    pub(crate) state: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes: Option<u64>,
    /// Where the oldest messages are discarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bytes_max: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unacknowledged: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    pub(crate) streams: Vec<Row>,
    pub(crate) consumers: Vec<Row>,
}

/// Every stream and consumer as it is.
pub(crate) async fn inspect(js: &jetstream::Context, topology: &Topology) -> Shown {
    let mut shown = Shown {
        streams: Vec::new(),
        consumers: Vec::new(),
    };
    for spec in streams(topology) {
        shown.streams.push(stream_row(js, &spec).await);
    }
    for spec in consumers(topology) {
        shown.consumers.push(consumer_row(js, &spec).await);
    }
    shown
}

async fn show(url: &str, topology: &Topology, output: Output) -> anyhow::Result<Code> {
    let js = connect(url).await?;
    let shown = inspect(&js, topology).await;
    let all = || shown.streams.iter().chain(&shown.consumers);
    let is_clean = all().all(|row| row.state == "ok");
    output.answer(&shown, || {
        let mut table = output::table(&[
            "", "subject", "state", "messages", "last", "pending", "unacked",
        ]);
        for row in all() {
            let number = |value: Option<u64>| value.map_or_else(String::new, output::grouped);
            table.add_row(vec![
                row.name.clone(),
                row.subject.clone(),
                row.state.clone(),
                number(row.messages),
                number(row.last_sequence),
                number(row.pending),
                number(row.unacknowledged),
            ]);
        }
        output::align_right(&mut table, &[3, 4, 5, 6]);
        table.to_string()
    })?;
    Ok(Code::of_check(is_clean))
}

async fn stream_row(js: &jetstream::Context, spec: &StreamSpec) -> Row {
    let mut row = row(&spec.name, &spec.subject);
    // Looked at first: `ensure` would create it.
    if let Ok(stream) = js.get_stream(&spec.name).await {
        let state = &stream.cached_info().state;
        (row.messages, row.last_sequence) = (Some(state.messages), Some(state.last_sequence));
        row.bytes = Some(state.bytes);
        row.bytes_max = u64::try_from(stream.cached_info().config.max_bytes).ok();
        row.state = match nats::ensure_stream(js, spec).await {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
    }
    row
}

async fn consumer_row(js: &jetstream::Context, spec: &ConsumerSpec) -> Row {
    let mut row = row(&format!("{} / {}", spec.stream, spec.name), &spec.filter);
    if let Ok(stream) = js.get_stream(&spec.stream).await
        && let Ok(info) = stream.consumer_info(&spec.name).await
    {
        row.pending = Some(info.num_pending);
        row.unacknowledged = u64::try_from(info.num_ack_pending).ok();
        row.state = match nats::ensure_consumer(js, spec).await {
            Ok(_) => "ok".to_owned(),
            Err(error) => error.to_string(),
        };
    }
    row
}

fn row(name: &str, subject: &str) -> Row {
    Row {
        name: name.to_owned(),
        subject: subject.to_owned(),
        state: "missing".to_owned(),
        messages: None,
        bytes: None,
        bytes_max: None,
        last_sequence: None,
        pending: None,
        unacknowledged: None,
    }
}

/// JetStream at `url`.
///
/// # Errors
/// Exit code 3 when it is out of reach.
pub(crate) async fn connect(url: &str) -> anyhow::Result<jetstream::Context> {
    let addresses: Vec<&str> = url.split(',').map(str::trim).collect();
    let connecting = async_nats::ConnectOptions::new()
        .name("florin")
        .connect(addresses);
    let away = |why: String| Failure::out_of_reach(format!("NATS is out of reach at {url}: {why}"));
    let client = tokio::time::timeout(CONNECT_PATIENCE, connecting)
        .await
        .map_err(|_| away("no answer".to_owned()))?
        .map_err(|error| away(error.to_string()))?;
    Ok(jetstream::new(client))
}
