//! What a load balancer and an operator are told while a server is away: real servers, killed
//! and frozen.

use std::{collections::BTreeMap, fs, time::Duration};

use local_servers::Signal;
use serde_json::Value;
use testkit::eventually;

use crate::fleet::{API, FRAUD_WORKER, Fleet, WORKER};

/// The promise: from the loss of Postgres to 503.
const NOTICED: Duration = Duration::from_secs(5);
/// Until everything is back: a restarted Postgres, connections, pings.
const BACK: Duration = Duration::from_mins(1);

/// A service's `/readyz`: its status, and its parts by name with their states.
async fn readyz(fleet: &Fleet, service: &str) -> Result<(u16, BTreeMap<String, String>), String> {
    let (status, body) = fleet.admin(service, "/readyz").await?;
    let body: Value = serde_json::from_str(&body).map_err(|error| error.to_string())?;
    let parts = body["parts"].as_array().ok_or("no parts")?;
    let text = |part: &Value, field: &str| part[field].as_str().unwrap_or_default().to_owned();
    let parts = parts
        .iter()
        .map(|part| (text(part, "part"), text(part, "state")));
    Ok((status, parts.collect()))
}

/// Waits until every service answers `wanted`, with this state of a part.
async fn all_say(fleet: &Fleet, within: Duration, wanted: u16, part: &str, state: &str) {
    let what = format!("all say {wanted}, {part} {state}");
    eventually(&what, within, async || {
        for service in [API, WORKER, FRAUD_WORKER] {
            let (status, parts) = readyz(fleet, service).await?;
            let found = parts.get(part).map(String::as_str);
            if (status, found) != (wanted, Some(state)) {
                return Err(format!("{service}: {status}, {parts:?}"));
            }
        }
        Ok(())
    })
    .await;
}

async fn all_live(fleet: &Fleet) {
    for service in [API, WORKER, FRAUD_WORKER] {
        let (status, body) = fleet.admin(service, "/healthz").await.expect("it answers");
        assert_eq!(status, 200, "{service}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_postgres_turns_every_service_unready_within_5_s_and_none_dies_of_it() {
    let fleet = Fleet::start(&[]).await;
    fleet.service("before").open_with("ann", "1.00").await;
    all_say(&fleet, BACK, 200, "postgres", "ok").await;
    fleet.take_postgres_down().await;
    all_say(&fleet, NOTICED, 503, "postgres", "down").await;
    all_live(&fleet).await;
    let before = fleet.endpoints().services;
    fleet.resume();
    all_say(&fleet, BACK, 200, "postgres", "ok").await;
    let pid = |service: &str| fleet.endpoints().service(service).pid;
    assert!(
        before
            .iter()
            .all(|(name, service)| pid(name) == service.pid)
    );
    fleet.close().await;
}

/// Its connections stay open, and nothing comes back: only a clock can tell.
#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_postgres_turns_every_service_unready_within_5_s_and_they_come_back_with_it() {
    let fleet = Fleet::start(&[]).await;
    all_say(&fleet, BACK, 200, "postgres", "ok").await;
    let processes = with_children(fleet.endpoints().servers.postgres.pid);
    assert!(processes.len() > 4, "the backends too: {processes:?}");
    let signal = |signal: Signal| {
        for pid in &processes {
            // A backend may have ended by itself.
            let _ = local_servers::send(*pid, signal);
        }
    };
    signal(Signal::Stop);
    all_say(&fleet, NOTICED, 503, "postgres", "down").await;
    all_live(&fleet).await;
    signal(Signal::Cont);
    all_say(&fleet, BACK, 200, "postgres", "ok").await;
    let wallet = fleet.service("after").open_with("ann", "1.00").await;
    assert_eq!(fleet.service("after").balance(&wallet).await, "1.00");
    fleet.settle().await;
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_every_service_stays_ready_and_says_that_it_does_less() {
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("nats");
    let wallet = client.open_with("ann", "1.00").await;
    fleet.settle().await;
    fleet.take_nats_down().await;
    all_say(&fleet, NOTICED, 200, "nats", "degraded").await;
    let deposit = client.deposit("without", &wallet, "1.00").await;
    assert_eq!((deposit.status, deposit.unanswered), (201, 0));
    assert_eq!(client.balance(&wallet).await, "2.00");
    all_live(&fleet).await;
    fleet.bring_nats_back().await;
    all_say(&fleet, BACK, 200, "nats", "ok").await;
    fleet.settle().await;
    fleet.close().await;
}

/// The process and those that it started, as Linux lists them.
fn with_children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = pids.filter(|pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name before it is in parentheses and may hold anything.
        let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
        let found = rest
            .split_whitespace()
            .nth(1)
            .and_then(|text| text.parse().ok());
        found == Some(parent)
    });
    [parent].into_iter().chain(children).collect()
}
