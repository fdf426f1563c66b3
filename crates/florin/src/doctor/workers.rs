//! The workers: how far they are, and what they could not do.

use contracts::topology::Worker;
use service_runtime::inbox::RANGES_MAX;

use super::patient::Patient;
use super::store::Progress;
use super::{database, store};
use crate::output;

const CHECK: &str = "worker";
/// A worker settles an event within milliseconds; a redelivery after a death takes half a minute.
const AGE_SECONDS: i64 = 60;

pub async fn check(patient: &mut Patient) {
    let Some(mut connection) = patient.database.take() else {
        return;
    };
    for worker in Worker::ALL.iter().map(|worker| worker.as_str()) {
        let progress = match store::has_table(&mut connection, worker, "inbox").await {
            Ok(true) => store::progress(&mut connection, worker).await,
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        match progress {
            Ok(Some(progress)) => tell(patient, worker, &progress),
            Ok(None) => patient.note(format!("{worker}: has never run")),
            Err(error) => database::unreadable(patient, &error),
        }
    }
    match store::head(&mut connection).await {
        Ok(head) => {
            let events = output::grouped(head.unsigned_abs());
            patient.note(format!("{events} events in the ledger's log"));
        }
        Err(error) => database::unreadable(patient, &error),
    }
    patient.database = Some(connection);
}

fn tell(patient: &mut Patient, worker: &str, progress: &Progress) {
    let name = format!("{worker}-worker");
    let behind = output::grouped(progress.behind.unsigned_abs());
    // A process that was found dead and a server that is away explain it.
    let explained = patient.has_found("services", &name) || patient.bus.is_none();
    if progress.behind > 0 && progress.seconds >= AGE_SECONDS && !explained {
        let found = format!(
            "{behind} events are not settled, the oldest for {} s",
            progress.seconds
        );
        let advice = format!(
            "Look whether it moves: florin_worker_events_total and florin_worker_lag_seconds at \
             its /metrics. When it stands still, the end of {} says why.",
            patient.log(&name).display()
        );
        patient.broken(CHECK, &name, found, advice);
    } else if progress.behind > 0 {
        patient.note(format!("{worker}: {behind} events behind"));
    } else {
        patient.note(format!("{worker}: has settled everything"));
    }
    if usize::try_from(progress.ranges).is_ok_and(|ranges| ranges > RANGES_MAX) {
        let found = format!(
            "{} gaps in what it has settled: it pulls nothing",
            progress.ranges
        );
        let advice = "It reads what is missing from the ledger's log: see that ledger-api runs and \
                      answers.";
        patient.broken(CHECK, &name, found, advice);
    }
    if progress.retrying > 0 {
        let why = progress.retrying_why.as_deref().unwrap_or_default();
        let found = format!(
            "{} events failed and wait for another try: {why}",
            progress.retrying
        );
        let advice = "Mend what the error names within the hour, after which they become dead \
                      letters.";
        patient.worrying("retrying", &name, found, advice);
    }
    if progress.parked > 0 {
        let why = progress.parked_why.as_deref().unwrap_or_default();
        let found = format!(
            "{} dead letters wait for a decision: {why}",
            progress.parked
        );
        let advice = format!(
            "See them with `florin dlq list --worker {worker}`. Mend the cause, then replay them, \
             or discard them with a reason."
        );
        patient.worrying("dead_letters", &name, found, advice);
    }
}
