//! `florin replay` against a real ledger: small files, and a real wallet's year.

mod web_shop;

use std::collections::BTreeMap;
use std::path::PathBuf;

use contracts::{Currency, Kind};
use florin::replay::{Mismatch, Report, Row, feed, feed_with_credit, parse};
use florin::verify;
use indicatif::ProgressBar;
use rust_decimal::Decimal;

use crate::SOON;
use crate::ledger::Ledger;

const HEADER: &str = "at,kind,wallet,counterparty,amount,currency,balance_after,reference";

/// Balances that chain over three wallets; one row is refused, one balance is wrong.
const MARKET: &str = "\
2020-01-01T00:00:01Z,deposit,ann,bank,100,EUR,100.00,r1
2020-01-01T00:00:02Z,deposit,bob,,50.5,EUR,50.5,r2
2020-01-01T00:00:03Z,transfer,ann,bob,25,EUR,75,r3
2020-01-01T00:00:04Z,payment,bob,the shop,60.50,EUR,15.00,r4
2020-01-01T00:00:05Z,withdrawal,bob,,1000,EUR,-985,r5
2020-01-01T00:00:06Z,payment,ann,the shop,5,EUR,71,r6
2020-01-01T00:00:07Z,withdrawal,ann,,70,EUR,0,r7
2020-01-01T00:00:08Z,deposit,the shop,,1000,KRW,,r8
";

async fn replay(ledger: &Ledger, rows: &str) -> Report {
    let rows = parse(format!("{HEADER}\n{rows}").as_bytes()).expect("a good file");
    feed(&ledger.client, &rows, &ProgressBar::hidden())
        .await
        .expect("fed")
}

async fn posted(ledger: &Ledger, reference: &str, currency: &str) -> String {
    let found = ledger
        .client
        .wallets_by_reference(reference)
        .await
        .expect("an answer")
        .items;
    assert_eq!(found.len(), 1, "{reference} has one wallet");
    found[0]
        .posted(currency.parse::<Currency>().expect("a currency"))
        .to_string()
}

#[tokio::test]
async fn history_moves_money_and_names_what_differs() {
    let ledger = Ledger::start().await;
    let report = replay(&ledger, MARKET).await;
    assert_eq!((report.rows, report.applied, report.replayed), (8, 7, 0));
    assert_eq!(
        report.refused,
        BTreeMap::from([("insufficient_funds".to_owned(), 1)])
    );
    let differs = Mismatch {
        row: 6,
        reference: "r6".to_owned(),
        wallet: "ann".to_owned(),
        ours: "70.00".to_owned(),
        theirs: "71.00".to_owned(),
    };
    assert_eq!(report.mismatches, [differs]);
    assert_eq!(posted(&ledger, "ann", "EUR").await, "0.00");
    assert_eq!(posted(&ledger, "bob", "EUR").await, "15.00");
    assert_eq!(posted(&ledger, "the shop", "EUR").await, "65.50");
    assert_eq!(posted(&ledger, "the shop", "KRW").await, "1000");

    let found = ledger
        .client
        .wallets_by_reference("ann")
        .await
        .expect("an answer")
        .items;
    let history = ledger
        .client
        .history(found[0].id, None)
        .await
        .expect("an answer")
        .items;
    let first = history.last().expect("a first transaction");
    assert_eq!(first.effective_at.to_rfc3339(), "2020-01-01T00:00:01+00:00");
    assert_eq!(first.reference.as_deref(), Some("r1"));
    let proof = verify::check(&ledger.database.url()).await.expect("proven");
    assert!(proof.clean, "{proof}");
}

/// A refund names no payment: it is paid back out of those before it, whole or not at all.
const RETURNS: &str = "\
2020-01-01T00:00:01Z,adjustment,ann,,100,EUR,100.00,r1
2020-01-01T00:00:02Z,adjustment,ann,,-0.5,EUR,99.50,r2
2020-01-01T00:00:03Z,payment,ann,shop,20,EUR,79.50,r3
2020-01-01T00:00:04Z,payment,ann,shop,30,EUR,49.50,r4
2020-01-01T00:00:05Z,refund,ann,shop,25,EUR,74.50,r5
2020-01-01T00:00:06Z,refund,ann,shop,25.01,EUR,,r6
2020-01-01T00:00:07Z,refund,ann,shop,25,EUR,99.50,r7
2020-01-01T00:00:08Z,refund,bob,shop,1,EUR,,r8
";

#[tokio::test]
async fn refunds_are_paid_back_out_of_earlier_payments_and_adjustments_have_a_sign() {
    let ledger = Ledger::start().await;
    let report = replay(&ledger, RETURNS).await;
    assert_eq!((report.rows, report.applied), (8, 6));
    assert_eq!(report.mismatches, []);
    let too_large = BTreeMap::from([("refund_too_large".to_owned(), 2)]);
    assert_eq!(report.refused, too_large);
    assert_eq!(posted(&ledger, "ann", "EUR").await, "99.50");
    assert_eq!(posted(&ledger, "shop", "EUR").await, "0.00");
    let again = replay(&ledger, RETURNS).await;
    assert_eq!((again.applied, again.replayed), (0, 6));
    assert_eq!(again.refused, too_large);
    let proof = verify::check(&ledger.database.url()).await.expect("proven");
    assert!(proof.clean, "{proof}");
}

#[tokio::test]
async fn a_credit_line_lets_history_go_below_zero_and_no_further() {
    let ledger = Ledger::start().await;
    let rows = "2020-01-01T00:00:01Z,withdrawal,ann,,50,EUR,-50.00,r1\n\
                2020-01-01T00:00:02Z,withdrawal,ann,,50.01,EUR,,r2\n\
                2020-01-01T00:00:03Z,payment,ann,shop,50,EUR,-100.00,r3\n\
                2020-01-01T00:00:04Z,withdrawal,shop,,150,EUR,-100.00,r4\n";
    let rows = parse(format!("{HEADER}\n{rows}").as_bytes()).expect("a good file");
    let bar = ProgressBar::hidden();
    for applied in [3, 0] {
        let report = feed_with_credit(&ledger.client, &rows, Some("100"), &bar).await;
        let report = report.expect("fed");
        assert_eq!((report.applied, report.mismatches.len()), (applied, 0));
    }
    assert_eq!(posted(&ledger, "ann", "EUR").await, "-100.00");
}

#[tokio::test]
async fn the_same_file_again_applies_nothing() {
    let ledger = Ledger::start().await;
    let head = async || {
        verify::check(&ledger.database.url())
            .await
            .expect("proven")
            .head
    };
    replay(&ledger, MARKET).await;
    let before = head().await;
    let again = replay(&ledger, MARKET).await;
    assert_eq!((again.applied, again.replayed), (0, 8));
    assert!(again.refused.is_empty() && again.mismatches.is_empty());
    assert_eq!(head().await, before, "nothing was written");
}

#[tokio::test]
async fn an_interrupted_file_goes_on_where_it_was() {
    let ledger = Ledger::start().await;
    let (first, _) = MARKET.split_at(MARKET.find("2020-01-01T00:00:05Z").expect("row 5"));
    assert_eq!(replay(&ledger, first).await.applied, 4);
    let rest = replay(&ledger, MARKET).await;
    assert_eq!(
        (rest.applied, rest.replayed, rest.mismatches.len()),
        (3, 4, 1)
    );
    assert_eq!(posted(&ledger, "ann", "EUR").await, "0.00");
}

#[tokio::test]
async fn a_reference_that_names_another_row_now_is_refused() {
    let ledger = Ledger::start().await;
    replay(&ledger, "2020-01-01T00:00:01Z,deposit,ann,,1,EUR,1,r1\n").await;
    let other = replay(&ledger, "2020-01-01T00:00:01Z,deposit,ann,,2,EUR,2,r1\n").await;
    assert_eq!(
        other.refused,
        BTreeMap::from([("idempotency_key_reused".to_owned(), 1)])
    );
    assert_eq!(posted(&ledger, "ann", "EUR").await, "1.00");
}

/// 400 people at a school festival, 17 booths: every balance that the original system wrote
/// down, but for three rows of a wallet whose first deposit is missing from the data.
#[tokio::test]
async fn a_real_festival_ends_with_the_balances_that_it_had() {
    let Some(file) = real_input("minsapay-2019/replay.csv") else {
        return;
    };
    let ledger = Ledger::start().await;
    let rows = parse(&file).expect("a good file");
    let report = feed(&ledger.client, &rows, &ProgressBar::hidden())
        .await
        .expect("fed");
    assert_eq!((report.rows, report.applied), (2_449, 2_446));
    assert_eq!(
        report.refused,
        BTreeMap::from([("insufficient_funds".to_owned(), 3)])
    );
    let differ: Vec<[&str; 3]> = report
        .mismatches
        .iter()
        .map(|m| [&*m.reference, &*m.ours, &*m.theirs])
        .collect();
    assert_eq!(
        differ,
        [
            ["minsapay-1865", "5000", "10000"],
            ["minsapay-1887", "1000", "6000"],
            ["minsapay-1974", "0", "2000"],
        ]
    );
    let text = report.to_string();
    for total in ["4,324,108,820", "4,304,594,410", "4,599,210"] {
        assert!(text.contains(total), "{text}");
    }
    for (booth, received) in [("#001", "1065000"), ("#007", "952500"), ("#016", "26000")] {
        let reference = booth_of(&rows, booth);
        assert_eq!(
            posted(&ledger, reference, "KRW").await,
            received,
            "{reference}"
        );
    }
    statistics_are_a_count_of_the_file(&ledger, &rows).await;
    let proof = verify::check(&ledger.database.url()).await.expect("proven");
    assert!(proof.clean, "{proof}");
    assert_eq!(proof.consumers[0].missing, 0, "{proof}");

    let again = feed(&ledger.client, &rows, &ProgressBar::hidden())
        .await
        .expect("fed");
    assert_eq!((again.applied, again.replayed), (0, 2_449));
    let after = verify::check(&ledger.database.url()).await.expect("proven");
    assert_eq!(
        (after.head, after.hash),
        (proof.head, proof.hash),
        "nothing was written"
    );
}

/// The worker saw events; the file is the other way to the same numbers.
async fn statistics_are_a_count_of_the_file(ledger: &Ledger, rows: &[Row]) {
    let mut expected: BTreeMap<&str, [(u64, Decimal); 4]> = BTreeMap::new();
    let refused = ["minsapay-1576", "minsapay-1781", "minsapay-1951"];
    for row in rows
        .iter()
        .filter(|row| !refused.contains(&&*row.reference))
    {
        let mut count = |wallet, column: usize| {
            let (count, sum) = &mut expected.entry(wallet).or_default()[column];
            (*count, *sum) = (*count + 1, *sum + row.amount.amount());
        };
        match row.kind {
            Kind::Deposit => count(row.wallet.as_str(), 0),
            Kind::Withdrawal => count(row.wallet.as_str(), 1),
            _ => {
                count(row.wallet.as_str(), 2);
                count(row.counterparty.as_deref().expect("a booth"), 3);
            }
        }
    }
    let head = verify::check(&ledger.database.url())
        .await
        .expect("proven")
        .head
        .unsigned_abs();
    for (reference, columns) in expected {
        let found = ledger
            .client
            .wallets_by_reference(reference)
            .await
            .expect("an answer")
            .items;
        let stats = testkit::eventually("the worker has counted all", SOON, async || {
            let stats = ledger
                .client
                .stats(found[0].id)
                .await
                .map_err(|error| error.to_string())?;
            if stats.as_of_seq == head {
                Ok(stats)
            } else {
                Err(stats.as_of_seq.to_string())
            }
        })
        .await;
        let [krw] = stats.balances.as_slice() else {
            panic!("one currency: {stats:?}")
        };
        let counted = [&krw.deposited, &krw.withdrawn, &krw.paid, &krw.received];
        assert_eq!(
            counted.map(|tally| (tally.count, tally.amount)),
            columns,
            "{reference}"
        );
    }
}

fn booth_of<'a>(rows: &'a [florin::replay::Row], number: &str) -> &'a str {
    let booths = rows.iter().filter_map(|row| row.counterparty.as_deref());
    booths
        .into_iter()
        .find(|name| name.ends_with(number))
        .expect("the booth is paid")
}

/// A file of the real input, which is not part of the repository.
pub fn real_input(path: &str) -> Option<Vec<u8>> {
    let set = std::env::var_os("FLORIN_REAL_INPUT");
    let folder = set.as_ref().map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    match std::fs::read(folder.join(path)) {
        Ok(file) => {
            println!("real input: run");
            Some(file)
        }
        Err(error) => {
            assert!(
                set.is_none(),
                "FLORIN_REAL_INPUT is set, and {path}: {error}"
            );
            println!("real input: absent");
            None
        }
    }
}
