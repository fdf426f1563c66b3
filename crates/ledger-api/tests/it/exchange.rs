//! Exchange below the HTTP API: groups, rehearsals, and what the database refuses by itself.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use contracts::{Currency, LedgerEvent, WalletId, event::Rate};
use ledger_api::{
    domain::{
        Action, CreateQuote, Exchange, SetRates,
        exchange::{KnownRate, Quote, Terms},
    },
    store,
};
use service_runtime::Clock;

use crate::books::{Books, command, eur, status, withdrawal};

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn rate() -> Rate {
    Rate {
        base: currency("EUR"),
        quote: currency("JPY"),
        rate: 160.into(),
        as_of: Clock::system().now(),
        spread: None,
    }
}

/// A quote for `amount` euros of the wallet, in yen.
async fn quote(books: &Books, wallet: WalletId, amount: &str) -> Quote {
    let set = Action::SetRates(SetRates {
        source: "desk".to_owned(),
        rates: vec![rate()],
    });
    let key = format!("rates {wallet} {amount}");
    assert_eq!(
        status(&books.engine.submit(command("ops", &key, set)).await),
        201
    );
    let known = KnownRate {
        rate: rate(),
        seq: 1,
    };
    let ask = Action::CreateQuote(CreateQuote {
        wallet,
        amount: eur(amount),
        to: currency("JPY"),
        known: vec![known],
        terms: Terms {
            spread: 1.into(),
            rate_age_max: TimeDelta::hours(1),
            quote_life: TimeDelta::hours(1),
        },
    });
    let key = format!("ask {wallet} {amount}");
    assert_eq!(
        status(&books.engine.submit(command("ann", &key, ask)).await),
        201
    );
    let data: String =
        sqlx::query_scalar("SELECT data FROM ledger.events ORDER BY seq DESC LIMIT 1")
            .fetch_one(&books.owner)
            .await
            .expect("an event");
    let Ok(LedgerEvent::QuoteCreated(event)) = LedgerEvent::decode(data.as_bytes()) else {
        panic!("{data}")
    };
    let found = store::quotes::find(&books.owner, event.quote).await;
    let (quote, executed_by) = found.expect("the database answers").expect("a quote");
    assert_eq!(
        (quote.to.amount.amount(), executed_by),
        (event.to_amount, None)
    );
    quote
}

fn exchange(quote: &Quote) -> Action {
    Action::Exchange(Exchange {
        quote: quote.clone(),
        reference: None,
        description: None,
        metadata: BTreeMap::new(),
    })
}

async fn is_executed(books: &Books, quote: &Quote) -> bool {
    let found = store::quotes::find(&books.owner, quote.id).await;
    found
        .expect("the database answers")
        .expect("a quote")
        .1
        .is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_refused_or_rehearsed_leaves_its_quote_open() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "100.00").await;
    let quote = quote(&books, wallet, "25.00").await;
    let group = |number: u8, amount| {
        vec![
            command("ann", &format!("do {number}"), exchange(&quote)),
            command("ann", &format!("out {number}"), withdrawal(wallet, amount)),
        ]
    };
    // The exchange leaves 75.00: a cent more is refused, and then nothing was done.
    let refused = books
        .engine
        .submit_linked(group(1, "75.01"))
        .await
        .expect("decided");
    assert_eq!(refused.iter().map(status).collect::<Vec<_>>(), [422, 422]);
    assert!(!is_executed(&books, &quote).await);
    let rehearsed = books
        .engine
        .rehearse(group(2, "75.00"), true)
        .await
        .expect("decided");
    assert_eq!(rehearsed.iter().map(status).collect::<Vec<_>>(), [201, 201]);
    assert!(!is_executed(&books, &quote).await);
    // Twice in a group is once too often.
    let twice = vec![
        command("ann", "one", exchange(&quote)),
        command("ann", "two", exchange(&quote)),
    ];
    let twice = books.engine.submit_linked(twice).await.expect("decided");
    assert_eq!(twice.iter().map(status).collect::<Vec<_>>(), [422, 422]);
    let done = books
        .engine
        .submit_linked(group(3, "75.00"))
        .await
        .expect("decided");
    assert_eq!(done.iter().map(status).collect::<Vec<_>>(), [201, 201]);
    assert!(is_executed(&books, &quote).await);
    assert_eq!(books.balance(wallet).await, "0.00");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rates_and_quotes_cannot_be_changed_even_by_the_owner() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "100.00").await;
    let quote = quote(&books, wallet, "25.00").await;
    let done = books
        .engine
        .submit(command("ann", "do", exchange(&quote)))
        .await;
    assert_eq!(status(&done), 201);
    for (sql, words) in [
        ("UPDATE ledger.rates SET rate = 1", "append-only"),
        ("DELETE FROM ledger.rates", "append-only"),
        ("TRUNCATE ledger.rates", "append-only"),
        ("DELETE FROM ledger.quotes", "append-only"),
        ("TRUNCATE ledger.quotes", "append-only"),
        ("UPDATE ledger.quotes SET to_amount = 1", "executed once"),
        (
            "UPDATE ledger.quotes SET transaction_id = NULL",
            "executed once",
        ),
        (
            "UPDATE ledger.quotes SET transaction_id = gen_random_uuid()",
            "executed once",
        ),
        (
            "INSERT INTO ledger.rates VALUES ('EUR', 'USD', now(), 1, 0, NULL, 's', now())",
            "rate_is_above_zero",
        ),
    ] {
        let error = sqlx::raw_sql(sql).execute(&books.owner).await.err();
        let error = error
            .unwrap_or_else(|| panic!("{sql} was allowed"))
            .to_string();
        assert!(error.contains(words), "{sql}: {error}");
    }
    books.close().await;
}
