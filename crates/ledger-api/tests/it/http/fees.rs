//! What the house takes, over HTTP.

use contracts::limits::FEE_RULES_MAX;
use serde_json::{Value, json};

use crate::world::World;

async fn rule(world: &World, body: Value) -> String {
    let made = world
        .write(&world.staff(), "/v1/fee-rules", &body)
        .await
        .ok(201);
    made["id"].as_str().expect("an id").to_owned()
}

/// Account, amount and purpose of each leg.
fn legs(transaction: &Value) -> Vec<String> {
    let legs = transaction["legs"].as_array().expect("legs");
    let text = |leg: &Value, field: &str| leg[field].as_str().unwrap_or("-").to_owned();
    legs.iter()
        .map(|leg| {
            format!(
                "{} {} {}",
                text(leg, "account"),
                text(leg, "amount"),
                text(leg, "purpose")
            )
        })
        .collect()
}

async fn merchant(world: &World, owner: &str, category: &str) -> String {
    let body = json!({"owner": owner, "kind": "merchant", "category": category});
    let made = world
        .write(&world.staff(), "/v1/wallets", &body)
        .await
        .ok(201);
    assert_eq!(made["category"], category);
    made["id"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_merchant_pays_the_fee_of_a_payment_in_the_same_transaction() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "500.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let stall = merchant(&world, "stall", "food").await;
    rule(
        &world,
        json!({"kinds": ["payment"], "currency": "EUR", "percentage": "1.5", "fixed": "0.10"}),
    )
    .await;
    let food = json!({"kinds": ["payment"], "currency": "EUR", "percentage": "0", "merchant_category": "food"});
    let food = rule(&world, food).await;

    let paid = world.pay(&ann, &shop, "100.00", "o-1").await.ok(201);
    assert_eq!(
        legs(&paid),
        [
            "main -100.00 -",
            "main 100.00 -",
            "main -1.60 fee",
            "revenue 1.60 fee"
        ]
    );
    let own: Vec<&Value> = paid["legs"].as_array().expect("legs")[1..3]
        .iter()
        .collect();
    assert_eq!(
        own.iter()
            .map(|leg| (&leg["balance_after"], &leg["version"]))
            .collect::<Vec<_>>(),
        [(&json!("100.00"), &json!(1)), (&json!("98.40"), &json!(2))]
    );
    // The rule for the category goes before the one for all; a fee of zero has no legs.
    let paid = world.pay(&ann, &stall, "100.00", "o-1").await.ok(201);
    assert_eq!(legs(&paid), ["main -100.00 -", "main 100.00 -"]);
    let path = format!("/v1/fee-rules/{food}/deactivate");
    let ended = world
        .write(&world.staff(), &path, &json!({"reason": "enough"}))
        .await
        .ok(200);
    assert_eq!(
        (&ended["active"], &ended["reason"]),
        (&json!(false), &json!("enough"))
    );
    let again = world
        .write(&world.staff(), &path, &json!({"reason": "enough"}))
        .await;
    again.refused(409, "fee_rule_inactive", "ended before");
    let paid = world.pay(&ann, &stall, "100.00", "o-2").await.ok(201);
    assert_eq!(legs(&paid)[2], "main -1.60 fee");

    // Never more than what is paid, and paid to a frozen merchant all the same.
    let freeze = format!("/v1/wallets/{shop}/freeze");
    world
        .write(&world.staff(), &freeze, &json!({"reason": "a look"}))
        .await
        .ok(200);
    let paid = world.pay(&ann, &shop, "0.05", "o-3").await.ok(201);
    assert_eq!(legs(&paid)[2..], ["main -0.05 fee", "revenue 0.05 fee"]);
    assert_eq!(
        (
            world.holds(&shop).await.as_str(),
            world.holds(&stall).await.as_str()
        ),
        ("98.40", "198.40")
    );
    world.close().await;
}

/// A multiplier was once taken for a fee: at a fee of one percent, 100 became 1, and at none 0.
#[tokio::test(flavor = "multi_thread")]
async fn m18_a_deposit_of_100_at_a_fee_of_1_is_100_less_1_once() {
    let world = World::start().await;
    let ann = world.wallet("ann", "customer").await;
    rule(
        &world,
        json!({"kinds": ["deposit"], "currency": "EUR", "percentage": "1"}),
    )
    .await;
    let path = format!("/v1/wallets/{ann}/deposit");
    let body = json!({"amount": "100.00", "currency": "EUR"});
    let first = world.post(&world.staff(), &path, "once", &body).await;
    assert_eq!(
        legs(&first.ok(201)),
        [
            "funding -100.00 -",
            "main 100.00 -",
            "main -1.00 fee",
            "revenue 1.00 fee"
        ]
    );
    let again = world.post(&world.staff(), &path, "once", &body).await;
    assert_eq!(
        (again.text.as_str(), again.header("idempotent-replayed")),
        (first.text.as_str(), "true")
    );
    assert_eq!(world.holds(&ann).await, "99.00");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sender_of_a_withdrawal_or_transfer_pays_on_top_and_the_balance_must_reach() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "101.00", "EUR").await;
    let bob = world.wallet("bob", "customer").await;
    rule(&world, json!({"kinds": ["withdrawal", "transfer"], "currency": "EUR", "fixed": "1", "maximum": "1"})).await;
    let (withdraw, transfer) = (
        format!("/v1/wallets/{ann}/withdraw"),
        format!("/v1/wallets/{ann}/transfer"),
    );
    let body = |amount: &str| json!({"amount": amount, "currency": "EUR"});
    let reply = world
        .write(&world.staff(), &withdraw, &body("100.01"))
        .await;
    reply.refused(
        422,
        "insufficient_funds",
        "the amount is there, the fee is not",
    );
    let mut to_bob = body("49.00");
    to_bob["to_wallet"] = json!(bob);
    let sent = world
        .write(&world.staff(), &transfer, &to_bob)
        .await
        .ok(201);
    assert_eq!(
        legs(&sent),
        [
            "main -49.00 -",
            "main 49.00 -",
            "main -1.00 fee",
            "revenue 1.00 fee"
        ]
    );
    let out = world
        .write(&world.staff(), &withdraw, &body("50.00"))
        .await
        .ok(201);
    assert_eq!(
        legs(&out),
        [
            "main -50.00 -",
            "funding 50.00 -",
            "main -1.00 fee",
            "revenue 1.00 fee"
        ]
    );
    assert_eq!(
        (
            world.holds(&ann).await.as_str(),
            world.holds(&bob).await.as_str()
        ),
        ("0.00", "49.00")
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_are_listed_newest_first_and_keep_their_end() {
    let world = World::start().await;
    let staff = world.staff();
    let mut made = Vec::new();
    for percent in ["1", "2.50", "3"] {
        let body = json!({"kinds": ["payment", "deposit"], "currency": "EUR", "percentage": percent,
                          "minimum": "0.5", "maximum": "9"});
        made.push(rule(&world, body).await);
    }
    let end = format!("/v1/fee-rules/{}/deactivate", made[1]);
    world
        .write(&staff, &end, &json!({"reason": "enough"}))
        .await
        .ok(200);
    let first = world.get(&staff, "/v1/fee-rules?limit=2").await.ok(200);
    let cursor = first["next_cursor"].as_str().expect("more");
    let rest = world
        .get(&staff, &format!("/v1/fee-rules?cursor={cursor}"))
        .await
        .ok(200);
    let items: Vec<Value> = [&first, &rest]
        .iter()
        .flat_map(|page| page["items"].as_array().expect("a list").clone())
        .collect();
    let ids: Vec<&str> = items
        .iter()
        .map(|item| item["id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, [made[2].as_str(), &made[1], &made[0]]);
    let ended = world
        .get(&staff, &format!("/v1/fee-rules/{}", made[1]))
        .await
        .ok(200);
    assert_eq!(ended, items[1]);
    assert_eq!(
        (
            &ended["active"],
            &ended["percentage"],
            &ended["minimum"],
            &ended["kinds"]
        ),
        (
            &json!(false),
            &json!("2.5"),
            &json!("0.50"),
            &json!(["deposit", "payment"])
        )
    );
    assert!(ended["ended_at"].is_string() && items[0].get("ended_at").is_none());
    let unknown = world
        .get(&staff, "/v1/fee-rules/fee_0190c3a65f7d7c3e8b1a2f4d6e8c0a12")
        .await;
    unknown.refused(404, "not_found", "no such rule");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_says_nothing_or_contradicts_itself_is_refused() {
    let world = World::start().await;
    let staff = world.staff();
    let before = world.rows().await;
    let good = json!({"kinds": ["payment"], "currency": "EUR", "percentage": "1"});
    for (field, value, status, code) in [
        ("kinds", json!([]), 422, "invalid_fee_rule"),
        (
            "kinds",
            json!(["payment", "payment"]),
            422,
            "invalid_fee_rule",
        ),
        ("kinds", json!(["exchange"]), 422, "invalid_fee_rule"),
        ("kinds", json!(["refund"]), 422, "invalid_fee_rule"),
        ("kinds", json!("payment"), 400, "invalid_field"),
        ("percentage", json!("-1"), 422, "invalid_fee_rule"),
        ("percentage", json!("100.0001"), 422, "invalid_fee_rule"),
        ("percentage", json!("1.00001"), 422, "invalid_fee_rule"),
        ("percentage", json!(null), 422, "invalid_fee_rule"),
        ("fixed", json!("-0.10"), 422, "invalid_amount"),
        ("fixed", json!("0.001"), 422, "amount_too_fine"),
        ("currency", json!("eur"), 422, "unknown_currency"),
        ("merchant_category", json!("Fast Food"), 422, "invalid_text"),
        ("merchant_category", json!(""), 422, "invalid_text"),
        (
            "valid_from",
            json!("2020-01-01T00:00:00Z"),
            400,
            "invalid_field",
        ),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let reply = world.write(&staff, "/v1/fee-rules", &body).await;
        reply.refused(status, code, body);
    }
    for more in [
        json!({"minimum": "2", "maximum": "1"}),
        json!({"merchant_category": "food", "kinds": ["payment", "deposit"]}),
    ] {
        let mut body = good.clone();
        for (field, value) in more.as_object().expect("an object") {
            body[field] = value.clone();
        }
        let reply = world.write(&staff, "/v1/fee-rules", &body).await;
        reply.refused(422, "invalid_fee_rule", body);
    }
    let open = json!({"owner": "ann", "kind": "customer", "category": "food"});
    let reply = world.write(&staff, "/v1/wallets", &open).await;
    reply.refused(422, "not_a_merchant", "a customer deals in nothing");
    assert_eq!(world.rows().await, before);
    world.close().await;
}

/// Every lane holds all active rules in memory and looks through them at every movement.
#[tokio::test(flavor = "multi_thread")]
async fn there_are_no_more_active_rules_than_the_limit() {
    let world = World::start().await;
    let staff = world.staff();
    let body = json!({"kinds": ["payment"], "currency": "EUR", "fixed": "0.01"});
    let operations = (0..FEE_RULES_MAX).map(|_| world.write(&staff, "/v1/fee-rules", &body));
    let made = futures_util::future::join_all(operations).await;
    let last = made[0].ok(201);
    let refused = world.write(&staff, "/v1/fee-rules", &body).await;
    refused.refused(409, "too_many_fee_rules", "one more");
    let id = last["id"].as_str().expect("an id");
    let end = format!("/v1/fee-rules/{id}/deactivate");
    world
        .write(&staff, &end, &json!({"reason": "room for another"}))
        .await
        .ok(200);
    world.write(&staff, "/v1/fee-rules", &body).await.ok(201);
    world.close().await;
}
