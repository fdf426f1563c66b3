//! `florin bench`, for a moment: every number is there, and nothing is left behind.

use crate::fleet::ran;

/// Whose lag is told.
const WORKERS: [&str; 3] = ["analytics-worker", "fraud-worker", "settlement-worker"];
/// What the load shares the machine with.
const PROCESSES: [&str; 7] = [
    "analytics-worker",
    "fraud-worker",
    "ledger-api",
    "load generator",
    "nats-server",
    "postgres",
    "settlement-worker",
];

/// Measures for a moment, and the books balance.
fn measured(what: &str) -> serde_json::Value {
    let arguments = format!("bench --json --seconds 1 --wallets 20 --seed 7 {what}");
    let bench = ran(&arguments.split(' ').collect::<Vec<_>>());
    let words = String::from_utf8_lossy(&bench.stderr);
    assert_eq!(bench.status.code(), Some(0), "{words}");
    let report: serde_json::Value = serde_json::from_slice(&bench.stdout).expect("one document");
    assert_eq!(report["is_clean"], true, "{report}");
    report
}

#[tokio::test]
async fn a_moment_of_load_is_measured_beside_the_yardstick() {
    let report = measured("--connections 2,8 --only uniform");
    let loads = report["loads"].as_array().expect("loads");
    assert_eq!(loads.len(), 2);
    for load in loads {
        let answers = load["answers"].as_object().expect("answers");
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["201"], "{report}");
        assert!(
            load["transfers_per_second"].as_u64().expect("a speed") > 0,
            "{report}"
        );
        for worker in WORKERS {
            let lag = &load["workers"][worker];
            let events = lag["events"].as_u64().expect("events");
            assert!(events > 0 && lag["behind"].is_u64(), "{report}");
        }
        if cfg!(target_os = "linux") {
            let memory = load["memory_mib"].as_object().expect("memory");
            assert_eq!(memory.keys().collect::<Vec<_>>(), PROCESSES, "{report}");
        }
    }
    if let Some(yardstick) = report["yardstick"].as_object() {
        assert!(
            yardstick["per_second"].as_u64().expect("a speed") > 0,
            "{report}"
        );
        assert!(loads[0]["to_yardstick"].is_f64(), "{report}");
    }
}

/// Also that the history is one that the ledger and its workers could have written: every law of
/// `florin verify` holds in it, before and after the load.
#[tokio::test]
async fn an_old_ledger_few_wallets_and_bulk_are_measured_beside_the_uniform_load() {
    let report = measured("--connections 4 --only hot,preloaded,bulk --preload 2000");
    let loads = report["loads"].as_array().expect("loads");
    let scenarios: Vec<_> = loads.iter().map(|load| &load["scenario"]).collect();
    assert_eq!(scenarios, ["uniform", "hot", "bulk", "preloaded"]);
    for load in loads {
        let answers = load["answers"].as_object().expect("answers");
        assert_eq!(answers.keys().collect::<Vec<_>>(), ["201"], "{report}");
        let compared = ["hot", "preloaded"]
            .iter()
            .any(|it| load["scenario"] == *it);
        assert_eq!(load["to_uniform"].is_f64(), compared, "{report}");
    }
    assert_eq!(report["preloaded"]["entries"], 2_000);
    assert_eq!(report["preloaded"]["wallets"], 200);
}
