use contracts::{EventId, Money, TransactionId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn debit(n: u64, wallet: u8, millis: i64) -> Movement {
    let at = DateTime::from_timestamp_millis(1_700_000_000_000 + millis).expect("in range");
    Movement {
        flow: Flow::Debit,
        wallet: WalletId::from_uuid(Uuid::from_u128(wallet.into())),
        money: Money::zero("EUR".parse().expect("a currency")),
        effective_at: at,
        event: EventId::from_uuid(Uuid::from_u128(n.into())),
        seq: n,
        transaction: TransactionId::from_uuid(Uuid::nil()),
        posted_at: at,
    }
}

fn at_millis(times: &[i64]) -> Vec<Movement> {
    (1..)
        .zip(times)
        .map(|(n, millis)| debit(n, 0, *millis))
        .collect()
}

fn found(debits: &[Movement]) -> Vec<u64> {
    let mut seqs: Vec<u64> = check(debits).iter().map(|debit| debit.seq).collect();
    seqs.sort_unstable();
    seqs
}

#[test]
fn three_within_a_minute_are_rapid_and_the_first_no_longer_counts_after_exactly_one() {
    assert_eq!(found(&at_millis(&[0, 30_000, 59_900])), [3]);
    assert_eq!(found(&at_millis(&[0, 30_000, 59_999])), [3]);
    assert!(found(&at_millis(&[0, 30_000, 60_000])).is_empty());
    assert!(found(&at_millis(&[0, 30_000])).is_empty());
}

#[test]
fn each_debit_with_a_full_window_is_an_alert_of_its_own() {
    assert_eq!(found(&at_millis(&[0, 1, 2, 3, 60_002])), [3, 4]);
    assert_eq!(found(&at_millis(&[5, 5, 5])), [1, 2, 3]);
}

#[test]
fn wallets_are_apart_and_deposits_do_not_count() {
    let mut debits = at_millis(&[0, 1, 2]);
    debits[1].wallet = WalletId::from_uuid(Uuid::from_u128(1));
    assert!(found(&debits).is_empty());
    let mut debits = at_millis(&[0, 1, 2]);
    debits[1].flow = Flow::Deposit;
    assert!(found(&debits).is_empty());
}

#[test]
fn a_burst_is_read_once_and_distant_debits_apart() {
    let debits = at_millis(&[0, 1_000, 500_000]);
    let spans = spans(&debits);
    assert_eq!(spans.len(), 2);
    assert_eq!(spans[0].first, debits[0].effective_at);
    assert_eq!(spans[0].last, debits[1].effective_at);
}

#[test]
fn the_ends_of_time_are_no_riddle() {
    let mut debits = at_millis(&[0, 0, 0]);
    for (debit, at) in debits
        .iter_mut()
        .zip([DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC])
    {
        debit.effective_at = at;
    }
    assert_eq!(spans(&debits).len(), 3);
    assert!(found(&debits).is_empty());
}

/// Counts every pair: slow, and plain.
fn model(debits: &[Movement]) -> Vec<u64> {
    let inside = |e: &Movement, other: &Movement| {
        let age = e.effective_at - other.effective_at;
        other.wallet == e.wallet && age >= TimeDelta::zero() && age < TimeDelta::seconds(60)
    };
    let full = |e: &&Movement| debits.iter().filter(|other| inside(e, other)).count() >= 3;
    let mut seqs: Vec<u64> = debits.iter().filter(full).map(|debit| debit.seq).collect();
    seqs.sort_unstable();
    seqs
}

/// What the store reads for a span.
fn read(stored: &[Movement], span: &Span) -> Vec<Movement> {
    let mut near: Vec<Movement> = stored
        .iter()
        .filter(|debit| {
            debit.wallet == span.wallet
                && debit.effective_at > span.after()
                && debit.effective_at < span.before()
        })
        .copied()
        .collect();
    near.sort_unstable_by_key(|debit| (debit.effective_at, debit.event));
    let first = near.partition_point(|debit| debit.effective_at < span.first);
    let last = near.partition_point(|debit| debit.effective_at <= span.last);
    let end = near.len().min(last + NEIGHBOURS);
    near[first.saturating_sub(NEIGHBOURS)..end].to_vec()
}

proptest! {
    /// What arrives in batches, each looked at with what is around it, finds what a look at
    /// everything finds.
    #[test]
    fn any_order_and_any_batches_find_what_the_definition_says(
        times in prop::collection::vec((0_u8..2, 0_i64..200), 1..40).prop_shuffle(),
        size in 1_usize..10,
    ) {
        let debits: Vec<Movement> = (1..)
            .zip(&times)
            .map(|(n, (wallet, second))| debit(n, *wallet, second * 1_000))
            .collect();
        let (mut stored, mut seqs) = (Vec::new(), Vec::new());
        for batch in debits.chunks(size) {
            stored.extend_from_slice(batch);
            let spans = spans(batch);
            let around: Vec<Movement> = spans.iter().flat_map(|span| read(&stored, span)).collect();
            seqs.extend(found(&around));
        }
        seqs.sort_unstable();
        seqs.dedup();
        prop_assert_eq!(seqs, model(&debits));
    }
}
