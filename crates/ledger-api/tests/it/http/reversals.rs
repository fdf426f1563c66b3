//! Transactions that are undone.

use serde_json::{Value, json};

use super::rates;
use crate::world::{Reply, World};

async fn reverse(world: &World, transaction: &Value) -> Reply {
    let id = transaction["id"].as_str().expect("an id");
    let path = format!("/v1/transactions/{id}/reverse");
    world
        .write(&world.staff(), &path, &json!({"reason": "a mistake"}))
        .await
}

async fn move_money(world: &World, wallet: &str, verb: &str, body: Value) -> Value {
    world
        .write(
            &world.staff(),
            &format!("/v1/wallets/{wallet}/{verb}"),
            &body,
        )
        .await
        .ok(201)
}

/// Account, wallet, amount and purpose of each leg, signs turned round or not.
fn legs(transaction: &Value, turned: bool) -> Vec<[String; 4]> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let turn = |amount: String| match amount.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None => format!("-{amount}"),
    };
    let mut legs: Vec<_> = transaction["legs"]
        .as_array()
        .expect("legs")
        .iter()
        .map(|leg| {
            let amount = text(&leg["amount"]);
            let amount = if turned { turn(amount) } else { amount };
            let [account, wallet, purpose] =
                ["account", "wallet", "purpose"].map(|field| text(&leg[field]));
            [account, wallet, amount, purpose]
        })
        .collect();
    legs.sort();
    legs
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reversal_has_the_originals_legs_with_the_other_sign_and_both_say_so() {
    let world = World::start().await;
    let rule = json!({"kinds": ["payment", "deposit", "transfer", "withdrawal"], "currency": "EUR", "percentage": "1.5"});
    world
        .write(&world.staff(), "/v1/fee-rules", &rule)
        .await
        .ok(201);
    let ann = world.wallet_with("ann", "200.00", "EUR").await;
    let bob = world.wallet("bob", "customer").await;
    let shop = world.wallet("shop", "merchant").await;
    let plain = json!({"amount": "10.00", "currency": "EUR"});
    let mut transfer = plain.clone();
    transfer["to_wallet"] = json!(bob);
    let mut adjustment = plain.clone();
    (adjustment["amount"], adjustment["reason"]) = (json!("-3.00"), json!("miscounted"));
    let all = [
        move_money(&world, &ann, "deposit", plain.clone()).await,
        move_money(&world, &ann, "withdraw", plain).await,
        move_money(&world, &ann, "transfer", transfer).await,
        move_money(&world, &ann, "adjust", adjustment).await,
        world.pay(&ann, &shop, "10.00", "o-1").await.ok(201),
    ];
    for original in &all {
        let reversal = reverse(&world, original).await.ok(201);
        assert_eq!(
            (&reversal["kind"], &reversal["reverses"]),
            (&json!("reversal"), &original["id"])
        );
        assert_eq!(legs(&reversal, false), legs(original, true));
        let page = world
            .get(&world.staff(), &format!("/v1/wallets/{ann}/history"))
            .await
            .ok(200);
        let items = page["items"].as_array().expect("a list");
        let read = items
            .iter()
            .find(|item| item["id"] == original["id"])
            .expect("it is there");
        assert_eq!(read["reversed_by"], reversal["id"]);
        let again = reverse(&world, original).await;
        again.refused(409, "already_reversed", &original["kind"]);
        let reply = reverse(&world, &reversal).await;
        reply.refused(422, "not_reversible", "a reversal");
    }
    // 200.00 less its own fee of 3.00, and nothing else.
    assert_eq!(world.holds(&ann).await, "197.00");
    assert_eq!(
        (
            world.holds(&bob).await.as_str(),
            world.holds(&shop).await.as_str()
        ),
        ("0.00", "0.00")
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_is_paid_back_or_undone_and_never_both() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "20.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let refunds = |payment: &Value| {
        format!(
            "/v1/payments/{}/refunds",
            payment["id"].as_str().expect("an id")
        )
    };
    let because = json!({"reason": "broken"});
    let (staff, first) = (
        world.staff(),
        world.pay(&ann, &shop, "10.00", "o-1").await.ok(201),
    );
    let refund = world
        .write(&staff, &refunds(&first), &because)
        .await
        .ok(201);
    reverse(&world, &first)
        .await
        .refused(409, "already_refunded", "paid back");
    // A refund that is undone was none.
    reverse(&world, &refund).await.ok(201);
    reverse(&world, &first).await.ok(201);

    let second = world.pay(&ann, &shop, "10.00", "o-2").await.ok(201);
    reverse(&world, &second).await.ok(201);
    let reply = world.write(&staff, &refunds(&second), &because).await;
    reply.refused(409, "already_reversed", "undone");
    // The order stays paid: what was undone is done again under another name.
    let reply = world.pay(&ann, &shop, "10.00", "o-2").await;
    reply.refused(
        409,
        "order_already_paid",
        "the order of a payment that was undone",
    );
    assert_eq!(
        (
            world.holds(&ann).await.as_str(),
            world.holds(&shop).await.as_str()
        ),
        ("20.00", "0.00")
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_was_spent_cannot_be_taken_back() {
    let world = World::start().await;
    let ann = world.wallet("ann", "customer").await;
    let plain = json!({"amount": "10.00", "currency": "EUR"});
    let deposit = move_money(&world, &ann, "deposit", plain).await;
    let spent = json!({"amount": "0.01", "currency": "EUR"});
    let withdrawal = move_money(&world, &ann, "withdraw", spent).await;
    reverse(&world, &deposit)
        .await
        .refused(422, "insufficient_funds", "a cent is gone");
    reverse(&world, &withdrawal).await.ok(201);
    reverse(&world, &deposit).await.ok(201);
    let reply = reverse(
        &world,
        &json!({"id": "txn_0190aaaaaaaa7bbbbbbbcccccccccccc"}),
    )
    .await;
    reply.refused(404, "not_found", "no such transaction");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_capture_and_an_exchange_are_undone_with_their_fee_and_their_spread() {
    let world = World::start_with(|config| config.exchange.exchange_spread = 1.into()).await;
    let staff = world.staff();
    rates::set(&world, &["EUR/JPY 160"]).await;
    let food = json!({"kinds": ["payment"], "currency": "EUR", "percentage": "1.5",
                      "merchant_category": "food"});
    world.write(&staff, "/v1/fee-rules", &food).await.ok(201);
    let ann = world.wallet_with("ann", "200.00", "EUR").await;
    let stall = json!({"owner": "stall", "kind": "merchant", "category": "food"});
    let stall = world.write(&staff, "/v1/wallets", &stall).await.ok(201);
    let stall = stall["id"].as_str().expect("an id");

    let place = json!({"wallet": ann, "merchant": stall, "amount": "50.00", "currency": "EUR",
                       "order_reference": "o-1"});
    let hold = world.write(&staff, "/v1/holds", &place).await.ok(201);
    let hold = format!("/v1/holds/{}", hold["id"].as_str().expect("an id"));
    let part = json!({"amount": "30.00", "final": true});
    let captured = world
        .write(&staff, &format!("{hold}/capture"), &part)
        .await
        .ok(201);
    let fee = ["main", stall, "-0.45", "fee"].map(str::to_owned);
    assert!(legs(&captured, false).contains(&fee), "{captured}");

    let ask = json!({"wallet": ann, "from": "EUR", "to": "JPY", "amount": "25.00"});
    let quote = world
        .write(&staff, "/v1/exchange/quotes", &ask)
        .await
        .ok(201);
    let exchange = json!({"wallet": ann, "quote": quote["id"]});
    let exchanged = world.write(&staff, "/v1/exchange", &exchange).await.ok(201);
    let spread = ["revenue", "-", "40", "spread"].map(str::to_owned);
    assert!(legs(&exchanged, false).contains(&spread), "{exchanged}");

    for original in [&captured, &exchanged] {
        let reversal = reverse(&world, original).await.ok(201);
        assert_eq!(legs(&reversal, false), legs(original, true));
    }
    assert_eq!(world.holds(&ann).await, "200.00");
    assert_eq!(world.holds(stall).await, "0.00");
    // What was given up is not open again: neither the promise, nor the price, nor the order.
    assert_eq!(
        world.get(&staff, &hold).await.ok(200)["state"],
        json!("captured")
    );
    let again = world.write(&staff, "/v1/exchange", &exchange).await;
    again.refused(409, "quote_used", "it was executed once");
    let again = world.pay(&ann, stall, "30.00", "o-1").await;
    again.refused(409, "order_already_paid", "it was paid once");
    world.close().await;
}
