//! Every metric of the ledger, with its help text, and the functions that record. Label values
//! are few and never ids.

use std::time::Duration;

use contracts::{Kind, RejectionCode};
use metrics::{counter, gauge, histogram};
use service_runtime::metrics::{Metric, to_f64};

use crate::{auth::ROUTES, store::Fault};

service_runtime::metrics_table! {
    BATCH_COMMANDS = Histogram "florin_posting_batch_size",
        "Commands that one transaction decided.";
    COMMIT_SECONDS = Histogram "florin_posting_commit_seconds",
        "Time that COMMIT took.";
    HEAD_WAIT_SECONDS = Histogram "florin_posting_head_wait_seconds",
        "Time that a lane waited for the lock of the log's head.";
    BATCH_RETRIES = Counter "florin_posting_batch_retries_total" [cause],
        "Batches that were run again, by cause: data, passing, connection.";
    KEY_REPLAYS = Counter "florin_posting_key_replays_total",
        "Requests that were answered from the stored answer of their idempotency key.";
    REJECTIONS = Counter "florin_posting_rejections_total" [kind, code],
        "Commands that were decided against, by kind and code.";
    AUDIT_LOST = Counter "florin_ledger_audit_rows_lost_total",
        "Rows of the audit trail that were not written: those of requests that the ledger did not decide, when too many waited for the database.";
    AUDIT_RETRIES = Counter "florin_ledger_audit_retries_total",
        "Times that rows of the audit trail could not be written and were tried again.";
    HTTP_REQUESTS = Counter "florin_http_requests_total" [route, method, status],
        "Requests that were answered, by route, method and status.";
    HTTP_SECONDS = Histogram "florin_http_request_seconds" [route, method, status_class],
        "Time to answer a request, by route, method and class of the status: 2xx, 4xx, 5xx.";
    IMBALANCE = Gauge "florin_ledger_imbalance" [currency],
        "What all balances of a currency sum to. Anything but 0 is money from nowhere.";
    UNBALANCED = Gauge "florin_ledger_unbalanced_currencies",
        "Currencies whose balances do not sum to zero.";
    BALANCES_SUMMED = Gauge "florin_ledger_balances_summed_timestamp_seconds",
        "When the balances were last summed, in seconds since 1970; 0 before the first time.";
}

/// The classes of status that a route answers with, on good days and bad ones.
const CLASSES: [&str; 3] = ["2xx", "4xx", "5xx"];
/// What a transaction that fails is run again for.
const FAULTS: [Fault; 3] = [Fault::Data, Fault::Passing, Fault::Connection];

/// What commands are decided against for; a code that is missing here appears with its first
/// rejection.
const REJECTION_CODES: [RejectionCode; 6] = [
    RejectionCode::InsufficientFunds,
    RejectionCode::LimitExceeded,
    RejectionCode::WalletFrozen,
    RejectionCode::WalletBlocked,
    RejectionCode::WalletSuspended,
    RejectionCode::WalletClosed,
];

/// Shows what is known before anything has happened; call once, after the recorder is installed.
pub fn show() {
    ALL.iter().for_each(Metric::describe);
    for metric in ALL.iter().filter(|metric| metric.labels.is_empty()) {
        metric.show(&[]);
    }
    for fault in FAULTS {
        BATCH_RETRIES.show(&[("cause", cause(fault))]);
    }
    for kind in Kind::ALL {
        for code in REJECTION_CODES {
            REJECTIONS.show(&[("kind", kind.as_str()), ("code", code.as_str())]);
        }
    }
    for rule in ROUTES {
        for class in CLASSES {
            HTTP_SECONDS.show(&[
                ("route", rule.path),
                ("method", rule.method),
                ("status_class", class),
            ]);
        }
        // What each can answer with; further statuses appear when they do.
        let success = if rule.method == "POST" { "201" } else { "200" };
        for status in [success, "503"] {
            HTTP_REQUESTS.show(&[
                ("route", rule.path),
                ("method", rule.method),
                ("status", status),
            ]);
        }
    }
}

// Histograms take floating point numbers; nothing here is money.

pub(crate) fn batch_size(commands: usize) {
    histogram!(BATCH_COMMANDS.name).record(u32::try_from(commands).map_or(f64::MAX, f64::from));
}

pub(crate) fn committed(took: Duration) {
    histogram!(COMMIT_SECONDS.name).record(took);
}

pub(crate) fn head_lock_waited(took: Duration) {
    histogram!(HEAD_WAIT_SECONDS.name).record(took);
}

pub(crate) fn batch_retried(fault: Fault) {
    counter!(BATCH_RETRIES.name, "cause" => cause(fault)).increment(1);
}

fn cause(fault: Fault) -> &'static str {
    match fault {
        Fault::Data => "data",
        Fault::Passing => "passing",
        Fault::Connection => "connection",
    }
}

pub(crate) fn audit_rows_lost(rows: usize) {
    counter!(AUDIT_LOST.name).increment(u64::try_from(rows).unwrap_or(u64::MAX));
}

pub(crate) fn audit_retried() {
    counter!(AUDIT_RETRIES.name).increment(1);
}

pub(crate) fn key_replayed() {
    counter!(KEY_REPLAYS.name).increment(1);
}

pub(crate) fn rejected(kind: &'static str, code: RejectionCode) {
    counter!(REJECTIONS.name, "kind" => kind, "code" => code.as_str()).increment(1);
}

pub(crate) fn http_answered(route: &str, method: &'static str, status: u16, took: Duration) {
    let (route, class) = (route.to_owned(), status_class(status));
    histogram!(HTTP_SECONDS.name, "route" => route.clone(), "method" => method, "status_class" => class)
        .record(took);
    let status = status.to_string();
    counter!(HTTP_REQUESTS.name, "route" => route, "method" => method, "status" => status)
        .increment(1);
}

const fn status_class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

/// What the balances of each currency sum to, looked at `at` seconds after 1970; answers those
/// that are not zero.
pub(crate) fn balances_summed(sums: &[(String, String)], at: i64) -> Vec<&(String, String)> {
    let mut unbalanced = Vec::new();
    for row in sums {
        // The nearest float tells zero from not zero, and that is all it is for.
        let sum: f64 = row.1.parse().unwrap_or(f64::NAN);
        gauge!(IMBALANCE.name, "currency" => row.0.clone()).set(sum);
        if sum != 0.0 {
            unbalanced.push(row);
        }
    }
    gauge!(UNBALANCED.name).set(u32::try_from(unbalanced.len()).unwrap_or(u32::MAX));
    gauge!(BALANCES_SUMMED.name).set(to_f64(at.unsigned_abs()));
    unbalanced
}
