//! What makes batches what they are: pure, no IO, no clock.

mod blockers;
mod schedule;

use chrono::{DateTime, Utc};
use contracts::{
    Currency, CutId, EventType, SettlementId, WalletId, ids::uuid_v7, settlement::BatchClosed,
    topology::Worker,
};
use service_runtime::{
    log::{self, Draft},
    worker::SOURCE,
};
use sha2::{Digest, Sha256};

pub use blockers::Blockers;
pub use schedule::{Schedule, WrongPattern};

/// What the payments to one merchant in one currency, up to a cut, come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Who is settled.
    pub merchant: WalletId,
    /// In what.
    pub currency: Currency,
    /// The sum, as Postgres prints it: it may exceed the 28 digits of a `Decimal`.
    pub gross: String,
    /// How many payments.
    pub count: i64,
}

/// The id of the cut of a scheduled instant: whoever makes it makes the same.
pub fn scheduled_cut(instant: DateTime<Utc>) -> CutId {
    let seed = format!("schedule\n{}", instant.timestamp_micros());
    CutId::from_uuid(uuid_v7(instant, tail_of(&seed)))
}

/// The id of a cut's batch. It sorts by the cut-off, so that a list by id has the newest
/// settlement first.
pub fn batch_id(
    cut: CutId,
    cut_off: DateTime<Utc>,
    merchant: WalletId,
    currency: Currency,
) -> SettlementId {
    let seed = format!("{cut}\n{merchant}\n{currency}");
    SettlementId::from_uuid(uuid_v7(cut_off, tail_of(&seed)))
}

/// The event of a batch, with an id that would be derived again.
///
/// # Errors
/// When the gross is finer than its currency: then no item of ours is in it.
pub fn draft(
    cut: CutId,
    cut_seq: u64,
    cut_off: DateTime<Utc>,
    due: &Due,
) -> Result<Draft, contracts::MoneyError> {
    let Due {
        merchant,
        currency,
        count,
        ..
    } = *due;
    let batch = batch_id(cut, cut_off, merchant, currency);
    let gross = contracts::total_at_scale(&due.gross, currency)?;
    let event_type = EventType::BatchClosed;
    let consumer = Worker::Settlement.as_str();
    let id = log::derived_id(consumer, SOURCE, cut_seq, &batch.to_string(), cut_off);
    Ok(Draft {
        id,
        subject: event_type.subject_stem().to_owned(),
        traceparent: None,
        data: Box::new(move |seq, posted_at| {
            let event = BatchClosed {
                id,
                event_type,
                seq,
                batch,
                merchant,
                currency,
                gross,
                count: count.unsigned_abs(),
                cut,
                cut_seq,
                cut_off,
                posted_at,
            };
            event.encode()
        }),
    })
}

/// What an id has after its time, where a minted one is random.
fn tail_of(seed: &str) -> [u8; 10] {
    let digest = Sha256::digest(seed);
    let mut tail = [0; 10];
    tail.copy_from_slice(&digest[..10]);
    tail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).expect("in range")
    }

    #[test]
    fn ids_follow_from_what_they_name_and_sort_by_the_cut_off() {
        let merchant = WalletId::mint(at(0), [1; 10]);
        let [eur, usd] = ["EUR", "USD"].map(|code| code.parse().expect("a currency"));
        let early = scheduled_cut(at(86_400));
        assert_eq!(early, scheduled_cut(at(86_400)));
        let late = scheduled_cut(at(172_800));
        let id = batch_id(early, at(86_400), merchant, eur);
        assert_eq!(id, batch_id(early, at(86_400), merchant, eur));
        assert_ne!(id, batch_id(early, at(86_400), merchant, usd));
        assert!(id < batch_id(late, at(172_800), merchant, eur));
    }
}
