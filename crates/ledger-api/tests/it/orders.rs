//! Orders that are paid at the same moment: in one batch, over two lanes, in two currencies.

use std::collections::BTreeSet;

use contracts::{Currency, Kind, WalletId, parse_amount};
use futures_util::future::join_all;
use ledger_api::domain::{Action, Movement};

use crate::books::{Books, command, deposit, payment, status};

#[tokio::test(flavor = "multi_thread")]
async fn of_fifty_payments_of_one_order_at_once_exactly_one_is_posted() {
    let books = Books::open().await;
    let shop = books.wallet("shop").await;
    let ann = books.wallet_with("ann", "1000.00").await;
    let other = books.another_engine().await;
    let pay = |n: usize| {
        let engine = if n.is_multiple_of(2) {
            &books.engine
        } else {
            &other
        };
        engine.submit(command(
            "ops",
            &format!("pay {n}"),
            payment(ann, shop, "1.00", "o-1"),
        ))
    };
    let answers = join_all((0..50).map(pay)).await;
    let posted = answers
        .iter()
        .filter(|answer| status(answer) == 201)
        .count();
    assert_eq!((posted, books.balance(shop).await.as_str()), (1, "1.00"));

    // Those that waited meanwhile are one batch.
    let head = books.stall().await;
    let batch = join_all((0..10).map(|n| {
        let action = payment(ann, shop, "1.00", "o-2");
        books
            .engine
            .submit(command("ops", &format!("batch {n}"), action))
    }));
    let (answers, ()) = tokio::join!(batch, async {
        tokio::task::yield_now().await;
        head.commit().await.expect("the head is free");
    });
    let posted = answers
        .iter()
        .filter(|answer| status(answer) == 201)
        .count();
    assert_eq!((posted, books.balance(shop).await.as_str()), (1, "2.00"));
    books.close().await;
}

/// Nothing that two payments in two currencies lock is the same but the order: the second lane
/// meets the primary key, and decides once more.
#[tokio::test(flavor = "multi_thread")]
async fn two_currencies_at_once_pay_an_order_once() {
    let books = Books::open().await;
    let shop = books.wallet("shop").await;
    let currencies = ["EUR", "USD"].map(|code| code.parse::<Currency>().expect("a currency"));
    let in_currency = |action: Action, currency: Currency| match action {
        Action::Move(movement) => Action::Move(Movement {
            amount: parse_amount("1.00", currency).expect("an amount"),
            ..movement
        }),
        other => other,
    };
    let mut payers: Vec<(WalletId, Currency)> = Vec::new();
    for (n, currency) in (0..20).flat_map(|n| currencies.map(|currency| (n, currency))) {
        let payer = books.wallet(&format!("payer {n} {currency}")).await;
        let fund = in_currency(deposit(payer, "1.00"), currency);
        let funded = books
            .engine
            .submit(command("ops", &format!("fund {payer}"), fund))
            .await;
        assert_eq!(status(&funded), 201);
        payers.push((payer, currency));
    }
    let other = books.another_engine().await;
    let pay = |(payer, currency): (WalletId, Currency), order: usize, engine| {
        let action = in_currency(
            payment(payer, shop, "1.00", &format!("o-{order}")),
            currency,
        );
        assert!(matches!(&action, Action::Move(own) if own.kind == Kind::Payment));
        let key = format!("pay {payer}");
        let engine: &ledger_api::posting::Engine = engine;
        let engine = engine.clone();
        async move { engine.submit(command("ops", &key, action)).await }
    };
    let mut paid = BTreeSet::new();
    for (order, pair) in payers.chunks(2).enumerate() {
        // Both wait at the head until it is let go: then both have looked, and found the order free.
        let head = books.hold_head().await;
        let both = join_all([
            pay(pair[0], order, &books.engine),
            pay(pair[1], order, &other),
        ]);
        let (answers, ()) = tokio::join!(both, async {
            books.wait_for_lanes(2).await;
            head.commit().await.expect("the head is free");
        });
        let mut statuses: Vec<u16> = answers.iter().map(status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 422], "order {order}");
        paid.insert(order);
    }
    assert_eq!((paid.len(), books.count("orders").await), (20, 20));
    books.close().await;
}
