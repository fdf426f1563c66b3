//! What Prometheus reads from every process of a fleet.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::json;
use service_runtime::metrics::Metric;
use system_tests::docs::metrics::TABLES;
use testkit::eventually;

use crate::fleet::{API, FRAUD_WORKER, Fleet, Load, LoadWallets, SETTLEMENT_WORKER, WORKER};

/// Longer than a look at the lag or the balances takes to show.
const SOON: Duration = Duration::from_secs(30);
/// Values of one label of one metric: routes are the most, and they are a closed list.
const LABEL_VALUES_MAX: usize = 64;

/// The metrics of one process, parsed without mercy.
struct Scrape {
    text: String,
    help: BTreeSet<String>,
    kinds: BTreeMap<String, String>,
    /// Name as exposed, labels, value.
    samples: Vec<(String, BTreeMap<String, String>, String)>,
}

impl Scrape {
    async fn of(fleet: &Fleet, service: &str) -> Self {
        Self::parse(&fleet.metrics(service).await)
    }

    fn parse(text: &str) -> Self {
        let mut scrape = Self {
            text: text.to_owned(),
            help: BTreeSet::new(),
            kinds: BTreeMap::new(),
            samples: Vec::new(),
        };
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, words) = help.split_once(' ').expect("a help text");
                assert!(scrape.help.insert(name.to_owned()), "twice: {line}");
                assert!(!words.is_empty(), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                let before = scrape.kinds.insert(name.to_owned(), kind.to_owned());
                assert!(before.is_none(), "twice: {line}");
            } else {
                scrape.samples.push(sample(line));
            }
        }
        scrape
    }

    /// The name of the metric that a sample belongs to.
    fn metric(&self, sample: &str) -> String {
        let base = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| sample.strip_suffix(suffix))
            .filter(|base| {
                self.kinds
                    .get(*base)
                    .is_some_and(|kind| kind == "histogram")
            });
        base.unwrap_or(sample).to_owned()
    }

    fn names(&self) -> BTreeSet<String> {
        let samples = self.samples.iter();
        samples.map(|(name, _, _)| self.metric(name)).collect()
    }

    /// The value of the one sample with this name and these labels.
    fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<&str> {
        let matches = |found: &BTreeMap<String, String>| {
            let mut wanted = labels.iter();
            wanted.all(|(label, value)| found.get(*label).is_some_and(|found| found == value))
        };
        let mut samples = self.samples.iter();
        samples
            .find(|(found, labels, _)| found == name && matches(labels))
            .map(|(_, _, value)| value.as_str())
    }

    fn is_zero(&self, name: &str, labels: &[(&str, &str)]) -> bool {
        self.value(name, labels) == Some("0")
    }
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, String) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    assert_ne!(value, "NaN", "{line}");
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect("labels end")),
        None => (series, ""),
    };
    // No value of ours has a comma or a quotation mark in it.
    let labels = labels.split(',').filter(|label| !label.is_empty());
    let labels = labels.map(|label| {
        let (name, value) = label.split_once('=').expect("a label");
        (name.to_owned(), value.trim_matches('"').to_owned())
    });
    (name.to_owned(), labels.collect(), value.to_owned())
}

fn table(name: &str) -> Option<&'static Metric> {
    let mut metrics = TABLES.iter().flat_map(|(_, _, metrics)| metrics.iter());
    metrics.find(|metric| metric.name == name)
}

/// Help and type of every metric, labels as the table says, and nothing that grows with use.
fn is_as_the_tables_say(service: &str, scrape: &Scrape) {
    let mut values: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (name, labels, _) in &scrape.samples {
        let name = scrape.metric(name);
        let metric = table(&name).unwrap_or_else(|| panic!("{service}: {name} is in no table"));
        assert!(scrape.help.contains(&name), "{service}: {name} has no help");
        let kind = scrape.kinds.get(&name).map(String::as_str);
        assert_eq!(kind, Some(metric.kind.as_str()), "{service}: {name}");
        let found: BTreeSet<&str> = labels
            .keys()
            .map(String::as_str)
            .filter(|l| *l != "le")
            .collect();
        let wanted: BTreeSet<&str> = metric.labels.iter().copied().collect();
        assert_eq!(found, wanted, "{service}: {name}");
        for (label, value) in labels.iter().filter(|(label, _)| *label != "le") {
            assert!(
                !has_id(value),
                "{service}: {name} has an id in {label}: {value}"
            );
            values
                .entry((name.clone(), label.clone()))
                .or_default()
                .insert(value.clone());
        }
    }
    for ((name, label), values) in values {
        assert!(
            values.len() <= LABEL_VALUES_MAX,
            "{service}: {name} by {label}: {values:?}"
        );
    }
}

/// Ids are long runs of hexadecimal digits.
fn has_id(value: &str) -> bool {
    let is_hex = |run: &str| run.len() >= 12 && run.bytes().all(|byte| byte.is_ascii_hexdigit());
    value
        .split(|char: char| !char.is_ascii_alphanumeric())
        .any(is_hex)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_of_every_process_is_in_a_table_with_its_help_and_promtool_has_no_complaint() {
    let fleet = Fleet::start(&[]).await;
    // Before anything has happened: what alerts wait for is there, and 0.
    let fraud = Scrape::of(&fleet, FRAUD_WORKER).await;
    assert!(fraud.is_zero(
        "florin_fraud_alerts_total",
        &[("rule", "rapid_withdrawals")]
    ));
    for worker in [WORKER, FRAUD_WORKER, SETTLEMENT_WORKER] {
        let scrape = Scrape::of(&fleet, worker).await;
        for name in [
            "dead_letters_open",
            "lag_events",
            "lag_seconds",
            "missing_ranges",
        ] {
            assert!(
                scrape.is_zero(&format!("florin_worker_{name}"), &[]),
                "{}",
                scrape.text
            );
        }
    }
    let settlement = Scrape::of(&fleet, SETTLEMENT_WORKER).await;
    let of_a_kind = [("kind", "balances")];
    assert!(settlement.is_zero("florin_settlement_breaks_open", &of_a_kind));
    assert!(settlement.is_zero("florin_settlement_batches_total", &[("state", "closed")]));
    let ledger = Scrape::of(&fleet, API).await;
    assert!(ledger.is_zero("florin_ledger_unbalanced_currencies", &[]));
    let refused = [("kind", "payment"), ("code", "insufficient_funds")];
    assert!(ledger.is_zero("florin_posting_rejections_total", &refused));

    use_a_little(&fleet).await;
    let promtool = promtool();
    let mut exposed = BTreeSet::new();
    let services: Vec<String> = fleet.endpoints().services.into_keys().collect();
    for service in &services {
        let scrape = Scrape::of(&fleet, service).await;
        is_as_the_tables_say(service, &scrape);
        if let Some(promtool) = &promtool {
            check(promtool, service, &scrape.text);
        }
        let build = [
            ("service", service.as_str()),
            ("version", env!("CARGO_PKG_VERSION")),
        ];
        assert_eq!(
            scrape.value("florin_build_info", &build),
            Some("1"),
            "{}",
            scrape.text
        );
        exposed.extend(scrape.names());
    }
    let tables = TABLES.iter().flat_map(|(_, _, metrics)| metrics.iter());
    let missing: Vec<&str> = tables
        .map(|metric| metric.name)
        .filter(|name| !exposed.contains(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "in a table, and exposed by nobody: {missing:?}"
    );
    // Past the test harness, which keeps the output of tests that pass to itself.
    let run = if promtool.is_some() { "run" } else { "absent" };
    let _ = writeln!(std::io::stdout(), "promtool: {run}");
    the_ledger_counts(&fleet).await;
    fleet.close().await;
}

/// A little of everything, also a currency for which no rule knows what is large.
async fn use_a_little(fleet: &Fleet) {
    let client = fleet.service("metrics");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "metrics");
    load.goes_on(100).await;
    load.end().await;
    let ann = client.open("ann", "customer").await;
    let francs = json!({ "amount": "5.00", "currency": "CHF" });
    let deposit = format!("/v1/wallets/{ann}/deposit");
    for _ in 0..2 {
        client.post("francs", &deposit, &francs).await.created();
    }
    client.get("/v1/wallets/nonsense").await;
    client.nobody().get("/no/such/path").await;
    fleet.settle().await;
    eventually("the balances are summed", SOON, async || {
        let scrape = Scrape::of(fleet, API).await;
        let sums = ["EUR", "CHF"].map(|currency| {
            let labels = [("currency", currency)];
            scrape
                .value("florin_ledger_imbalance", &labels)
                .map(str::to_owned)
        });
        if sums.iter().all(|sum| sum.as_deref() == Some("0")) {
            Ok(())
        } else {
            Err(sums)
        }
    })
    .await;
}

/// What happened is what was counted.
async fn the_ledger_counts(fleet: &Fleet) {
    let scrape = Scrape::of(fleet, API).await;
    let deposit = [("route", "/v1/wallets/{id}/deposit"), ("method", "POST")];
    let by = |label: &'static str, value: &'static str| {
        let mut labels = deposit.to_vec();
        labels.push((label, value));
        labels
    };
    let counted = scrape.value("florin_http_requests_total", &by("status", "201"));
    let timed = scrape.value(
        "florin_http_request_seconds_count",
        &by("status_class", "2xx"),
    );
    assert_eq!(counted, timed, "{}", scrape.text);
    assert_ne!(counted, Some("0"));
    assert_ne!(
        scrape.value("florin_posting_key_replays_total", &[]),
        Some("0")
    );
    let refused = [("kind", "withdrawal"), ("code", "insufficient_funds")];
    assert_ne!(
        scrape.value("florin_posting_rejections_total", &refused),
        Some("0")
    );
    assert_eq!(scrape.value("florin_pool_max_connections", &[]), Some("16"));
}

/// Nothing in the fleet could do this, and it shows all the same.
#[tokio::test(flavor = "multi_thread")]
async fn money_from_nowhere_shows_in_the_imbalance_of_its_currency() {
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("imbalance");
    client.open_with("ann", "5.00").await;
    // As its owner, because nobody else can.
    sqlx::query("UPDATE ledger.balances SET posted = posted + 0.01 WHERE account = 'main'")
        .execute(&fleet.owner)
        .await
        .expect("the owner may");
    eventually("the imbalance shows", SOON, async || {
        let scrape = Scrape::of(&fleet, API).await;
        let euros = scrape.value("florin_ledger_imbalance", &[("currency", "EUR")]);
        let all = scrape.value("florin_ledger_unbalanced_currencies", &[]);
        if (euros, all) == (Some("0.01"), Some("1")) {
            Ok(())
        } else {
            Err(format!("{euros:?}, {all:?}"))
        }
    })
    .await;
}

/// The loop that hangs cannot say that it hangs.
#[tokio::test(flavor = "multi_thread")]
async fn the_age_of_the_oldest_event_grows_while_a_worker_is_stuck_and_is_0_when_it_has_caught_up()
{
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("lag");
    let wallet = client.open_with("ann", "5.00").await;
    fleet.settle().await;
    let mut tx = fleet.owner.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM analytics.inbox FOR UPDATE")
        .execute(&mut *tx)
        .await
        .expect("locks");
    client.deposit("stuck", &wallet, "1.00").await.created();
    let age = async || {
        let scrape = Scrape::of(&fleet, WORKER).await;
        let age = scrape
            .value("florin_worker_lag_seconds", &[])
            .expect("there");
        let events = scrape
            .value("florin_worker_lag_events", &[])
            .expect("there");
        let whole = age.split('.').next().unwrap_or_default();
        (whole.parse::<u64>().expect("a number"), events.to_owned())
    };
    eventually("the age grows", SOON, async || {
        let (age, events) = age().await;
        if age >= 8 && events == "1" {
            Ok(())
        } else {
            Err((age, events))
        }
    })
    .await;
    tx.rollback().await.expect("lets go");
    eventually("it has caught up", SOON, async || {
        let now = age().await;
        if now == (0, "0".to_owned()) {
            Ok(())
        } else {
            Err(now)
        }
    })
    .await;
    fleet.close().await;
}

/// Where the setting says, in the path, or where `deploy/bootstrap.sh` puts it.
fn promtool() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("FLORIN_PROMTOOL") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let ours = std::env::current_exe().ok()?;
    let tools = ours.ancestors().map(|folder| folder.join("tools"));
    std::env::split_paths(&path)
        .chain(tools)
        .map(|folder| folder.join("promtool"))
        .find(|file| file.is_file())
}

fn check(promtool: &PathBuf, service: &str, text: &str) {
    let mut child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", promtool.display()));
    let mut stdin = child.stdin.take().expect("it was asked for");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && complaints.is_empty(),
        "{service}: {complaints}"
    );
}
