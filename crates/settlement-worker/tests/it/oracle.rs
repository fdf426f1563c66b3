//! Whatever comes in whatever order, and whoever cuts when: every payment is settled once.

use std::collections::BTreeMap;

use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use crate::world::{Payment, World};

/// Cases, each on a database of its own.
const CASES: u32 = 12;
const MERCHANTS: u8 = 3;
const CURRENCIES: [&str; 3] = ["EUR", "KRW", "ETH"];

/// What happens next.
#[derive(Debug, Clone)]
enum Step {
    /// The next payments are handled, in any order, some of them again.
    Apply(usize, bool),
    /// Somebody cuts so far beyond what was handled, for these only.
    Cut(u64, Option<u8>, Option<usize>),
    /// Two processes close whatever waits.
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let apply = (1_usize..8, any::<bool>()).prop_map(|(count, again)| Step::Apply(count, again));
    let merchant = proptest::option::weighted(0.3, 1..=MERCHANTS);
    let currency = proptest::option::weighted(0.3, 0..CURRENCIES.len());
    let cut = (0_u64..6, merchant, currency).prop_map(|(ahead, m, c)| Step::Cut(ahead, m, c));
    vec(
        prop_oneof![3 => apply, 2 => cut, 2 => Just(Step::Close)],
        5..25,
    )
}

fn payments() -> impl Strategy<Value = Vec<Payment>> {
    let one =
        (1..=MERCHANTS, 0..CURRENCIES.len(), 1_u128..1_000_000).prop_map(|(m, c, units)| Payment {
            merchant: m,
            currency: CURRENCIES[c],
            units,
        });
    vec(one, 60)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_is_in_one_batch_and_the_sums_are_an_oracles() {
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..CASES {
        let tree = (payments(), payments(), steps()).new_tree(&mut runner);
        let (first, order, steps) = tree.expect("a case").current();
        run(&first, &order, &steps).await;
    }
}

/// `order` is only a source of disorder.
async fn run(all: &[Payment], order: &[Payment], steps: &[Step]) {
    let world = World::new().await;
    let queue: Vec<(u64, Payment)> = (1..).zip(all.iter().copied()).collect();
    let mut handled = 0;
    for step in steps {
        match step {
            Step::Apply(count, again) => {
                let end = (handled + count).min(queue.len());
                let mut batch = queue[handled..end].to_vec();
                batch
                    .sort_by_key(|(seq, _)| order[usize::try_from(*seq).expect("small") - 1].units);
                // A part of them alone first: the inbox has a hole for a while.
                let (early, late) = batch.split_at(batch.len() / 2);
                world.apply(early).await;
                close(&world).await;
                world.apply(late).await;
                if *again {
                    world.apply(&batch).await;
                }
                handled = end;
            }
            Step::Cut(ahead, merchant, currency) => {
                let seq = handled as u64 + ahead;
                let currency = currency.map(|index| CURRENCIES[index]);
                world.cut(seq, *merchant, currency).await;
            }
            Step::Close => close(&world).await,
        }
    }
    world.apply(&queue[handled..]).await;
    world.cut(queue.len() as u64, None, None).await;
    close(&world).await;
    is_whole(&world, all, steps).await;
}

async fn close(world: &World) {
    let waiting = settlement_worker::store::cuts::waiting(&world.pool).await;
    let waiting = waiting.expect("the database answers");
    let (one, other) = (world.closer(), world.closer());
    let all = async |closer: settlement_worker::sweeps::Closer| {
        for (cut, _) in &waiting {
            closer.close(*cut).await.expect("the database answers");
        }
    };
    tokio::join!(all(one), all(other));
    let early = "SELECT count(*) FROM settlement.cuts, settlement.inbox
        WHERE state = 'closed' AND NOT done @> int8range(1, seq + 1)";
    assert_eq!(world.scalar(early).await, 0, "a cut was closed over a hole");
}

async fn is_whole(world: &World, all: &[Payment], steps: &[Step]) {
    let waiting = "SELECT count(*) FROM settlement.cuts WHERE state = 'waiting' AND seq <= 60";
    assert_eq!(world.scalar(waiting).await, 0, "{steps:?}");
    let settled = "SELECT count(*) FROM settlement.batch_items";
    let settled = usize::try_from(world.scalar(settled).await);
    assert_eq!(settled.ok(), Some(all.len()), "{steps:?}");
    let beyond = "SELECT count(*) FROM settlement.batch_items i
        JOIN settlement.batches b ON b.id = i.batch_id JOIN settlement.cuts c ON c.id = b.cut_id
        WHERE i.seq > c.seq";
    assert_eq!(world.scalar(beyond).await, 0, "{steps:?}");
    let mut expected: BTreeMap<(String, String), (i64, u128)> = BTreeMap::new();
    for payment in all {
        let merchant = crate::world::wallet(payment.merchant).as_uuid().to_string();
        let tally = expected
            .entry((merchant, payment.currency.to_owned()))
            .or_default();
        *tally = (tally.0 + 1, tally.1 + payment.units);
    }
    let found: Vec<(String, String, i64, String)> = sqlx::query_as(
        "SELECT merchant_id::text, currency, sum(count)::bigint,
                (sum(gross) * CASE currency WHEN 'EUR' THEN 100 WHEN 'KRW' THEN 1
                                            ELSE 1000000000000000000 END)::numeric(40, 0)::text
         FROM settlement.batches GROUP BY merchant_id, currency",
    )
    .fetch_all(&world.owner)
    .await
    .expect("the batches are there");
    let found: BTreeMap<(String, String), (i64, u128)> = found
        .into_iter()
        .map(|(merchant, currency, count, units)| {
            (
                (merchant, currency),
                (count, units.parse().expect("whole units")),
            )
        })
        .collect();
    assert_eq!(found, expected, "{steps:?}");
    let told = "SELECT count(*) FROM settlement.events";
    let batches = "SELECT count(*) FROM settlement.batches";
    assert_eq!(world.scalar(told).await, world.scalar(batches).await);
}
