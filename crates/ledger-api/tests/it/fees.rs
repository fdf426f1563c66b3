//! Fee rules that change while money moves: no payment has the wrong one.

use std::time::Duration;

use contracts::{Kind, LedgerEvent, Posted, event::FeeTerms};
use futures_util::future::join_all;
use ledger_api::domain::{Action, DeactivateFeeRule};
use testkit::eventually;

use crate::books::{Books, command, eur, payment, status};

fn terms(percentage: &str) -> FeeTerms {
    FeeTerms {
        kinds: vec![Kind::Payment],
        merchant_category: None,
        currency: eur("1").currency(),
        percentage: Some(percentage.parse().expect("a number")),
        fixed: None,
        minimum: None,
        maximum: None,
    }
}

/// What happened, in order.
async fn log(books: &Books) -> Vec<LedgerEvent> {
    let rows: Vec<String> = sqlx::query_scalar("SELECT data FROM ledger.events ORDER BY seq")
        .fetch_all(&books.owner)
        .await
        .expect("the log is there");
    let read = |data: &String| LedgerEvent::decode(data.as_bytes()).expect("an event");
    rows.iter().map(read).collect()
}

/// The fee of a payment, as its legs have it.
fn fee(posted: &Posted) -> String {
    let own = posted.legs.iter().filter(|leg| leg.purpose.is_some());
    own.map(|leg| leg.amount.to_string())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Payments on two replicas while the rule changes again and again: every payment after a change
/// has its fee, every one before the one before.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_change_that_races_a_thousand_payments_holds_from_its_place_in_the_log_on() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "1000.00").await;
    let shop = books.wallet("shop").await;
    let other = books.another_engine().await;
    // Twenty who pay one after the other: a batch takes what waits.
    let payments = join_all((0..20).map(async |payer| {
        let engine = if payer % 2 == 0 {
            &books.engine
        } else {
            &other
        };
        for n in 0..50 {
            let action = payment(ann, shop, "1.00", &format!("o-{payer}-{n}"));
            let key = format!("pay {payer} {n}");
            assert_eq!(
                status(&engine.submit(command("ops", &key, action)).await),
                201
            );
        }
    }));
    let changes = async {
        for percent in 1..=9_u32 {
            let so_far = i64::from(percent) * 20;
            eventually("payments go on", Duration::from_mins(1), async || {
                books.count("events").await >= so_far
            })
            .await;
            let action = Action::CreateFeeRule(terms(&percent.to_string()));
            let engine = if percent % 2 == 0 {
                &books.engine
            } else {
                &other
            };
            let key = format!("rule {percent}");
            assert_eq!(
                status(&engine.submit(command("ops", &key, action)).await),
                201
            );
        }
    };
    tokio::join!(payments, changes);

    let (mut expected, mut with, mut ends) = (String::new(), 0, 0);
    for event in log(&books).await {
        match event {
            LedgerEvent::FeeRuleChanged(rule) => {
                let cents = rule.terms.percentage.expect("a percentage").to_string();
                expected = format!("-0.0{cents} 0.0{cents}");
                ends += 1;
            }
            LedgerEvent::Posted(posted) if posted.kind == Kind::Payment => {
                assert_eq!(fee(&posted), expected, "the payment at {}", posted.seq);
                with += usize::from(!expected.is_empty());
            }
            _ => {}
        }
    }
    assert_eq!(ends, 9);
    assert!((1..1_000).contains(&with), "{with} payments had a fee");
    books.close().await;
}

/// The rule is decided on before the payments behind it, and its end before those behind that.
#[tokio::test(flavor = "multi_thread")]
async fn a_rule_holds_for_what_is_behind_it_in_its_own_batch_and_linked_to_it() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "1000.00").await;
    let shop = books.wallet("shop").await;
    let pay = |n: u8| {
        let action = payment(ann, shop, "1.00", &format!("o-{n}"));
        command("ops", &format!("pay {n}"), action)
    };
    let rule = command("ops", "rule", Action::CreateFeeRule(terms("5")));
    let linked = books.engine.submit_linked(vec![pay(1), rule, pay(2)]).await;
    let linked = linked.expect("answered");
    assert!(linked.iter().all(|answer| status(answer) == 201));
    let made = &linked[1].as_ref().expect("made").rendered.body;
    let Ok(LedgerEvent::FeeRuleChanged(made)) = LedgerEvent::decode(made.as_bytes()) else {
        panic!("no rule: {made}")
    };
    let end = |key: &str| {
        let (rule, reason) = (made.rule, "enough".to_owned());
        let action = Action::DeactivateFeeRule(DeactivateFeeRule { rule, reason });
        command("ops", key, action)
    };
    let linked = books
        .engine
        .submit_linked(vec![pay(3), end("end"), pay(4)])
        .await;
    assert!(
        linked
            .expect("answered")
            .iter()
            .all(|answer| status(answer) == 201)
    );
    let twice = books
        .engine
        .submit(end("end again"))
        .await
        .expect("decided");
    assert!(
        twice.rendered.body.contains("fee_rule_inactive"),
        "{}",
        twice.rendered.body
    );

    let fees: Vec<String> = log(&books)
        .await
        .iter()
        .filter_map(|event| match event {
            LedgerEvent::Posted(posted) if posted.kind == Kind::Payment => Some(fee(posted)),
            _ => None,
        })
        .collect();
    assert_eq!(fees, ["", "-0.05 0.05", "-0.05 0.05", ""]);
    assert_eq!(books.balance(shop).await, "3.90");
    books.close().await;
}
