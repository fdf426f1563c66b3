//! What counts against limits is what the books say, whatever happened.

use std::time::Duration;

use contracts::{
    Kind,
    event::{KycLevel, RiskLevel},
};
use futures_util::future::join_all;
use ledger_api::domain::{AccountChange, Action};
use service_runtime::Clock;

use super::{account, at, check, known, money, spend, submit, wallet_with};
use crate::books::Books;

/// Linear congruence: the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_run_over_two_processes_usage_is_what_the_postings_say() {
    const OWNERS: [&str; 3] = ["ann", "bob", "cem"];
    const CURRENCIES: [&str; 3] = ["USD", "EUR", "JPY"];
    let clock = Clock::manual(at("2026-01-29T09:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engines = [books.engine.clone(), books.another_engine().await];
    let mut wallets = Vec::new();
    for owner in OWNERS.iter().chain(&OWNERS) {
        let funds = CURRENCIES.map(|currency| ("3000", currency));
        wallets.push(wallet_with(&books, owner, &funds).await);
    }
    let mut dice = Dice(42);
    for round in 0..12 {
        let actions: Vec<Action> = (0..40)
            .map(|_| {
                let (from, to) = (wallets[dice.roll(6)], wallets[dice.roll(6)]);
                let currency = CURRENCIES[dice.roll(3)];
                let amount = money(&(dice.roll(300) + 1).to_string(), currency);
                match dice.roll(10) {
                    0 => known(OWNERS[dice.roll(3)], KycLevel::ALL[dice.roll(4)]),
                    1 => account(
                        OWNERS[dice.roll(3)],
                        AccountChange::RiskLevel(RiskLevel::ALL[dice.roll(3)]),
                    ),
                    2 => spend(Kind::Deposit, to, None, amount),
                    3 | 4 if from != to => spend(Kind::Transfer, from, Some(to), amount),
                    5 | 6 if from != to => spend(Kind::Payment, from, Some(to), amount),
                    _ => spend(Kind::Withdrawal, from, None, amount),
                }
            })
            .collect();
        let answers = join_all(
            actions
                .into_iter()
                .enumerate()
                .map(|(n, action)| submit(&engines[n % 2], action)),
        )
        .await;
        assert!(
            answers.iter().all(Result::is_ok),
            "round {round}: no deadlock surfaces"
        );
        clock.advance(Duration::from_hours(6));
    }
    for owner in OWNERS {
        check(&books, owner, &CURRENCIES, clock.now()).await;
    }
    books.close().await;
}
