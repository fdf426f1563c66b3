//! Several operators at once, and a worker that dies under them.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use local_servers::Signal;
use service_runtime::worker::metrics::DEAD_LETTERS;
use testkit::eventually;

use super::{PATIENCE, Trouble, answer, count, dlq, parked, told, wait_until_measured};
use crate::fleet::{FRAUD_WORKER, Fleet, WORKER};

/// Enough that both operators are busy when the worker dies, twice.
const COUNT: usize = 150;

/// Two people replay the same dead letters at the same time, and the worker is killed twice while
/// they do: each event still counts once.
#[tokio::test(flavor = "multi_thread")]
async fn two_operators_and_a_killed_worker_replay_each_dead_letter_once() {
    let fleet = Fleet::start(&[]).await;
    let trouble = Trouble::plant(&fleet).await;
    trouble.cause(&fleet, COUNT).await;
    wait_until_measured(&fleet, DEAD_LETTERS.name, COUNT as u64).await;

    nothing_goes_through_before_it_is_mended(&fleet, &trouble).await;
    trouble.mend(&fleet).await;
    let dry = ["--dry-run", "--limit", "6", "--rate", "5"];
    let arguments = [&["replay", "--all", "--reason", "try"], &dry[..]].concat();
    let started = Instant::now();
    let rehearsed = told(&fleet, &arguments, 0).await;
    assert_eq!(rehearsed["counts"]["would_replay"], 6);
    // The first at once, and then five per second.
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(parked(&fleet).await, COUNT);

    let operator = |by: &str| {
        let arguments = [
            "replay", "--all", "--rate", "30", "--by", by, "--reason", "mended", "--json",
        ];
        let mut command = dlq(&fleet, &arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("florin starts")
    };
    let operators = [operator("ann"), operator("bob")];
    for left in [COUNT * 4 / 5, COUNT * 2 / 5] {
        eventually("they are amid it", PATIENCE, async || {
            let parked = parked(&fleet).await;
            if parked <= left { Ok(()) } else { Err(parked) }
        })
        .await;
        fleet.kill_service(WORKER).await;
        assert!(
            parked(&fleet).await > 0,
            "the worker died too late to show anything"
        );
    }
    for operator in operators {
        let output = operator.wait_with_output().await.expect("it ends");
        let report = answer(&output, 0);
        let number = |outcome: &str| report["counts"][outcome].as_u64().unwrap_or_default();
        let seen = number("replayed") + number("already_replayed");
        assert!(
            seen > 0 && report["outcomes"].as_array().map(Vec::len) == usize::try_from(seen).ok()
        );
    }
    assert_eq!(parked(&fleet).await, 0);
    let replays = "SELECT count(*) FROM analytics.dead_letter_history WHERE action = 'replayed'";
    let letters = "SELECT count(DISTINCT dead_letter) FROM analytics.dead_letter_history
                   WHERE action = 'replayed'";
    let both = (count(&fleet, replays).await, count(&fleet, letters).await);
    assert_eq!(both, (COUNT, COUNT));
    // What failed before it was mended is remembered beside what went through.
    let failed = "SELECT count(*) FROM analytics.dead_letter_history
                  WHERE action = 'replay failed' AND by = 'ann'";
    assert_eq!(count(&fleet, failed).await, 3);
    wait_until_measured(&fleet, DEAD_LETTERS.name, 0).await;
    // The books, and a recount of the statistics: each event counted once.
    fleet.close().await;
}

async fn nothing_goes_through_before_it_is_mended(fleet: &Fleet, trouble: &Trouble) {
    let listed = told(fleet, &["list", "--wallet", &trouble.wallet], 0).await;
    assert_eq!(listed["total"], COUNT);
    assert_eq!(listed["at_stake"]["EUR"], format!("{COUNT}.00"));
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(50));
    let by = ["--by", "ann", "--reason", "not mended yet", "--limit", "3"];
    let early = [&["replay", "--code", "constraint"], &by[..]].concat();
    let failed = told(fleet, &early, 1).await;
    assert_eq!(failed["counts"]["replay_failed"], 3);
    assert_eq!(parked(fleet).await, COUNT);
}

/// A command that was interrupted is repeated as it is: what was done is not done again, and told
/// as done.
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_command_is_repeated_as_it_is() {
    const COUNT: usize = 40;
    let fleet = Fleet::start(&[]).await;
    let trouble = Trouble::plant(&fleet).await;
    trouble.cause(&fleet, COUNT).await;
    let listed = told(&fleet, &["list"], 0).await;
    let ids: Vec<&str> = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter_map(|item| item["id"].as_str())
        .collect();
    assert_eq!(ids.len(), COUNT);
    trouble.mend(&fleet).await;
    let mut arguments = vec![
        "replay", "--reason", "mended", "--by", "ann", "--rate", "20",
    ];
    arguments.extend(&ids);
    let mut first = dlq(&fleet, &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("florin starts");
    eventually("it is amid it", PATIENCE, async || {
        let parked = parked(&fleet).await;
        if parked <= 30 { Ok(()) } else { Err(parked) }
    })
    .await;
    first.kill().await.expect("it is killed");
    let left = parked(&fleet).await;
    assert!(left > 0, "it was killed too late to show anything");

    let again = told(&fleet, &arguments, 0).await;
    assert_eq!(again["counts"]["replayed"], COUNT, "{again}");
    let all = "SELECT count(*) FROM analytics.dead_letter_history";
    assert_eq!(count(&fleet, all).await, COUNT);
    let other = [&["replay", "--by", "bob", "--reason", "mended"], &ids[..2]].concat();
    assert_eq!(
        told(&fleet, &other, 0).await["counts"]["already_replayed"],
        2
    );
    let late = [
        &["discard", "--by", "bob", "--reason", "too late"],
        &ids[..2],
    ]
    .concat();
    assert_eq!(
        told(&fleet, &late, 1).await["counts"]["already_replayed"],
        2
    );
    let none = told(&fleet, &["replay", "--all", "--reason", "nothing left"], 0).await;
    assert_eq!(none["outcomes"], serde_json::json!([]));
    fleet.close().await;
}

/// One worker that hangs takes nothing from the others' dead letters, and is not passed over in
/// silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_hangs_is_named_and_the_dead_letters_of_others_are_there() {
    let fleet = Fleet::start(&[]).await;
    let trouble = Trouble::plant(&fleet).await;
    trouble.cause(&fleet, 2).await;
    trouble.mend(&fleet).await;
    fleet.signal_service(FRAUD_WORKER, Signal::Stop);
    let listed = told(&fleet, &["list"], 3).await;
    assert_eq!(listed["unavailable"], serde_json::json!(["fraud"]));
    assert_eq!(listed["total"], 2);
    let done = told(&fleet, &["replay", "--all", "--reason", "mended"], 3).await;
    assert_eq!(done["counts"]["replayed"], 2);
    fleet.signal_service(FRAUD_WORKER, Signal::Cont);
    let listed = told(&fleet, &["list", "--state", "replayed"], 0).await;
    assert_eq!(listed["total"], 2);
    fleet.close().await;
}
