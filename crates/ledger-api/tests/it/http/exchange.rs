//! Quotes, and exchanges at them.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::eventually;

use super::rates;
use crate::world::{Reply, World, fresh_key};

async fn ask(world: &World, wallet: &str, from: &str, to: &str, amount: &str) -> Reply {
    let body = json!({"wallet": wallet, "from": from, "to": to, "amount": amount});
    world
        .write(&world.customer("ann"), "/v1/exchange/quotes", &body)
        .await
}

async fn quote(world: &World, wallet: &str, from: &str, to: &str, amount: &str) -> Value {
    ask(world, wallet, from, to, amount).await.ok(201)
}

async fn execute(world: &World, wallet: &str, quote: &Value) -> Reply {
    let body = json!({"wallet": wallet, "quote": quote["id"]});
    world
        .write(&world.customer("ann"), "/v1/exchange", &body)
        .await
}

/// What a wallet holds, each as `EUR 75.00`.
async fn balances(world: &World, wallet: &str) -> Vec<String> {
    let path = format!("/v1/wallets/{wallet}");
    let wallet = world.get(&world.staff(), &path).await.ok(200);
    let balances = wallet["balances"].as_array().expect("balances").iter();
    balances
        .map(|balance| {
            let text = |field: &str| balance[field].as_str().expect("a text").to_owned();
            format!("{} {}", text("currency"), text("posted"))
        })
        .collect()
}

/// Account, currency, amount and purpose of each leg.
fn legs(transaction: &Value) -> Vec<String> {
    let legs = transaction["legs"].as_array().expect("legs");
    legs.iter()
        .map(|leg| {
            let text = |field: &str| leg[field].as_str().unwrap_or("-").to_owned();
            let [account, currency] = ["account", "currency"].map(text);
            format!(
                "{account} {currency} {} {}",
                text("amount"),
                text("purpose")
            )
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_one_transaction_and_a_clients_rate_never_counts() {
    let world = World::start_with(|config| config.exchange.exchange_spread = 1.into()).await;
    rates::set(&world, &["EUR/JPY 160"]).await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let quote = quote(&world, &wallet, "EUR", "JPY", "25").await;
    for (field, value) in [
        ("state", "open"),
        ("from_amount", "25.00"),
        ("to_amount", "3960"),
        ("spread_amount", "40"),
        ("mid_rate", "160"),
        ("rate", "158.4"),
        ("spread", "1"),
    ] {
        assert_eq!(quote[field], value, "{field}");
    }
    assert_eq!(
        balances(&world, &wallet).await,
        ["EUR 100.00"],
        "nothing moved yet"
    );

    let body =
        json!({"wallet": wallet, "quote": quote["id"], "rate": 999_999, "reference": "trip"});
    let ann = world.customer("ann");
    let done = world.write(&ann, "/v1/exchange", &body).await.ok(201);
    assert_eq!(
        (&done["kind"], &done["quote"]),
        (&json!("exchange"), &quote["id"])
    );
    assert_eq!(
        legs(&done),
        [
            "main EUR -25.00 -",
            "fx EUR 25.00 -",
            "fx JPY -4000 -",
            "main JPY 3960 -",
            "revenue JPY 40 spread",
        ]
    );
    assert_eq!(balances(&world, &wallet).await, ["EUR 75.00", "JPY 3960"]);
    let path = format!(
        "/v1/exchange/quotes/{}",
        quote["id"].as_str().expect("an id")
    );
    let after = world.get(&ann, &path).await.ok(200);
    assert_eq!(
        (&after["state"], &after["transaction"]),
        (&json!("executed"), &done["id"])
    );
    let history = world
        .get(&ann, &format!("/v1/wallets/{wallet}/history"))
        .await
        .ok(200);
    let kinds: Vec<&Value> = history["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| &item["kind"])
        .collect();
    assert_eq!(
        kinds,
        ["exchange", "deposit"],
        "two legs of a wallet are one item"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_executions_of_one_quote_at_once_are_one() {
    let world = World::start().await;
    rates::set(&world, &["EUR/USD 1.25"]).await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let quote = quote(&world, &wallet, "EUR", "USD", "1.00").await;
    let replies = join_all((0..100).map(|_| execute(&world, &wallet, &quote))).await;
    let done = replies.iter().filter(|reply| reply.status == 201).count();
    assert_eq!(done, 1);
    for reply in replies.iter().filter(|reply| reply.status != 201) {
        reply.refused(409, "quote_used", "another key");
    }
    assert_eq!(balances(&world, &wallet).await, ["EUR 99.00", "USD 1.24"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_repeats_a_quote_and_an_exchange_whatever_the_rates_are_now() {
    let world = World::start().await;
    rates::set(&world, &["EUR/USD 1.25"]).await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let ann = world.customer("ann");
    let asked = json!({"wallet": wallet, "from": "EUR", "to": "USD", "amount": "10"});
    let first = world.post(&ann, "/v1/exchange/quotes", "ask", &asked).await;
    let body = json!({"wallet": wallet, "quote": first.ok(201)["id"]});
    let done = world.post(&ann, "/v1/exchange", "do", &body).await;
    done.ok(201);
    rates::set(&world, &["EUR/USD 2"]).await;
    let before = world.rows().await;
    let other_rate = json!({"wallet": wallet, "quote": body["quote"], "rate": "7"});
    for (path, key, body, text) in [
        ("/v1/exchange/quotes", "ask", &asked, &first.text),
        ("/v1/exchange", "do", &body, &done.text),
        ("/v1/exchange", "do", &other_rate, &done.text),
    ] {
        let again = world.post(&ann, path, key, body).await;
        assert_eq!(
            (&again.text, again.header("idempotent-replayed")),
            (text, "true")
        );
    }
    let more = json!({"wallet": wallet, "from": "EUR", "to": "USD", "amount": "11"});
    let reused = world.post(&ann, "/v1/exchange/quotes", "ask", &more).await;
    reused.refused(422, "idempotency_key_reused", "another amount");
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_quote_moves_nothing() {
    let world = World::start_with(|config| config.exchange.quote_seconds = 1).await;
    rates::set(&world, &["EUR/USD 1.25"]).await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let quote = quote(&world, &wallet, "EUR", "USD", "10.00").await;
    let path = format!(
        "/v1/exchange/quotes/{}",
        quote["id"].as_str().expect("an id")
    );
    eventually("the quote expires", Duration::from_secs(30), async || {
        world.get(&world.staff(), &path).await.ok(200)["state"] == "expired"
    })
    .await;
    let reply = execute(&world, &wallet, &quote).await;
    reply.refused(409, "quote_expired", "too late");
    assert_eq!(balances(&world, &wallet).await, ["EUR 100.00"]);
    world.close().await;
}

/// The refusal is told as an event and sticks to its key: a client that asks again under the key
/// never gets a price at another moment than it meant.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_fresh_rate_there_is_no_price() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let ann = world.customer("ann");
    let body = json!({"wallet": wallet, "from": "EUR", "to": "USD", "amount": "10"});
    let unknown = world.post(&ann, "/v1/exchange/quotes", "key", &body).await;
    unknown.refused(422, "rate_unknown", "no rate");
    let old = json!({"source": "desk", "rates": [
        {"base": "EUR", "quote": "USD", "rate": "1.25", "as_of": "2020-01-01"}]});
    world.write(&world.staff(), "/v1/rates", &old).await.ok(201);
    let stale = ask(&world, &wallet, "EUR", "USD", "10").await;
    stale.refused(409, "rate_stale", "an old rate");
    rates::set(&world, &["EUR/USD 1.25", "EUR/JPY 160"]).await;
    assert_eq!(
        quote(&world, &wallet, "EUR", "USD", "10").await["mid_rate"],
        "1.25"
    );
    let again = world.post(&ann, "/v1/exchange/quotes", "key", &body).await;
    assert_eq!(again.text, unknown.text);
    let small = ask(&world, &wallet, "JPY", "BTC", "1").await;
    small.refused(422, "rate_unknown", "no way");
    rates::set(&world, &["BTC/EUR 1000000"]).await;
    let small = ask(&world, &wallet, "JPY", "BTC", "1").await;
    small.refused(422, "amount_too_small", "less than a satoshi");
    let large = ask(&world, &wallet, "BTC", "JPY", "10000000000000").await;
    large.refused(422, "limit_exceeded", "more than one movement may have");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_of_its_wallet_alone() {
    let world = World::start().await;
    rates::set(&world, &["EUR/USD 1.25"]).await;
    let own = world.wallet_with("ann", "100.00", "EUR").await;
    let second = world.wallet_with("ann", "100.00", "EUR").await;
    let foreign = world.wallet_with("bob", "100.00", "EUR").await;
    let quote = quote(&world, &own, "EUR", "USD", "10.00").await;
    let before = world.rows().await;
    let id = quote["id"].as_str().expect("an id");
    let nobodys = "qte_0190aaaaaaaa7bbbbbbbcccccccccccc";
    for (bearer, wallet, quote) in [
        ("ann", &second, id),
        ("bob", &foreign, id),
        ("bob", &own, id),
        ("ann", &own, nobodys),
        ("ann", &own, "7"),
    ] {
        let body = json!({"wallet": wallet, "quote": quote});
        let reply = world
            .write(&world.customer(bearer), "/v1/exchange", &body)
            .await;
        reply.refused(404, "not_found", format!("{bearer} {quote}"));
        let about = format!("{bearer} reads {quote}");
        if bearer == "bob" || quote != id {
            let path = format!("/v1/exchange/quotes/{quote}");
            let reply = world.get(&world.customer(bearer), &path).await;
            reply.refused(404, "not_found", about);
        }
    }
    let body = json!({"wallet": foreign, "from": "EUR", "to": "USD", "amount": "1"});
    let reply = world
        .write(&world.customer("ann"), "/v1/exchange/quotes", &body)
        .await;
    reply.refused(404, "not_found", "another's wallet");
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_that_is_refused_leaves_its_quote_open() {
    let world = World::start().await;
    rates::set(&world, &["EUR/USD 1.25"]).await;
    let wallet = world.wallet_with("ann", "9.99", "EUR").await;
    let quote = quote(&world, &wallet, "EUR", "USD", "10.00").await;
    let staff = world.staff();
    let poor = execute(&world, &wallet, &quote).await;
    poor.refused(422, "insufficient_funds", "a cent too little");
    let path = |verb: &str| format!("/v1/wallets/{wallet}/{verb}");
    let cent = json!({"amount": "0.01", "currency": "EUR"});
    world.write(&staff, &path("deposit"), &cent).await.ok(201);
    let freeze = json!({"currency": "EUR", "reason": "a look at it"});
    world.write(&staff, &path("freeze"), &freeze).await.ok(200);
    let frozen = execute(&world, &wallet, &quote).await;
    frozen.refused(403, "currency_frozen", "the euros are frozen");
    world
        .write(&staff, &path("unfreeze"), &freeze)
        .await
        .ok(200);
    // What comes in is kept, frozen or not.
    let freeze = json!({"currency": "USD", "reason": "a look at it"});
    world.write(&staff, &path("freeze"), &freeze).await.ok(200);
    execute(&world, &wallet, &quote).await.ok(201);
    assert_eq!(balances(&world, &wallet).await, ["EUR 0.00", "USD 12.43"]);
    let rejected: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM ledger.events
         WHERE subject LIKE 'ledger.v1.exchange.rejected.%' AND data LIKE '%' || $1 || '%'",
    )
    .bind(quote["id"].as_str())
    .fetch_one(&world.owner)
    .await
    .expect("the database answers");
    assert_eq!(rejected, 2, "refusals are events that name the quote");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_goes_round_never_comes_back_as_more() {
    // Without a spread, and with a rate of their own that contradicts the one over the euro.
    let world = World::start_with(|config| config.exchange.exchange_spread = 0.into()).await;
    rates::set(
        &world,
        &[
            "EUR/USD 1.0823",
            "EUR/JPY 161.37",
            "USD/JPY 170.01",
            "BTC/EUR 91234.56",
        ],
    )
    .await;
    let wallet = world.wallet_with("ann", "1000.00", "EUR").await;
    let (mut currency, mut amount) = ("EUR", "1000.00".to_owned());
    for to in ["USD", "JPY", "BTC", "USD", "EUR", "JPY", "EUR"] {
        let quote = quote(&world, &wallet, currency, to, &amount).await;
        execute(&world, &wallet, &quote).await.ok(201);
        (currency, amount) = (
            to,
            quote["to_amount"].as_str().expect("an amount").to_owned(),
        );
    }
    let left: rust_decimal::Decimal = amount.parse().expect("a number");
    assert!(left <= 1_000.into() && left > 990.into(), "{left}");
    assert_eq!(
        balances(&world, &wallet).await,
        [
            "BTC 0.00000000".to_owned(),
            format!("EUR {left}"),
            "JPY 0".to_owned(),
            "USD 0.00".to_owned()
        ]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_exchange_is_refused_and_nothing_is_written() {
    let world = World::start().await;
    rates::set(&world, &["EUR/USD 1.25"]).await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let before = world.rows().await;
    let good = json!({"wallet": wallet, "from": "EUR", "to": "USD", "amount": "1.00"});
    for (field, value, status, code) in [
        ("to", json!("EUR"), 422, "same_currency"),
        ("to", json!("usd"), 422, "unknown_currency"),
        ("from", json!("XAU"), 422, "unknown_currency"),
        ("amount", json!("0"), 422, "amount_not_positive"),
        ("amount", json!("-1"), 422, "invalid_amount"),
        ("amount", json!("1.001"), 422, "amount_too_fine"),
        ("amount", json!(1), 400, "invalid_field"),
        ("wallet", json!("ann"), 404, "not_found"),
        ("rate", json!("7"), 400, "invalid_field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let reply = world
            .post(
                &world.customer("ann"),
                "/v1/exchange/quotes",
                &fresh_key(),
                &body,
            )
            .await;
        reply.refused(status, code, body);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
