//! Tie-outs against a ledger that is played.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use contracts::{
    LedgerEvent,
    rpc::{AccountTotals, MerchantTotal, TieOut},
};
use service_runtime::{Clock, Process};
use settlement_worker::reconcile::{Outcome, TieOuts};

use crate::world::{Payment, World, posted, wallet};

const PAYMENT: Payment = Payment {
    merchant: 1,
    currency: "EUR",
    units: 1_000,
};

/// Gauges are the test process's: one tie-out at a time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

fn tie_outs(world: &World, ledger: settlement_worker::sweeps::Ledger) -> TieOuts {
    let every = Duration::from_secs(1);
    TieOuts::new(world.url.clone(), ledger, world.clock.clone(), every)
}

/// Books after so many payments of ten euros between two wallets.
fn books(turnover: &str) -> TieOut {
    TieOut {
        accounts: vec![AccountTotals {
            account: "main".to_owned(),
            currency: "EUR".parse().expect("a currency"),
            balances: "0.00".to_owned(),
            postings: "0.00".to_owned(),
            turnover: turnover.to_owned(),
        }],
        uneven: 0,
        shown: Vec::new(),
    }
}

fn paid(amount: &str) -> Vec<MerchantTotal> {
    vec![MerchantTotal {
        merchant: wallet(1),
        currency: "EUR".parse().expect("a currency"),
        amount: amount.to_owned(),
    }]
}

/// The ledger takes a minute over a hundred million postings, and the server ends a session that
/// holds a transaction open for ten seconds: the tie-out would never be complete.
#[tokio::test(flavor = "multi_thread")]
async fn no_transaction_is_open_while_the_ledger_adds_up() {
    let _turn = TURN.lock().await;
    let world = World::new().await;
    world.apply(&[(1, PAYMENT)]).await;
    let process = Process::new("ledger", Clock::system());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (owner, states) = (world.owner.clone(), Arc::clone(&seen));
    let answer = move || {
        let (owner, states) = (owner.clone(), Arc::clone(&states));
        async move {
            let sql = "SELECT state FROM pg_stat_activity WHERE datname = current_database()
                       AND application_name = 'florin settlement tie-out'";
            let found: Vec<String> = sqlx::query_scalar(sql)
                .fetch_all(&owner)
                .await
                .expect("the database answers");
            states.lock().expect("no panic held it").extend(found);
            books("20.00")
        }
    };
    let ledger = world.books(&process, paid("10.00"), answer).await;
    let outcome = tie_outs(&world, ledger).once().await;
    assert_eq!(outcome.expect("it is done"), Outcome::Complete(1, 0));
    assert_eq!(*seen.lock().expect("no panic held it"), ["idle"]);
    process.shutdown();
}

/// They are never forgotten, so a limit that a few years of operation reach would end tie-outs
/// for ever.
#[tokio::test(flavor = "multi_thread")]
async fn discarded_payments_beyond_a_page_stand_beside_the_sums_each_once() {
    const DISCARDED: i64 = 750;
    let _turn = TURN.lock().await;
    let world = World::new().await;
    let seqs: Vec<i64> = (1..=DISCARDED).collect();
    let data: Vec<Vec<u8>> = (1..=DISCARDED.unsigned_abs())
        .map(|seq| LedgerEvent::Posted(posted(seq, &PAYMENT)).encode().into())
        .collect();
    sqlx::query(
        "INSERT INTO settlement.dead_letters (id, consumer, source, seq, subject, noun_verb,
             headers, data, reason, error, attempts, first_at, last_at, state)
         SELECT gen_random_uuid(), 'settlement', 'ledger', seq, '', '', '[]', data, '', '', 1,
                now(), now(), 'discarded'
         FROM unnest($1::bigint[], $2::bytea[]) AS letter (seq, data)",
    )
    .bind(&seqs)
    .bind(&data)
    .execute(&world.owner)
    .await
    .expect("the owner may");
    world
        .execute("UPDATE settlement.inbox SET done = '{[1,751)}'")
        .await;
    world.apply(&[(751, PAYMENT)]).await;
    let process = Process::new("ledger", Clock::system());
    let answer = || async { books("15020.00") };
    let ledger = world.books(&process, paid("7510.00"), answer).await;
    let outcome = tie_outs(&world, ledger).once().await;
    assert_eq!(outcome.expect("it is done"), Outcome::Complete(751, 0));
    process.shutdown();
}

/// The doctor and alarms read the gauges of every process, and one that does not tie out any more
/// would show for ever what it once found.
#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_does_not_lead_any_more_shows_no_difference() {
    let shown = || {
        let text = service_runtime::metrics::recorder().render();
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix("florin_settlement_imbalance "));
        line.expect("it is shown").to_owned()
    };
    service_runtime::metrics::recorder();
    let _turn = TURN.lock().await;
    let world = World::new().await;
    world.apply(&[(1, PAYMENT)]).await;
    let process = Process::new("ledger", Clock::system());
    let answer = || async { books("20.01") };
    let ledger = world.books(&process, paid("10.00"), answer).await;
    let mut first = tie_outs(&world, ledger.clone());
    let outcome = first.once().await;
    assert_eq!(outcome.expect("it is done"), Outcome::Complete(1, 1));
    assert_eq!(shown(), "1");

    world
        .execute(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
             WHERE datname = current_database()
               AND application_name = 'florin settlement tie-out'",
        )
        .await;
    first.once().await.expect_err("its connection is gone");
    let mut second = tie_outs(&world, ledger);
    let outcome = second.once().await;
    assert_eq!(outcome.expect("it is done"), Outcome::Complete(1, 1));
    let outcome = first.once().await;
    assert_eq!(outcome.expect("it is asked"), Outcome::Elsewhere);
    assert_eq!(shown(), "0");
    process.shutdown();
}
