//! The rules, the database and a simple reference side by side: whatever is asked, all three give
//! the same answers, and hold the same balances after every step.
//!
//! To add a kind of command: a variant in `operations.rs` with its chance and its action, and what
//! it does in `reference.rs`, in the simplest words there are. To keep a sequence that failed: a
//! test of its own at the end of this file, with the shrunk operations.

mod case;
mod operations;
mod reference;

use proptest::{
    prelude::*,
    test_runner::{Config, TestCaseError, TestRunner},
};

use self::{
    case::Case,
    operations::{Coin, Operation, Step, any_step},
};
use crate::books::Books;

/// Sequences that are tried: with their steps, some seconds of work on a slow machine.
const SEQUENCES: u32 = 32;
/// Steps of the longest sequence: enough to fill, freeze, overdraw and close each wallet.
const STEPS_MAX: usize = 40;

/// Runs one sequence on fresh wallets, in the middle of a runtime.
fn run(books: &Books, number: u64, steps: &[Step]) -> Result<(), String> {
    tokio::task::block_in_place(|| {
        tokio::runtime::Handle::current().block_on(async {
            let mut case = Case::open(books, number).await;
            for (n, step) in steps.iter().enumerate() {
                let outcome = case.step(step).await;
                outcome.map_err(|wrong| format!("step {n}, {step:?}: {wrong}"))?;
            }
            Ok(())
        })
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_the_database_and_a_simple_reference_agree_after_every_step() {
    let books = Books::open().await;
    let config = Config {
        cases: SEQUENCES,
        failure_persistence: None,
        ..Config::default()
    };
    let number = std::sync::atomic::AtomicU64::new(0);
    let steps = prop::collection::vec(any_step(), 1..STEPS_MAX);
    let outcome = TestRunner::new(config).run(&steps, |steps| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        run(&books, number, &steps).map_err(TestCaseError::fail)
    });
    if let Err(found) = outcome {
        panic!("{found}");
    }
    books.close().await;
}

/// A sequence as a failure prints it, kept by name.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_closes_a_wallet_and_then_fails_leaves_it_open() {
    let books = Books::open().await;
    let deposit = Operation::Deposit(0, Coin::Euro, 500);
    let out = Operation::Withdraw(0, Coin::Euro, 500);
    let steps = [
        Step::One(deposit.clone()),
        Step::Linked(vec![out.clone(), Operation::Close(0), deposit.clone()]),
        Step::Rehearsal(true, vec![out.clone(), Operation::Close(0)]),
        Step::Each(vec![out, Operation::Close(0), deposit]),
        Step::Again(1),
    ];
    run(&books, 0, &steps).expect("all agree");
    books.close().await;
}
