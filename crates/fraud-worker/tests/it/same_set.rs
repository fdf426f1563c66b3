//! Random movements in any order, more than once, by one worker and by two: the alerts are the
//! same to the last byte, and those that the definition asks for.

use std::collections::BTreeSet;

use contracts::{Kind, fraud::Rule, rpc::Alert};
use rust_decimal::Decimal;
use service_runtime::entropy;

use crate::world::{Move, World, at, wallet};

const MOVES: usize = 300;

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

fn moves(dice: &mut Dice) -> Vec<Move> {
    (0..MOVES)
        .map(|_| {
            let from = u8::try_from(dice.roll(4)).expect("small");
            // Around the threshold, and exactly at it.
            let minor = 999_990 + i64::try_from(dice.roll(20)).expect("small");
            Move {
                kind: Kind::ALL[usize::try_from(dice.roll(4)).expect("small")],
                from,
                to: (from + 1) % 4,
                currency: "EUR",
                amount: Decimal::new(minor, 2),
                // Whole seconds: many are exactly a minute apart, and many at one moment.
                at: at(i64::try_from(dice.roll(1_200)).expect("small")),
            }
        })
        .collect()
}

/// What the rules' comments say, of the plan and with nothing of the worker's code.
fn model(moves: &[Move]) -> BTreeSet<(Rule, u64)> {
    let is_debit = |one: &Move| matches!(one.kind, Kind::Withdrawal | Kind::Transfer);
    let is_large = |one: &Move| one.amount >= Decimal::from(10_000);
    let mut found = BTreeSet::new();
    for (seq, one) in (1..).zip(moves) {
        if one.kind == Kind::Deposit && is_large(one) {
            found.insert((Rule::LargeDeposit, seq));
        }
        if !is_debit(one) {
            continue;
        }
        if is_large(one) {
            found.insert((Rule::LargeWithdrawal, seq));
        }
        let inside = |other: &&Move| {
            let age = (one.at - other.at).num_milliseconds();
            other.from == one.from && is_debit(other) && (0..60_000).contains(&age)
        };
        if moves.iter().filter(inside).count() >= 3 {
            found.insert((Rule::RapidWithdrawals, seq));
        }
    }
    found
}

/// The alerts after a delivery of the moves in some order, by so many workers.
async fn alerts(moves: &[Move], seqs: Vec<usize>, workers: usize) -> Vec<Alert> {
    let mut world = World::empty().await;
    for _ in 0..workers {
        world.start_worker(None).await;
    }
    world.write(moves);
    world.publish(seqs).await;
    world.wait_until_settled().await;
    let alerts = world.alerts(None).await;
    let published = world.published(alerts.len() as u64).await;
    let of_stream: BTreeSet<_> = published.iter().map(|event| event.alert).collect();
    let of_list: BTreeSet<_> = alerts.iter().map(|alert| alert.id).collect();
    assert_eq!(of_stream, of_list, "each is published once");
    world.stop().await;
    alerts
}

#[tokio::test]
async fn alerts_are_the_same_in_any_order_any_batching_with_repetitions_and_two_workers() {
    let seed = u64::from_be_bytes(entropy()[..8].try_into().expect("eight bytes"));
    println!("seed {seed}");
    let mut dice = Dice(seed);
    let moves = moves(&mut dice);
    let in_order = alerts(&moves, (1..=MOVES).collect(), 1).await;
    let found: BTreeSet<_> = in_order
        .iter()
        .map(|alert| (alert.rule, alert.seq))
        .collect();
    assert_eq!(found, model(&moves), "seed {seed}");
    assert_eq!(found.len(), in_order.len());
    assert!(in_order.iter().all(|alert| alert.wallet < wallet(4)));

    let text = |alerts: &[Alert]| serde_json::to_string(alerts).expect("serialises");
    for workers in [1, 2] {
        let again = (1..=MOVES).filter(|_| dice.roll(3) > 0);
        let mut seqs: Vec<usize> = (1..=MOVES).chain(again.collect::<Vec<_>>()).collect();
        dice.shuffle(&mut seqs);
        let shuffled = alerts(&moves, seqs, workers).await;
        assert_eq!(text(&shuffled), text(&in_order), "seed {seed}");
    }
}
