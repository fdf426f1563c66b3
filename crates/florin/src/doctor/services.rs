//! The processes, and what they say about themselves.

use std::time::Duration;

use local_servers::is_running;
use serde::Deserialize;

use super::patient::{Patient, is_stopped, unstop};
use super::report::Severity;
use crate::fleet::Service;

const CHECK: &str = "services";
/// An admin address answers from memory: one that takes longer is not going to.
const ANSWER: Duration = Duration::from_secs(3);

#[derive(Debug, Deserialize)]
struct Ready {
    status: String,
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize)]
struct Part {
    #[serde(rename = "part")]
    name: String,
    state: String,
    #[serde(default)]
    why: String,
}

pub async fn check(patient: &mut Patient) {
    let services = patient.endpoints().services;
    for (name, service) in &services {
        match ask(service).await {
            Ok((ready, metrics)) => {
                patient.metrics.insert(name.clone(), metrics);
                tell(patient, name, &ready);
            }
            Err(why) => silent(patient, name, service, &why),
        }
    }
    patient.note(format!("{} service processes", services.len()));
}

async fn ask(service: &Service) -> Result<(Ready, String), String> {
    let text = |error: reqwest::Error| error.without_url().to_string();
    let client = reqwest::Client::builder()
        .timeout(ANSWER)
        .build()
        .map_err(text)?;
    let get = |path: &str| client.get(format!("http://{}{path}", service.admin)).send();
    let ready = get("/readyz").await.map_err(text)?;
    let ready = ready.json().await.map_err(text)?;
    let metrics = get("/metrics").await.map_err(text)?;
    Ok((ready, metrics.text().await.map_err(text)?))
}

fn silent(patient: &mut Patient, name: &str, service: &Service, why: &str) {
    let (pid, log) = (service.pid, patient.log(name).display().to_string());
    if !is_running(pid) {
        let found = format!("its process {pid} has ended");
        let advice = format!(
            "`florin up` starts it again within seconds. When it does not stay up, the end of \
             {log} says why."
        );
        patient.broken(CHECK, name, found, advice);
    } else if is_stopped(pid) {
        let found = format!("its process {pid} is stopped: it exists and does nothing");
        patient.broken(CHECK, name, found, unstop(pid));
    } else {
        let found = format!(
            "its process {pid} does not answer at {}: {why}",
            service.admin
        );
        let advice = format!(
            "When it does not recover, end it with `kill -9 {pid}`: `florin up` starts another, \
             and nothing acknowledged is lost. The end of {log} may say why it hangs."
        );
        patient.broken(CHECK, name, found, advice);
    }
}

/// Parts that are not well, unless a server that was found away explains them.
fn tell(patient: &mut Patient, name: &str, ready: &Ready) {
    if ready.status == "draining" {
        let advice = "Wait: `florin up` starts another when it has ended.";
        patient.worrying(CHECK, name, "it is stopping", advice);
    }
    let (no_database, no_bus) = (patient.database.is_none(), patient.bus.is_none());
    for part in ready.parts.iter().filter(|part| part.state != "ok") {
        let explained = match part.name.as_str() {
            "postgres" | "posting" | "start" => no_database,
            "nats" => no_bus,
            _ => no_database || no_bus,
        };
        if explained {
            continue;
        }
        let severity = if part.state == "down" {
            Severity::Broken
        } else {
            Severity::Worrying
        };
        let found = format!("its part {} is {}: {}", part.name, part.state, part.why);
        patient.find(CHECK, severity, name, found, advice(&part.name));
    }
}

fn advice(part: &str) -> &'static str {
    match part {
        "postgres" => {
            "It cannot reach the database that we can reach: compare its --database-url, its \
             password and the limit of connections."
        }
        "nats" => {
            "It cannot reach the NATS server that we can reach: compare its --nats-url. Reads and \
             writes go on without it; workers wait."
        }
        "relay" => {
            "Writes go on, and consumers hear of them when the relay publishes again. When the \
             reason names a history that differs, `florin topology reset --confirm` fills the \
             streams anew from the logs."
        }
        "worker" => {
            "Its events wait in the log and in the stream; none is lost. Look at its log for what \
             fails."
        }
        "start" => "It is starting: look again in a few seconds, or at the end of its log.",
        _ => "Look at the end of its log.",
    }
}
