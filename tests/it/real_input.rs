//! A festival's wallets of 2019, replayed: the answers were written by somebody else's system.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::{Path, PathBuf},
};

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::fleet::{Client, Fleet, florin};

/// Rows that nobody could pay: the original's opening of one wallet is missing.
const REFUSED: [&str; 3] = ["minsapay-1576", "minsapay-1781", "minsapay-1951"];
/// The balances after these differ for the same reason: reference, ours, theirs.
const MISMATCHES: [(&str, &str, &str); 3] = [
    ("minsapay-1865", "5000", "10000"),
    ("minsapay-1887", "1000", "6000"),
    ("minsapay-1974", "0", "2000"),
];
/// A tag's number was scanned into the field of the amount, and corrected later. Nothing else in
/// the data reaches the threshold, and nobody withdraws three times within a minute.
const ALERTS: [(&str, &str); 6] = [
    ("large_deposit", "minsapay-2844"),
    ("large_deposit", "minsapay-557"),
    ("large_deposit", "minsapay-561"),
    ("large_withdrawal", "minsapay-2624"),
    ("large_withdrawal", "minsapay-2845"),
    ("large_withdrawal", "minsapay-565"),
];
/// The booths that took the most, as the data's description has them: payments and sum.
const BOOTHS: [(&str, u64, i64); 8] = [
    ("booth#001", 387, 1_065_000),
    ("booth#007", 104, 952_500),
    ("booth#010", 226, 788_600),
    ("booth#006", 114, 442_260),
    ("booth#017", 88, 342_000),
    ("booth#013", 66, 239_000),
    ("booth#011", 84, 50_000),
    ("booth#016", 21, 26_000),
];

/// The folder of real input: named by the setting, or beside the workspace where it exists.
fn folder() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("FLORIN_REAL_INPUT") {
        return Some(named.into());
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data");
    beside.is_dir().then_some(beside)
}

/// Past the test harness, which keeps the output of tests that pass to itself.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_festivals_wallets_replay_to_the_balances_that_its_own_system_wrote() {
    let Some(folder) = folder() else {
        return say("real input: absent");
    };
    let file = folder.join("minsapay-2019/replay.csv");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    say("real input: run");
    let fleet = Fleet::start(&[]).await;

    let report = replay(&fleet, &file).await;
    assert_eq!(
        (&report["rows"], &report["applied"], &report["replayed"]),
        (&json!(2_449), &json!(2_446), &json!(0))
    );
    assert_eq!(report["refused"], json!({ "insufficient_funds": 3 }));
    assert_eq!(
        mismatches(&report),
        MISMATCHES.map(|(a, b, c)| (a.into(), b.into(), c.into()))
    );

    let history = History::read(&text);
    history.is_as_described();
    totals_are_as_described(&fleet).await;
    fleet.settle().await;
    statistics_agree(&fleet.service("real-input"), &fleet, &history).await;
    assert_eq!(
        alerts(&fleet).await,
        ALERTS.map(|(rule, row)| (rule.into(), row.into()))
    );

    booths_are_settled(&fleet, &history).await;

    let before = tables(&fleet).await;
    let again = replay(&fleet, &file).await;
    assert_eq!(
        (&again["applied"], &again["mismatches"]),
        (&json!(0), &json!([]))
    );
    // The three refusals are answers that were given before, too.
    assert_eq!(
        (&again["replayed"], &again["refused"]),
        (&json!(2_449), &json!({}))
    );
    assert_eq!(
        tables(&fleet).await,
        before,
        "a second replay changes nothing"
    );
    fleet.close().await;
}

/// Runs `florin replay`, and answers its report.
async fn replay(fleet: &Fleet, file: &Path) -> Value {
    let report = fleet.dir().join("replay.json");
    let mut command = florin();
    command
        .arg("replay")
        .arg(file)
        .arg("--data")
        .arg(fleet.dir());
    command
        .args(["--allow-mismatch", "3", "--report"])
        .arg(&report);
    let output = tokio::process::Command::from(command)
        .output()
        .await
        .expect("florin starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "florin replay: {}\n{said}",
        output.status
    );
    let text = std::fs::read_to_string(report).expect("a report was written");
    serde_json::from_str(&text).expect("the report is JSON")
}

fn mismatches(report: &Value) -> Vec<(String, String, String)> {
    let mismatches = report["mismatches"].as_array().expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let three = |one: &Value| {
        (
            text(&one["reference"]),
            text(&one["ours"]),
            text(&one["theirs"]),
        )
    };
    mismatches.iter().map(three).collect()
}

/// How often and how much.
type Tally = (u64, i64);

/// What the file says, summed up here.
#[derive(Default)]
struct History {
    /// By the wallet's reference and what its statistics call it.
    tallies: BTreeMap<(String, &'static str), Tally>,
    booths: BTreeSet<String>,
}

impl History {
    /// No field of this file is quoted.
    fn read(text: &str) -> Self {
        let mut history = Self::default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let [_, kind, wallet, booth, amount, "KRW", _, reference] = fields[..] else {
                panic!("an unexpected row: {line}")
            };
            if REFUSED.contains(&reference) {
                continue;
            }
            let amount = amount.parse().expect("a whole number");
            match kind {
                "deposit" => history.add(wallet, "deposited", amount),
                "withdrawal" => history.add(wallet, "withdrawn", amount),
                "payment" => {
                    history.add(wallet, "paid", amount);
                    history.add(booth, "received", amount);
                    history.booths.insert(booth.to_owned());
                }
                _ => panic!("an unexpected kind: {line}"),
            }
        }
        history
    }

    fn add(&mut self, wallet: &str, what: &'static str, amount: i64) {
        let tally = self.tallies.entry((wallet.to_owned(), what)).or_default();
        *tally = (tally.0 + 1, tally.1 + amount);
    }

    fn of(&self, wallet: &str, what: &'static str) -> Tally {
        self.tallies
            .get(&(wallet.to_owned(), what))
            .copied()
            .unwrap_or_default()
    }

    fn wallets(&self) -> BTreeSet<&str> {
        self.tallies
            .keys()
            .map(|(wallet, _)| wallet.as_str())
            .collect()
    }

    /// Our reading of the file is that of its description.
    fn is_as_described(&self) {
        for (booth, count, sum) in BOOTHS {
            assert_eq!(self.of(booth, "received"), (count, sum), "{booth}");
        }
        assert_eq!(self.booths.len(), 17);
    }
}

/// The sums of the description, read from the ledger's tables.
async fn totals_are_as_described(fleet: &Fleet) {
    let totals: Vec<(String, i64, i64)> = sqlx::query_as(
        "SELECT e.data::jsonb->>'kind', count(*), sum(p.amount)::bigint
         FROM ledger.events AS e JOIN ledger.postings AS p USING (seq)
         WHERE p.amount > 0 GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&fleet.owner)
    .await
    .expect("the books are there");
    let expected = [
        ("deposit".to_owned(), 535, 4_324_108_820),
        ("payment".to_owned(), 1_586, 4_599_210),
        ("withdrawal".to_owned(), 325, 4_304_594_410),
    ];
    assert_eq!(totals, expected);
    let held: (i64, i64) = sqlx::query_as(
        "SELECT count(*), sum(b.posted)::bigint
         FROM ledger.balances AS b JOIN ledger.wallets AS w ON w.id = b.wallet_id
         WHERE w.kind = 'customer' AND b.currency = 'KRW'",
    )
    .fetch_one(&fleet.owner)
    .await
    .expect("the books are there");
    assert_eq!(held, (386, 14_915_200));
}

/// Every wallet's and booth's statistics are the file's.
async fn statistics_agree(client: &Client, fleet: &Fleet, history: &History) {
    let ids: BTreeMap<String, String> = sqlx::query_as(
        "SELECT reference, 'wal_' || replace(id::text, '-', '') FROM ledger.wallets
         WHERE reference IS NOT NULL",
    )
    .fetch_all(&fleet.owner)
    .await
    .expect("the wallets are there")
    .into_iter()
    .collect();
    let expected = history.wallets();
    assert_eq!(
        ids.keys().map(String::as_str).collect::<BTreeSet<_>>(),
        expected
    );
    let wrong: Vec<Value> = stream::iter(&ids)
        .map(async |(reference, id)| {
            let stats = client.get(&format!("/v1/wallets/{id}/stats")).await.found();
            let tally = |what| {
                let (count, sum) = history.of(reference, what);
                json!({ "count": count, "amount": sum.to_string() })
            };
            let balances = json!([{
                "currency": "KRW", "deposited": tally("deposited"), "withdrawn": tally("withdrawn"),
                "paid": tally("paid"), "received": tally("received"),
                "transferred_in": tally("-"), "transferred_out": tally("-"),
            }]);
            (stats["balances"] != balances).then_some(json!([
                reference,
                stats["balances"],
                balances
            ]))
        })
        .buffer_unordered(8)
        .filter_map(async |wrong| wrong)
        .collect()
        .await;
    assert!(
        wrong.is_empty(),
        "{} statistics differ, such as {:#}",
        wrong.len(),
        wrong[0]
    );
}

/// Every booth's payments are in its settlement batches, counted and summed as the file has them.
async fn booths_are_settled(fleet: &Fleet, history: &History) {
    let finance = fleet.service("finance");
    let path = "/v1/settlements/batches";
    let cut = finance.order("cut", path, &json!({})).await.created();
    assert_eq!(cut["cut"]["state"], "closed");
    // The schedule may have come first, at midnight: all batches together are what counts.
    let page = finance.get(&format!("{path}?limit=200")).await.found();
    assert_eq!(page["next_cursor"], Value::Null);
    let mut settled: BTreeMap<String, Tally> = BTreeMap::new();
    for batch in page["items"].as_array().expect("a list") {
        assert_eq!(batch["currency"], "KRW");
        let merchant = batch["merchant"].as_str().expect("a wallet").to_owned();
        let tally = settled.entry(merchant).or_default();
        let gross = batch["gross"].as_str().expect("a text");
        tally.0 += batch["count"].as_u64().expect("a number");
        tally.1 += gross.parse::<i64>().expect("whole won");
    }
    let booths: BTreeMap<String, String> = sqlx::query_as(
        "SELECT 'wal_' || replace(id::text, '-', ''), reference FROM ledger.wallets
         WHERE kind = 'merchant'",
    )
    .fetch_all(&fleet.owner)
    .await
    .expect("the wallets are there")
    .into_iter()
    .collect();
    let settled: BTreeMap<&str, Tally> = settled
        .iter()
        .map(|(merchant, tally)| (booths[merchant].as_str(), *tally))
        .collect();
    let booths = history.booths.iter();
    let expected: BTreeMap<&str, Tally> = booths
        .map(|booth| (booth.as_str(), history.of(booth, "received")))
        .collect();
    assert_eq!(settled, expected);
    let all = settled
        .values()
        .fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
    assert_eq!((settled.len(), all), (17, (1_586, 4_599_210)));
}

/// Rule and row of every alert, in order.
async fn alerts(fleet: &Fleet) -> Vec<(String, String)> {
    let client = fleet.service("real-input");
    let page = client.get("/v1/alerts?limit=200").await.found();
    assert_eq!(page["next_cursor"], Value::Null);
    let rows: BTreeMap<i64, String> = sqlx::query_as(
        "SELECT seq, data::jsonb->>'reference' FROM ledger.events
         WHERE data::jsonb->>'reference' IS NOT NULL",
    )
    .fetch_all(&fleet.owner)
    .await
    .expect("the events are there")
    .into_iter()
    .collect();
    let mut alerts: Vec<_> = page["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|alert| {
            let rule = alert["rule"].as_str().expect("a rule").to_owned();
            let seq = alert["seq"].as_i64().expect("a position");
            (rule, rows[&seq].clone())
        })
        .collect();
    alerts.sort_unstable();
    alerts
}

/// What a replay could change.
async fn tables(fleet: &Fleet) -> String {
    sqlx::query_scalar(include_str!("real_input/tables.sql"))
        .fetch_one(&fleet.owner)
        .await
        .expect("the tables are there")
}
