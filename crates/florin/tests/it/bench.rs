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

#[tokio::test]
async fn a_moment_of_load_is_measured_beside_the_yardstick() {
    let arguments = "bench --json --seconds 1 --connections 2,8 --wallets 20 --seed 7";
    let bench = ran(&arguments.split(' ').collect::<Vec<_>>());
    let words = String::from_utf8_lossy(&bench.stderr);
    assert_eq!(bench.status.code(), Some(0), "{words}");
    let report: serde_json::Value = serde_json::from_slice(&bench.stdout).expect("one document");
    assert_eq!(report["is_clean"], true, "{report}");
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
