//! Every metric of the worker, with its help text.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::settlement::BreakKind;
use metrics::{counter, gauge, histogram};
use service_runtime::metrics::Metric;

service_runtime::metrics_table! {
    CUTS_WAITING = Gauge "florin_settlement_cuts_waiting",
        "Cuts that wait for events up to their position.";
    CUTS_WAITING_SECONDS = Gauge "florin_settlement_cuts_waiting_seconds",
        "Age of the oldest cut that waits.";
    BATCHES = Counter "florin_settlement_batches_total" [state],
        "Batches that this process made, by state.";
    BREAKS_OPEN = Gauge "florin_settlement_breaks_open" [kind],
        "Differences that the last tie-out found, by kind.";
    IMBALANCE = Gauge "florin_settlement_imbalance",
        "Differences that the last tie-out found, of all kinds; 0 when everything agrees.";
    TIE_OUTS = Counter "florin_settlement_tie_outs_total" [outcome],
        "Tie-outs, by outcome: agreed, broken, put_off.";
    TIE_OUT_AT = Gauge "florin_settlement_tie_out_timestamp_seconds",
        "When the last tie-out was complete, in seconds since 1970.";
    TIE_OUT_SEQ = Gauge "florin_settlement_tie_out_seq",
        "The position in the ledger's log as of which the last tie-out was.";
    TIE_OUT_SECONDS = Histogram "florin_settlement_tie_out_seconds",
        "Time that a tie-out took.";
    WITHOUT_EFFECT = Gauge "florin_settlement_events_without_effect",
        "Events that are parked, discarded or retried, and stand beside the sums of a tie-out.";
}

/// What became of a tie-out.
const OUTCOMES: [&str; 3] = ["agreed", "broken", "put_off"];

/// Shows what is known before anything has happened.
pub(crate) fn show() {
    ALL.iter().for_each(Metric::describe);
    BATCHES.show(&[("state", "closed")]);
    for kind in BreakKind::ALL {
        BREAKS_OPEN.show(&[("kind", kind.as_str())]);
    }
    for outcome in OUTCOMES {
        TIE_OUTS.show(&[("outcome", outcome)]);
    }
    let plain = ALL.iter().filter(|metric| metric.labels.is_empty());
    plain.for_each(|metric| metric.show(&[]));
}

// Prometheus knows only floating point numbers; none of these is money.

pub(crate) fn waiting(cuts: usize, oldest: Duration) {
    gauge!(CUTS_WAITING.name).set(float(cuts as u64));
    gauge!(CUTS_WAITING_SECONDS.name).set(oldest.as_secs_f64());
}

pub(crate) fn batches_closed(number: usize) {
    counter!(BATCHES.name, "state" => "closed").increment(number as u64);
}

pub(crate) fn tied_out(found: &[(BreakKind, u64)], seq: u64, at: DateTime<Utc>, took: Duration) {
    let mut all = 0;
    for (kind, number) in found {
        gauge!(BREAKS_OPEN.name, "kind" => kind.as_str()).set(float(*number));
        all += number;
    }
    gauge!(IMBALANCE.name).set(float(all));
    gauge!(TIE_OUT_AT.name).set(float(at.timestamp().unsigned_abs()));
    gauge!(TIE_OUT_SEQ.name).set(float(seq));
    histogram!(TIE_OUT_SECONDS.name).record(took);
    let outcome = if all == 0 { "agreed" } else { "broken" };
    counter!(TIE_OUTS.name, "outcome" => outcome).increment(1);
}

/// Another process ties out: what this one found before may be gone.
pub(crate) fn elsewhere() {
    for kind in BreakKind::ALL {
        gauge!(BREAKS_OPEN.name, "kind" => kind.as_str()).set(0.0);
    }
    gauge!(IMBALANCE.name).set(0.0);
    without_effect(0);
}

pub(crate) fn put_off() {
    counter!(TIE_OUTS.name, "outcome" => "put_off").increment(1);
}

pub(crate) fn without_effect(events: usize) {
    gauge!(WITHOUT_EFFECT.name).set(float(events as u64));
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nobody needs the last digit of a gauge beyond 2^53"
)]
fn float(number: u64) -> f64 {
    number as f64
}
