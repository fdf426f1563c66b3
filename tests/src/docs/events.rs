//! `docs/events.md`: what the fleet publishes, for those who consume it.

use contracts::{
    EventType,
    topology::{Topology, Worker},
};

use super::{
    GENERATED, code,
    constants::{bytes_in_words, duration_in_words, parse},
    table,
};
use crate::tidy::tree::Tree;

/// The page.
pub const PAGE: &str = "docs/events.md";

const HEADERS: &str = "crates/contracts/src/headers.rs";
const RPC: &str = "crates/contracts/src/subjects.rs";

const INTRODUCTION: &str = "# Events

Every change of the books is one event: CloudEvents 1.0 in binary mode, with JSON data. The data
holds `id`, `type` and `seq`; the `ce-*` headers repeat them. `seq` counts 1, 2, 3, … without gaps
and in commit order, so a consumer can prove that it has everything. Each event is delivered at
least once: remember the `seq` you have seen.

Contracts change by addition only. Ignore fields that you do not know. Every message ever
published stays a fixture in [`crates/contracts/fixtures`](../crates/contracts/fixtures) that must
decode for ever.";

/// The page as it should be.
///
/// # Panics
/// When a source is gone.
pub fn page(tree: &Tree) -> String {
    let sections = [
        GENERATED.to_owned(),
        INTRODUCTION.to_owned(),
        format!("## Types\n\n{}", types().trim_end()),
        "A ledger subject ends in a shard, `00` to `15`: the first byte of SHA-256 of the first \
         customer or merchant wallet in the event, mod 16. Shards only spread load. Order is by \
         `seq`, or by `version` per balance."
            .to_owned(),
        format!("## Headers\n\n{}", headers(tree).trim_end()),
        format!("## Streams\n\n{}", streams(tree).trim_end()),
        "What a stream has dropped is still in the log, which keeps everything: ask \
         `rpc.ledger.events` for it."
            .to_owned(),
        format!("## Consumers\n\nThe fleet's own durable pull consumers.\n\n{}", consumers(tree).trim_end()),
        "Dead letters of a worker are announced on `dlq.v1.<worker>.<noun>.<verb>` with the \
         original data and the `Florin-Dlq-*` headers."
            .to_owned(),
        format!("## Request and reply\n\n{}", rpc(tree).trim_end()),
        "An answer is `{\"ok\": …}` or `{\"error\": {\"code\": …, \"detail\": …}}`. The sizes that \
         all of this keeps stand in [limits.md](limits.md)."
            .to_owned(),
    ];
    format!("{}\n", sections.join("\n\n"))
}

fn types() -> String {
    let rows = EventType::ALL.iter().map(|known| {
        let name = known.as_str();
        let shard = if known.subject_stem().starts_with("ledger.") {
            ".<shard>"
        } else {
            ""
        };
        vec![
            format!("[`{name}`](../crates/contracts/schemas/{name}.json)"),
            code(&format!("{}{shard}", known.subject_stem())),
            known.meaning().to_owned(),
        ]
    });
    table(&["type and JSON Schema", "subject", "meaning"], rows)
}

fn headers(tree: &Tree) -> String {
    let constants = parse(tree.text(HEADERS).expect("the headers are there"));
    let rows = constants
        .iter()
        .map(|header| vec![code(header.value.trim_matches('"')), header.doc.clone()]);
    table(&["header", "value"], rows)
}

/// The workers that there are; the contracts keep names for more.
fn workers(tree: &Tree) -> impl Iterator<Item = Worker> {
    Worker::ALL
        .iter()
        .copied()
        .filter(|worker| tree.has(&format!("crates/{}-worker", worker.as_str())))
}

fn streams(tree: &Tree) -> String {
    let topology = Topology::default();
    let mut streams = vec![topology.ledger_stream()];
    streams.extend(workers(tree).filter_map(|worker| topology.worker_stream(worker)));
    streams.extend(workers(tree).map(|worker| topology.dlq_stream(worker)));
    let rows = streams.into_iter().map(|stream| {
        vec![
            code(&stream.name),
            code(&stream.subject),
            duration_in_words(stream.age_max),
            bytes_in_words(stream.bytes_max.unsigned_abs()),
            duration_in_words(stream.duplicate_window),
        ]
    });
    table(
        &[
            "stream",
            "subjects",
            "oldest message",
            "size",
            "duplicate window",
        ],
        rows,
    )
}

fn consumers(tree: &Tree) -> String {
    let topology = Topology::default();
    let rows = workers(tree).map(|worker| {
        let consumer = topology.consumer(worker);
        vec![
            code(&consumer.name),
            code(&consumer.stream),
            code(&consumer.filter),
            duration_in_words(consumer.ack_wait),
            consumer.ack_pending_max.to_string(),
        ]
    });
    table(
        &[
            "consumer",
            "stream",
            "filter",
            "time to ack",
            "unacknowledged at most",
        ],
        rows,
    )
}

fn rpc(tree: &Tree) -> String {
    let source = tree.text(RPC).expect("the subjects are there");
    let constants = parse(source.split("pub mod rpc {").nth(1).unwrap_or_default());
    let rows = constants
        .iter()
        .map(|subject| vec![code(subject.value.trim_matches('"')), subject.doc.clone()]);
    table(&["subject", "answers with"], rows)
}
