//! `docs/metrics.md`: every metric of every crate, from their tables.

use service_runtime::metrics::Metric;

use super::{GENERATED, code, table};

/// The page.
pub const PAGE: &str = "docs/metrics.md";

/// Every table of metrics: who exposes it, and what it is about.
pub const TABLES: &[(&str, &str, &[Metric])] = &[
    ("every service", "", service_runtime::metrics::ALL),
    (
        "every worker",
        "`consumer` is the worker's name.",
        service_runtime::worker::metrics::ALL,
    ),
    ("ledger-api", "", ledger_api::metrics::ALL),
    ("fraud-worker", "", fraud_worker::metrics::ALL),
    ("settlement-worker", "", settlement_worker::metrics::ALL),
];

/// The page as it should be.
pub fn page() -> String {
    let mut sections = vec![
        GENERATED.to_owned(),
        "# Metrics\n\nEvery process shows its metrics at `/metrics` of its admin address, in the \
         text format of Prometheus. What is known beforehand is shown from the start, at 0; a \
         label whose values are open, such as a currency, appears with its first value. Labels \
         are few and never ids. The metrics of a relay or a worker come from each process that \
         runs one: take the maximum of a lag over processes, and the sum of a counter."
            .to_owned(),
    ];
    for (crate_name, words, metrics) in TABLES {
        let rows = metrics.iter().map(|metric| {
            let labels: Vec<String> = metric.labels.iter().map(|label| code(label)).collect();
            vec![
                code(metric.name),
                metric.kind.as_str().to_owned(),
                metric.unit.as_str().to_owned(),
                labels.join(" "),
                metric.help.to_owned(),
            ]
        });
        let table = table(&["metric", "kind", "unit", "labels", "what"], rows);
        let words = if words.is_empty() {
            String::new()
        } else {
            format!("{words}\n\n")
        };
        sections.push(format!(
            "## {}\n\n{words}{}",
            heading(crate_name),
            table.trim_end()
        ));
    }
    format!("{}\n", sections.join("\n\n"))
}

fn heading(name: &str) -> String {
    name.strip_prefix("every ")
        .map_or_else(|| name.to_owned(), |rest| format!("Every {rest}"))
}
