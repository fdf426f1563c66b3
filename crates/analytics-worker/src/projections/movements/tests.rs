use contracts::{Account, EventId, Leg, TransactionId};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn wallet(n: u8) -> WalletId {
    WalletId::from_uuid(Uuid::from_u128(u128::from(n) + 1))
}

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("in range")
}

fn event(kind: Kind, from: u8, to: u8, minor: i64, second: i64) -> LedgerEvent {
    let currency: Currency = "EUR".parse().expect("a currency");
    let leg = |wallet: Option<WalletId>, minor: i64| Leg {
        wallet,
        account: if wallet.is_some() {
            Account::Main
        } else {
            Account::Funding
        },
        currency,
        amount: Decimal::new(minor, 2),
        balance_after: None,
        version: None,
        held: None,
        held_after: None,
        purpose: None,
    };
    let legs = match kind {
        Kind::Deposit => vec![leg(None, -minor), leg(Some(wallet(from)), minor)],
        Kind::Withdrawal => vec![leg(Some(wallet(from)), -minor), leg(None, minor)],
        _ => {
            vec![
                leg(Some(wallet(from)), -minor),
                leg(Some(wallet(to)), minor),
            ]
        }
    };
    LedgerEvent::Posted(Posted {
        id: EventId::from_uuid(Uuid::nil()),
        event_type: kind.posted(),
        seq: 1,
        transaction: TransactionId::from_uuid(Uuid::nil()),
        kind,
        effective_at: at(second),
        posted_at: at(second),
        legs,
        reference: None,
        order_reference: None,
        description: None,
        metadata: BTreeMap::new(),
        hold: None,
        hold_left: None,
        refunds: None,
        reverses: None,
        quote: None,
    })
}

fn tally(changes: &Changes, n: u8, category: Category) -> Option<(u64, String)> {
    changes
        .tallies
        .iter()
        .find(|((of, _, what), _)| *of == wallet(n) && *what == category)
        .map(|(_, (count, sum))| (*count, sum.to_string()))
}

/// What the house takes of a payment of 100.00 is neither paid nor received, and what takes a
/// payment back is no payment.
#[test]
fn fees_and_what_takes_back_leave_the_tallies_as_they_are() {
    let with_fee =
        include_bytes!("../../../../contracts/fixtures/florin.ledger.payment.posted.v1/003.json");
    let with_fee = LedgerEvent::decode(with_fee).expect("a fixture");
    let events = [
        with_fee,
        event(Kind::Refund, 1, 0, 500, 5),
        event(Kind::Reversal, 1, 0, 500, 5),
        event(Kind::Adjustment, 1, 0, 500, 5),
    ];
    let changes = fold(&events).expect("they fold");
    let counted: Vec<_> = changes
        .tallies
        .iter()
        .map(|((_, _, category), (count, sum))| (*category, *count, sum.to_string()))
        .collect();
    assert_eq!(
        counted,
        [
            (Category::Paid, 1, "100.00".to_owned()),
            (Category::Received, 1, "100.00".to_owned()),
        ]
    );
    // They were seen all the same.
    assert_eq!(changes.seen.len(), 4);
}

#[test]
fn each_side_of_a_movement_counts_in_its_own_category() {
    // A predecessor counted every event as a deposit.
    let events = [
        event(Kind::Deposit, 0, 0, 10_000, 1),
        event(Kind::Withdrawal, 0, 0, 4_000, 2),
        event(Kind::Transfer, 0, 1, 2_500, 3),
        event(Kind::Payment, 1, 2, 500, 4),
    ];
    let changes = fold(&events).expect("they fold");
    assert_eq!(
        tally(&changes, 0, Category::Deposited),
        Some((1, "100.00".into()))
    );
    assert_eq!(
        tally(&changes, 0, Category::Withdrawn),
        Some((1, "40.00".into()))
    );
    assert_eq!(
        tally(&changes, 0, Category::TransferredOut),
        Some((1, "25.00".into()))
    );
    assert_eq!(
        tally(&changes, 1, Category::TransferredIn),
        Some((1, "25.00".into()))
    );
    assert_eq!(tally(&changes, 1, Category::Paid), Some((1, "5.00".into())));
    assert_eq!(
        tally(&changes, 2, Category::Received),
        Some((1, "5.00".into()))
    );
    assert_eq!(changes.tallies.len(), 6, "and nothing else is counted");
    assert_eq!(
        changes.seen[&wallet(0)],
        Seen {
            first: at(1),
            last: at(3)
        }
    );
}

#[test]
fn spellings_read_back() {
    for category in Category::ALL {
        assert_eq!(Category::parse(category.as_str()), Some(*category));
    }
    assert_eq!(Category::parse("spent"), None);
}

proptest! {
    /// Any order and any cut into batches adds up to the same.
    #[test]
    fn order_and_batching_do_not_matter(
        moves in prop::collection::vec((0_usize..4, 0_u8..3, 0_u8..3, 1_i64..1_000_000, 0_i64..100), 1..60),
        cut in 0_usize..60,
        turn in any::<bool>(),
    ) {
        let mut events: Vec<LedgerEvent> = moves
            .into_iter()
            .map(|(kind, from, to, minor, second)| {
                event(Kind::ALL[kind], from, to + 3, minor, second)
            })
            .collect();
        let whole = fold(&events).expect("they fold");
        if turn {
            events.reverse();
        }
        let (first, second) = events.split_at(cut.min(events.len()));
        let mut sum = fold(first).expect("they fold");
        let rest = fold(second).expect("they fold");
        for (key, (count, amount)) in rest.tallies {
            let entry = sum.tallies.entry(key).or_insert((0, Decimal::ZERO));
            *entry = (entry.0 + count, entry.1 + amount);
        }
        for (wallet, seen) in rest.seen {
            let entry = sum.seen.entry(wallet).or_insert(seen);
            *entry = Seen { first: entry.first.min(seen.first), last: entry.last.max(seen.last) };
        }
        prop_assert_eq!(whole, sum);
    }
}
