//! A year of a web shop, with refunds that do not name what they pay back.

use std::{collections::BTreeMap, fmt::Write as _};

use florin::replay::{feed_with_credit, parse};
use florin::verify;
use indicatif::ProgressBar;
use rust_decimal::Decimal;

use super::{HEADER, posted, real_input};
use crate::ledger::Ledger;

/// Rows of the web shop's invoices that are replayed: a quarter's, while its oracle counts all.
const INVOICES: usize = 1_500;

/// Whole or not at all, up to what a customer has paid and not got back: count and sum of
/// payments, of refunds, and of refunds that are refused.
type Sales = [(usize, Decimal); 3];

/// The shop's invoices in the format of replays, and what must come of them.
fn invoices(text: &str, most: usize) -> (String, Sales) {
    let (mut rows, mut sales) = (format!("{HEADER}\n"), Sales::default());
    let mut open: BTreeMap<&str, Decimal> = BTreeMap::new();
    for line in text.lines().skip(1).take(most) {
        let fields: Vec<&str> = line.split(',').collect();
        let (invoice, at) = (fields[0], fields[1]);
        let customer = if fields[2].is_empty() {
            "anonymous"
        } else {
            fields[2]
        };
        let total: Decimal = fields[fields.len() - 1].parse().expect("a number");
        // Nothing moves, or pounds have no such coin.
        if total.is_zero() || total.normalize().scale() > 2 {
            continue;
        }
        let (kind, amount) = if total.is_sign_positive() {
            ("payment", total)
        } else {
            ("refund", -total)
        };
        let left = open.entry(customer).or_default();
        let what = match kind {
            "payment" => {
                *left += amount;
                0
            }
            _ if *left >= amount => {
                *left -= amount;
                1
            }
            _ => 2,
        };
        sales[what] = (sales[what].0 + 1, sales[what].1 + amount);
        writeln!(
            rows,
            "{at},{kind},{customer},the shop,{amount},GBP,,{invoice}"
        )
        .expect("a text");
    }
    (rows, sales)
}

/// A year of a web shop. Its refunds do not name the invoice that they pay back.
#[tokio::test]
async fn a_web_shops_refunds_are_those_that_its_customers_had_paid_for() {
    let Some(file) = real_input("online-retail/invoices.csv") else {
        return;
    };
    let text = String::from_utf8(file).expect("UTF-8");
    let number = |text: &str| text.parse::<Decimal>().expect("a number");
    // Our reading of the file is that of its description.
    let (_, year) = invoices(&text, usize::MAX);
    assert_eq!(
        year,
        [
            (19_956, number("10664003.27")),
            (3_631, number("893789.51")),
            (207, number("25147.10")),
        ]
    );
    // A total that pounds cannot hold is refused by name.
    let too_fine = "2011-04-15T00:00:00Z,payment,a,the shop,1.005,GBP,,550193\n";
    let refused = parse(format!("{HEADER}\n{too_fine}").as_bytes()).expect_err("too fine");
    assert!(
        refused.to_string().contains("line 2, column amount"),
        "{refused}"
    );

    let (rows, [payments, refunds, too_large]) = invoices(&text, INVOICES);
    assert!(too_large.0 > 0, "some are refused");
    let ledger = Ledger::start().await;
    let rows = parse(rows.as_bytes()).expect("a good file");
    let bar = ProgressBar::hidden();
    let report = feed_with_credit(&ledger.client, &rows, Some("10000000"), &bar).await;
    let report = report.expect("fed");
    assert_eq!(report.applied, payments.0 + refunds.0);
    assert_eq!(
        report.refused,
        BTreeMap::from([("refund_too_large".to_owned(), too_large.0)])
    );
    assert_eq!(
        posted(&ledger, "the shop", "GBP").await,
        (payments.1 - refunds.1).to_string()
    );
    let proof = verify::check(&ledger.database.url()).await.expect("proven");
    assert!(proof.clean, "{proof}");
}
