//! nats-server: is it there, has it JetStream, are streams and consumers what they must be.

use std::time::Duration;

use async_nats::{Client, jetstream};
use local_servers::is_running;
use serde_json::Value;

use super::patient::{Patient, is_stopped, unstop};
use super::report::Severity;
use crate::exit;
use crate::topology::{self, Row};

const CHECK: &str = "nats";
const SUBJECT: &str = "nats-server";
/// The server answers within milliseconds or is away.
const ANSWER: Duration = Duration::from_secs(5);
/// The oldest server whose JetStream does what Florin relies on.
const VERSION_MIN: (i64, i64, i64) = (2, 9, 10);
/// Beyond this part of a stream's bytes its oldest messages are soon discarded.
const BYTES_PERCENT: u64 = 80;

pub async fn check(patient: &mut Patient) {
    let url = patient.fleet.endpoints.nats.clone();
    let js = match topology::connect(&url).await {
        Ok(js) => js,
        Err(error) => return away(patient, &exit::text(&error)),
    };
    let client = js.client();
    let version = client.server_info().version;
    let (major, minor, patch) = VERSION_MIN;
    if !client.is_server_compatible(major, minor, patch) {
        let found = format!("version {version} is too old");
        let advice = format!("Florin needs {major}.{minor}.{patch} or later: upgrade the server.");
        patient.broken(CHECK, SUBJECT, found, advice);
    }
    patient.note(format!("nats-server {version}"));
    if let Err(why) = jetstream_answers(&client).await {
        let found = format!("it runs without JetStream: {why}");
        let advice = "Start it with JetStream: `nats-server -js -sd DIR`, or `jetstream {}` in its \
                      configuration.";
        patient.broken(CHECK, SUBJECT, found, advice);
        return;
    }
    streams(patient, &js).await;
    patient.bus = Some(js);
}

fn away(patient: &mut Patient, why: &str) {
    let own = patient.endpoints().servers.nats;
    let log = patient.log("nats-server").display().to_string();
    let found = format!("{why}. Reads and writes go on; consumers hear nothing");
    let advice = match own {
        Some(server) if is_stopped(server.pid) => unstop(server.pid),
        Some(server) if is_running(server.pid) => {
            format!(
                "Its process {} runs: the end of {log} says more.",
                server.pid
            )
        }
        Some(_) => format!(
            "`florin up` starts it again by itself. When it does not come back, the end of {log} \
             says why. Nothing is lost: the relays go on from the logs."
        ),
        None => "Start it, or let this machine in; the services connect again by themselves, and \
                 the relays go on from the logs."
            .to_owned(),
    };
    patient.broken(CHECK, SUBJECT, found, advice);
}

/// Asked without the library's types: 2.9 answers in a shape that they cannot read.
async fn jetstream_answers(client: &Client) -> Result<(), String> {
    let request = client.request("$JS.API.INFO", "".into());
    let message = tokio::time::timeout(ANSWER, request)
        .await
        .map_err(|_| "no answer".to_owned())?
        .map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&message.payload).unwrap_or_default();
    match answer["error"]["description"].as_str() {
        Some(description) => Err(description.to_owned()),
        None => Ok(()),
    }
}

async fn streams(patient: &mut Patient, js: &jetstream::Context) {
    let topology = patient.topology();
    let shown = topology::inspect(js, &topology).await;
    for (kind, rows) in [("stream", &shown.streams), ("consumer", &shown.consumers)] {
        for row in rows.iter().filter(|row| row.state != "ok") {
            wrong(patient, kind, row);
        }
    }
    for row in &shown.streams {
        if let (Some(bytes), Some(most)) = (row.bytes, row.bytes_max)
            && bytes.saturating_mul(100) >= most.saturating_mul(BYTES_PERCENT)
        {
            let found = format!("{bytes} of its {most} bytes are used");
            let advice = "Its oldest messages are discarded at the limit. Workers then read them \
                          from the log, which is slower; other consumers lose them.";
            patient.worrying("streams", format!("stream {}", row.name), found, advice);
        }
    }
}

fn wrong(patient: &mut Patient, kind: &str, row: &Row) {
    let subject = format!("{kind} {}", row.name);
    if row.state == "missing" {
        let advice = "Run `florin topology apply`. A stream of events is filled again from its \
                      log, and a worker settles nothing twice.";
        patient.find(
            "streams",
            Severity::Broken,
            subject,
            "it is missing",
            advice,
        );
    } else {
        let advice = "Somebody changed it, or an older Florin made it. Give it that value (`nats \
                      stream edit`, `nats consumer edit`), or delete it and run `florin topology \
                      apply`.";
        patient.find(
            "streams",
            Severity::Broken,
            subject,
            row.state.clone(),
            advice,
        );
    }
}
