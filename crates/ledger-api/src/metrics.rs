//! Everything the ledger can be asked about by Prometheus: the one table of names, with help
//! and unit, and the functions that record. Label values are few and never ids.

use std::time::Duration;

use contracts::{Kind, RejectionCode};
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use crate::store::Fault;

const BATCH_COMMANDS: &str = "florin_posting_batch_size";
const COMMIT_SECONDS: &str = "florin_posting_commit_seconds";
const HEAD_WAIT_SECONDS: &str = "florin_posting_head_wait_seconds";
const BATCH_RETRIES: &str = "florin_posting_batch_retries_total";
const KEY_REPLAYS: &str = "florin_posting_key_replays_total";
const REJECTIONS: &str = "florin_posting_rejections_total";
const HTTP_REQUESTS: &str = "florin_http_requests_total";
const HTTP_SECONDS: &str = "florin_http_request_seconds";

/// Registers help and units; call once, after the recorder is installed.
pub fn describe() {
    describe_histogram!(
        BATCH_COMMANDS,
        Unit::Count,
        "Commands that one transaction decided"
    );
    describe_histogram!(COMMIT_SECONDS, Unit::Seconds, "Time that COMMIT took");
    describe_histogram!(
        HEAD_WAIT_SECONDS,
        Unit::Seconds,
        "Time a lane waited for the log's head"
    );
    describe_counter!(
        BATCH_RETRIES,
        Unit::Count,
        "Batches that were run again, by cause"
    );
    describe_counter!(
        KEY_REPLAYS,
        Unit::Count,
        "Requests answered from a stored answer"
    );
    describe_counter!(
        REJECTIONS,
        Unit::Count,
        "Commands decided against, by kind and code"
    );
    describe_counter!(
        HTTP_REQUESTS,
        Unit::Count,
        "Requests answered, by route, method and status"
    );
    describe_histogram!(
        HTTP_SECONDS,
        Unit::Seconds,
        "Time to answer a request, by route and method"
    );
}

// Histograms take floating point numbers; nothing here is money.

pub(crate) fn batch_size(commands: usize) {
    histogram!(BATCH_COMMANDS).record(u32::try_from(commands).map_or(f64::MAX, f64::from));
}

pub(crate) fn committed(took: Duration) {
    histogram!(COMMIT_SECONDS).record(took);
}

pub(crate) fn head_lock_waited(took: Duration) {
    histogram!(HEAD_WAIT_SECONDS).record(took);
}

pub(crate) fn batch_retried(fault: Fault) {
    let cause = match fault {
        Fault::Data => "data",
        Fault::Passing => "passing",
        Fault::Connection => "connection",
    };
    counter!(BATCH_RETRIES, "cause" => cause).increment(1);
}

pub(crate) fn key_replayed() {
    counter!(KEY_REPLAYS).increment(1);
}

pub(crate) fn rejected(kind: Kind, code: RejectionCode) {
    counter!(REJECTIONS, "kind" => kind.as_str(), "code" => code.as_str()).increment(1);
}

pub(crate) fn http_answered(route: &str, method: &'static str, status: u16, took: Duration) {
    let (route, status) = (route.to_owned(), status.to_string());
    histogram!(HTTP_SECONDS, "route" => route.clone(), "method" => method).record(took);
    counter!(HTTP_REQUESTS, "route" => route, "method" => method, "status" => status).increment(1);
}
