//! The README's tour, run as it is written. Only the addresses differ: the tests' fleet is not
//! the reader's.

use std::io::Write as _;

use serde_json::Value;
use tokio::process::Command;

use crate::fleet::Fleet;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
/// What the README calls the command.
const COMMAND: &str = "target/debug/florin";
/// Where the README's fleet answers.
const ADDRESS: &str = "http://127.0.0.1:8080";
/// What starts the fleet; the tests have one already.
const START: &str = "make build\ntarget/debug/florin up\n";

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_of_the_readme_works_as_it_is_written() {
    if Command::new("curl")
        .arg("--version")
        .output()
        .await
        .is_err()
    {
        // Past the test harness, which keeps the output of tests that pass to itself.
        let _ = writeln!(std::io::stdout(), "readme: absent (no curl)");
        return;
    }
    let text = std::fs::read_to_string(README).expect("there is a README");
    let mut blocks = shell_blocks(&text).into_iter();
    assert_eq!(
        blocks.next().as_deref(),
        Some(START),
        "the tour starts a fleet"
    );
    let tour: String = blocks.collect();
    assert!(tour.contains(ADDRESS) && tour.contains(COMMAND), "{tour}");

    // Its own, because the tour asks whether anything is wrong with it.
    let fleet = Fleet::start(&[]).await;
    let script = tour
        .replace(COMMAND, env!("CARGO_BIN_EXE_florin-under-test"))
        .replace(ADDRESS, &fleet.endpoints().http);
    let mut bash = Command::new("bash");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLORIN_") {
            bash.env_remove(name);
        }
    }
    let output = bash
        .args(["-euo", "pipefail", "-c", &script])
        .env("FLORIN_DATA", fleet.dir())
        .output()
        .await
        .expect("there is a bash");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}");
    answers_are_as_told(&said);
}

/// The tour's answers in order: deposit, transfer, wallet, history, replay, reused key, too much
/// money, statistics, a fortune in and out, alerts, two payments, the cut, batches. What commands
/// say to people comes after them.
fn answers_are_as_told(said: &str) {
    let answers: Vec<Value> = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let [
        deposit,
        transfer,
        wallet,
        history,
        replay,
        another,
        refused,
        stats,
        fortune,
        out,
        _,
        _,
        alerts,
        paid,
        _,
        cut,
        batches,
    ] = answers.as_slice()
    else {
        panic!("other answers than the README tells of: {said}");
    };
    assert_eq!(deposit["kind"], "deposit");
    assert_eq!(transfer["kind"], "transfer");
    assert_eq!(wallet["balances"][0]["posted"], "12.50");
    assert_eq!(history["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(replay, transfer);
    assert_eq!(another["code"], "idempotency_key_reused");
    assert_eq!(refused["code"], "insufficient_funds");
    assert!(stats["as_of_seq"].is_u64(), "{stats}");
    assert_eq!(
        (&fortune["kind"], &out["kind"]),
        (&"deposit".into(), &"withdrawal".into())
    );
    let rules: Vec<&Value> = alerts["items"]
        .as_array()
        .expect("alerts")
        .iter()
        .map(|alert| &alert["rule"])
        .collect();
    assert_eq!(
        rules,
        ["rapid_withdrawals", "large_withdrawal", "large_deposit"]
    );
    assert_eq!(paid["kind"], "payment");
    assert_eq!(cut["cut"]["state"], "closed");
    assert_eq!(batches["items"][0]["gross"], "6.50");
    assert_eq!(batches["items"][0]["count"], 2);
}

/// The blocks of shell commands, in order.
pub fn shell_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        match (line, &mut block) {
            ("```sh", None) => block = Some(String::new()),
            ("```", Some(_)) => blocks.extend(block.take()),
            (line, Some(block)) => {
                block.push_str(line);
                block.push('\n');
            }
            _ => {}
        }
    }
    blocks
}
