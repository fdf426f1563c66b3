//! Payments that are paid back.

use ledger_api::auth::Role;
use serde_json::{Value, json};

use crate::world::{Reply, World};

struct Paid {
    ann: String,
    shop: String,
    payment: String,
}

/// A payment of 100.00 for which the house took 1.50.
async fn paid(world: &World) -> Paid {
    let rule = json!({"kinds": ["payment"], "currency": "EUR", "percentage": "1.5"});
    world
        .write(&world.staff(), "/v1/fee-rules", &rule)
        .await
        .ok(201);
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let payment = world.pay(&ann, &shop, "100.00", "o-1").await.ok(201);
    let payment = payment["id"].as_str().expect("an id").to_owned();
    Paid { ann, shop, payment }
}

async fn refund(world: &World, token: &str, payment: &str, amount: Option<&str>) -> Reply {
    let mut body = json!({"reason": "broken"});
    if let Some(amount) = amount {
        body["amount"] = json!(amount);
    }
    world
        .write(token, &format!("/v1/payments/{payment}/refunds"), &body)
        .await
}

/// The payment as the payer's history has it.
async fn read(world: &World, wallet: &str, transaction: &str) -> Value {
    let page = world
        .get(&world.staff(), &format!("/v1/wallets/{wallet}/history"))
        .await
        .ok(200);
    let items = page["items"].as_array().expect("a list");
    items
        .iter()
        .find(|item| item["id"] == transaction)
        .expect("it is there")
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_a_refund_add_up_to_what_was_paid_and_not_a_cent_more() {
    let world = World::start().await;
    let Paid { ann, shop, payment } = paid(&world).await;
    // The house keeps its 1.50: the merchant pays back 100.00 and needs them.
    let fund = json!({"amount": "1.50", "currency": "EUR"});
    world
        .write(
            &world.staff(),
            &format!("/v1/wallets/{shop}/deposit"),
            &fund,
        )
        .await
        .ok(201);
    let owner = world.token(Role::Merchant, "shop");
    let first = refund(&world, &owner, &payment, Some("33.33"))
        .await
        .ok(201);
    assert_eq!(
        (&first["kind"], &first["refunds"], &first["description"]),
        (&json!("refund"), &json!(payment), &json!("broken"))
    );
    assert_eq!(
        (&first["legs"][0]["wallet"], &first["legs"][0]["amount"]),
        (&json!(shop), &json!("-33.33"))
    );
    assert_eq!(
        first["legs"].as_array().map(Vec::len),
        Some(2),
        "the fee stays with the house"
    );
    // A merchant does not see what the customer has.
    assert!(first["legs"][1].get("balance_after").is_none());
    assert_eq!(read(&world, &ann, &payment).await["refunded"], "33.33");

    let reply = refund(&world, &owner, &payment, Some("66.68")).await;
    reply.refused(422, "refund_too_large", "a cent too much");
    refund(&world, &owner, &payment, Some("0.01")).await.ok(201);
    let rest = refund(&world, &owner, &payment, None).await.ok(201);
    assert_eq!(rest["legs"][1]["amount"], "66.66");
    for amount in [None, Some("0.01")] {
        let reply = refund(&world, &owner, &payment, amount).await;
        reply.refused(422, "refund_too_large", "nothing is left");
    }
    assert_eq!(
        (
            world.holds(&ann).await.as_str(),
            world.holds(&shop).await.as_str()
        ),
        ("100.00", "0.00")
    );
    assert_eq!(read(&world, &shop, &payment).await["refunded"], "100.00");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merchant_without_the_money_cannot_pay_back_and_may_later() {
    let world = World::start().await;
    let Paid { ann, shop, payment } = paid(&world).await;
    let reply = refund(&world, &world.staff(), &payment, None).await;
    reply.refused(422, "insufficient_funds", "98.50 of 100.00");
    refund(&world, &world.staff(), &payment, Some("98.50"))
        .await
        .ok(201);
    assert_eq!(
        (
            world.holds(&ann).await.as_str(),
            world.holds(&shop).await.as_str()
        ),
        ("98.50", "0.00")
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_merchant_and_staff_pay_back_and_only_payments() {
    let world = World::start().await;
    let Paid { ann, payment, .. } = paid(&world).await;
    let deposit = world
        .get(&world.staff(), &format!("/v1/wallets/{ann}/history"))
        .await
        .ok(200);
    let deposit = deposit["items"][1]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let before = world.rows().await;
    let reply = refund(&world, &world.customer("ann"), &payment, None).await;
    reply.refused(403, "forbidden", "the customer");
    // Even one who pays as a customer and is a merchant elsewhere.
    for owner in ["ann", "eve"] {
        let reply = refund(&world, &world.token(Role::Merchant, owner), &payment, None).await;
        reply.refused(404, "not_found", owner);
    }
    for other in [
        deposit.as_str(),
        "txn_0190aaaaaaaa7bbbbbbbcccccccccccc",
        "txn_x",
        "nonsense",
    ] {
        let reply = refund(&world, &world.staff(), other, None).await;
        reply.refused(404, "not_found", other);
    }
    for (amount, code) in [
        ("0", "amount_not_positive"),
        ("0.001", "amount_too_fine"),
        ("-1", "invalid_amount"),
    ] {
        let reply = refund(&world, &world.staff(), &payment, Some(amount)).await;
        reply.refused(422, code, amount);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_refund_stands_for_its_amount() {
    let world = World::start().await;
    let Paid { shop, payment, .. } = paid(&world).await;
    let path = format!("/v1/payments/{payment}/refunds");
    let ask = async |amount: Option<&str>| {
        let mut body = json!({"reason": "broken"});
        if let Some(amount) = amount {
            body["amount"] = json!(amount);
        }
        world.post(&world.staff(), &path, "refund", &body).await
    };
    let done = ask(Some("5.00")).await;
    done.ok(201);
    for other in [Some("5.01"), None] {
        let reply = ask(other).await;
        reply.refused(422, "idempotency_key_reused", format!("{other:?}"));
    }
    let replayed = ask(Some("5")).await;
    assert_eq!(replayed.text, done.text);
    assert_eq!(replayed.header("idempotent-replayed"), "true");
    assert_eq!(world.holds(&shop).await, "93.50");
    world.close().await;
}
