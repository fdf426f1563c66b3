//! The runbook's commands, run as they are written, in its order.

use async_nats::jetstream;
use contracts::{EventType, topology::Worker};
use service_runtime::worker::metrics::DEAD_LETTERS;
use testkit::eventually;
use tokio::process::Command;

use super::{Trouble, parked, told};
use crate::{fleet::Fleet, readme::shell_blocks};

const RUNBOOK: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/runbooks/dead-letters.md"
);
const RULES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../deploy/prometheus/dead-letters.yml"
);
/// Where the runbook's fleet answers.
const ADDRESS: &str = "http://127.0.0.1:8080";
const COUNT: usize = 6;
/// Each has its own dead letter of a message that no relay sent.
const WORKERS: usize = Worker::ALL.len();

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_runbook_work_as_they_are_written() {
    let text = std::fs::read_to_string(RUNBOOK).expect("there is a runbook");
    let commands: String = shell_blocks(&text).concat();
    assert!(commands.contains(ADDRESS), "{commands}");
    let fleet = Fleet::start(&[]).await;
    let trouble = Trouble::plant(&fleet).await;
    trouble.cause(&fleet, COUNT).await;
    publish_as_a_stranger(&fleet).await;
    trouble.mend(&fleet).await;
    let listed = told(&fleet, &["list", "--code", "constraint"], 0).await;
    let id = listed["items"][0]["id"].as_str().expect("an id");

    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut bash = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLORIN_") {
            bash.env_remove(name);
        }
    }
    let commands = commands.replace(ADDRESS, &fleet.endpoints().http);
    let output = bash
        .args(["-euo", "pipefail", "-c"])
        .arg(format!(
            "florin() {{ \"$UNDER_TEST\" \"$@\"; }}\n{commands}"
        ))
        .env("UNDER_TEST", env!("CARGO_BIN_EXE_florin-under-test"))
        .env("FLORIN_DATA", fleet.dir())
        .env("ID", id)
        .current_dir(folder.path())
        .output()
        .await
        .expect("there is a bash");
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    for line in [
        &format!("At stake: {COUNT}.00 EUR"),
        "would replay",
        "A dry run: nothing was changed.",
        "Nobody has acted on it.",
        "\"unavailable\":[]",
        // The stranger's message is a dead letter of both workers.
        "discarded        2",
    ] {
        let plain = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(plain.contains(&line), "{line} is not in {said}");
    }
    let kept = std::fs::read_to_string(folder.path().join("dead-letters.json"));
    let kept: serde_json::Value =
        serde_json::from_str(&kept.expect("finance gets a file")).expect("JSON");
    assert_eq!(kept["total"], COUNT + WORKERS);
    assert_eq!(kept["at_stake"], serde_json::json!({}));
    assert_eq!(parked(&fleet).await, 0);
    fleet.close().await;
}

#[test]
fn the_alert_is_about_the_metric_that_workers_have() {
    let rules = std::fs::read_to_string(RULES).expect("there are rules");
    let runbook = std::fs::read_to_string(RUNBOOK).expect("there is a runbook");
    for text in [rules, runbook] {
        let expression = format!("max by (consumer) ({})", DEAD_LETTERS.name);
        assert!(text.contains(&expression), "{text}");
        assert!(text.contains("DeadLettersOpen"), "{text}");
    }
}

/// What is not in the log, among what is.
async fn publish_as_a_stranger(fleet: &Fleet) {
    let context = jetstream::new(fleet.nats().await);
    let subject = format!("{}.00", EventType::DepositPosted.subject_stem());
    let sent = context.publish(subject, "no event".into()).await;
    sent.expect("published").await.expect("stored");
    eventually("every worker gave it up", super::PATIENCE, async || {
        let found = told(fleet, &["list", "--code", "foreign"], 0).await;
        if found["total"] == WORKERS {
            Ok(())
        } else {
            Err(found)
        }
    })
    .await;
}
