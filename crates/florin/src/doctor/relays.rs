//! The relays: is what is in the logs in the streams too.

use contracts::topology::Worker;

use super::patient::Patient;
use super::{database, store};
use crate::output;

const CHECK: &str = "relay";
/// A relay publishes within milliseconds, and a restart of everything takes seconds.
const AGE_SECONDS: i64 = 30;

pub async fn check(patient: &mut Patient) {
    let Some(mut connection) = patient.database.take() else {
        return;
    };
    let schemas = ["ledger"]
        .into_iter()
        .chain(Worker::ALL.iter().map(|worker| worker.as_str()));
    for schema in schemas {
        let relays = match store::has_table(&mut connection, schema, "relay").await {
            Ok(true) => store::relays(&mut connection, schema).await,
            Ok(false) => continue,
            Err(error) => Err(error),
        };
        match relays {
            Ok(relays) => relays.iter().for_each(|relay| tell(patient, schema, relay)),
            Err(error) => database::unreadable(patient, &error),
        }
    }
    patient.database = Some(connection);
}

fn tell(patient: &mut Patient, schema: &str, relay: &store::Relay) {
    let stream = &relay.stream;
    // Without NATS nobody publishes, and that is told already.
    if relay.behind > 0 && relay.seconds >= AGE_SECONDS && patient.bus.is_some() {
        let events = output::grouped(relay.behind.unsigned_abs());
        let found = format!(
            "{events} events of the log are not in the stream, the oldest for {} s",
            relay.seconds
        );
        let advice = format!(
            "Nothing is lost. The relay runs inside the service of the schema {schema}: see what \
             its part `relay` says, and its log."
        );
        patient.broken(CHECK, format!("stream {stream}"), found, advice);
    } else if relay.behind < 0 {
        let found = "the stream is ahead of the log: Postgres was restored to an older state";
        let advice = "Nothing is published until you say so. When the restore was meant, run \
                      `florin topology reset --confirm`.";
        patient.broken(CHECK, format!("stream {stream}"), found, advice);
    }
    if relay.epoch > 1 {
        let times = relay.epoch - 1;
        patient.note(format!("stream {stream}: filled anew {times} times"));
    }
}
