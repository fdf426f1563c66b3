//! Random movements, delivered in any order and more than once, against a recount that knows
//! nothing of the worker's code.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::{Kind, rpc::WalletStats};
use rust_decimal::Decimal;
use service_runtime::entropy;

use crate::world::{Move, World, at, wallet};

const WALLETS: u8 = 6;

/// A small generator, so that a failing run can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn shuffle(&mut self, all: &mut [usize]) {
        for last in (1..all.len()).rev() {
            let other = self.roll(last as u64 + 1);
            all.swap(last, usize::try_from(other).expect("small"));
        }
    }
}

fn moves(dice: &mut Dice, count: usize) -> Vec<Move> {
    let currencies = [("EUR", 2), ("JPY", 0), ("BTC", 8)];
    (0..count)
        .map(|_| {
            let wallets = u64::from(WALLETS);
            let from = dice.roll(wallets);
            let to = (from + 1 + dice.roll(wallets - 1)) % wallets;
            let (currency, scale) = currencies[usize::try_from(dice.roll(3)).expect("small")];
            let minor = i64::try_from(1 + dice.roll(1_000_000)).expect("small");
            Move {
                kind: Kind::ALL[usize::try_from(dice.roll(4)).expect("small")],
                from: u8::try_from(from).expect("small"),
                to: u8::try_from(to).expect("small"),
                currency,
                amount: Decimal::new(minor, scale),
                at: at(i64::try_from(dice.roll(100_000)).expect("small")),
            }
        })
        .collect()
}

type Cell = (u64, Decimal);
type Counted = (
    BTreeMap<(String, &'static str), Cell>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// Counts one wallet from the plan.
fn recount(moves: &[Move], n: u8) -> Counted {
    let (mut cells, mut times) = (BTreeMap::new(), Vec::new());
    let mut count = |one: &Move, field| {
        let cell: &mut Cell = cells.entry((one.currency.to_owned(), field)).or_default();
        cell.0 += 1;
        cell.1 += one.amount;
        times.push(one.at);
    };
    for one in moves {
        let sender = one.from == n;
        let receiver = one.to == n;
        match one.kind {
            Kind::Deposit if sender => count(one, "deposited"),
            Kind::Withdrawal if sender => count(one, "withdrawn"),
            Kind::Transfer if sender => count(one, "transferred_out"),
            Kind::Transfer if receiver => count(one, "transferred_in"),
            Kind::Payment if sender => count(one, "paid"),
            Kind::Payment if receiver => count(one, "received"),
            _ => {}
        }
    }
    (
        cells,
        times.iter().min().copied(),
        times.iter().max().copied(),
    )
}

/// What the worker says, in the recount's shape.
fn answered(stats: &WalletStats) -> Counted {
    let mut cells = BTreeMap::new();
    for all in &stats.balances {
        let fields = [
            ("deposited", &all.deposited),
            ("withdrawn", &all.withdrawn),
            ("paid", &all.paid),
            ("received", &all.received),
            ("transferred_in", &all.transferred_in),
            ("transferred_out", &all.transferred_out),
        ];
        for (field, tally) in fields.into_iter().filter(|(_, tally)| tally.count > 0) {
            cells.insert(
                (all.currency.code().to_owned(), field),
                (tally.count, tally.amount),
            );
        }
    }
    (cells, stats.first_seen_at, stats.last_activity_at)
}

#[tokio::test]
async fn totals_are_exact_in_any_order_any_batching_and_with_repetitions() {
    let seed = u64::from_be_bytes(entropy()[..8].try_into().expect("eight bytes"));
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let world = World::start().await;
    let moves = moves(&mut dice, 400);
    world.write(&moves);
    // Most twice, in any order, while the worker is at it: it cuts its own batches.
    let mut seqs: Vec<usize> = (1..=400)
        .chain((1..=400).filter(|_| dice.roll(3) > 0))
        .collect();
    dice.shuffle(&mut seqs);
    world.publish(seqs).await;
    world.wait_until_settled().await;
    for n in 0..WALLETS {
        let stats = world.stats(wallet(n)).await;
        assert_eq!(
            answered(&stats),
            recount(&moves, n),
            "wallet {n}, seed {seed}"
        );
        assert_eq!(stats.as_of_seq, 400);
        let codes: Vec<&str> = stats
            .balances
            .iter()
            .map(|all| all.currency.code())
            .collect();
        assert!(codes.is_sorted(), "{codes:?}");
    }
    world.stop().await;
}
