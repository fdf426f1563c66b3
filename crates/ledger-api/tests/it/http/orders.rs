//! A merchant's order is paid once.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_once_whoever_pays_it_and_under_whatever_key() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let bob = world.wallet_with("bob", "100.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let other = world.wallet("stall", "merchant").await;
    world.pay(&ann, &shop, "10.00", "order-1").await.ok(201);

    let body = json!({"wallet": ann, "merchant": shop, "amount": "10.00", "currency": "EUR",
                      "order_reference": "order-1"});
    let again = world
        .post(&world.staff(), "/v1/payments", "again", &body)
        .await;
    again.refused(409, "order_already_paid", "the same once more");
    let sticky = world
        .post(&world.staff(), "/v1/payments", "again", &body)
        .await;
    assert_eq!((sticky.text, sticky.status), (again.text, 409));
    let reply = world.pay(&bob, &shop, "3.00", "order-1").await;
    reply.refused(409, "order_already_paid", "somebody else, another amount");

    // Another merchant may call an order the same, and names are compared as they are.
    world.pay(&bob, &other, "3.00", "order-1").await.ok(201);
    world.pay(&bob, &shop, "3.00", "Order-1").await.ok(201);
    assert_eq!(world.holds(&shop).await, "13.00");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_was_decided_against_leaves_the_order_free() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "10.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let reply = world.pay(&ann, &shop, "10.01", "order-1").await;
    reply.refused(422, "insufficient_funds", "too much");
    world.pay(&ann, &shop, "10.00", "order-1").await.ok(201);
    world.close().await;
}

/// By one payment or by the captures of one hold: whoever comes second is refused, and keeps the
/// money set aside.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_somebody_else_has_paid_is_not_captured_and_the_other_way_round() {
    let world = World::start().await;
    let staff = world.staff();
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let bob = world.wallet_with("bob", "100.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let place = async |wallet: &str, order: &str| {
        let body = json!({"wallet": wallet, "merchant": shop, "amount": "10.00",
                          "currency": "EUR", "order_reference": order});
        let hold = world.write(&staff, "/v1/holds", &body).await.ok(201);
        format!("/v1/holds/{}", hold["id"].as_str().expect("an id"))
    };
    let capture = async |hold: &str, amount: &str| {
        let body = json!({"amount": amount});
        world.write(&staff, &format!("{hold}/capture"), &body).await
    };
    let late = place(&ann, "order-1").await;
    world.pay(&bob, &shop, "10.00", "order-1").await.ok(201);
    let reply = capture(&late, "10.00").await;
    reply.refused(409, "order_already_paid", "bob has paid it");
    let hold = world.get(&staff, &late).await.ok(200);
    assert_eq!([&hold["state"], &hold["remaining"]], ["open", "10.00"]);

    let (first, second) = (place(&ann, "order-2").await, place(&bob, "order-2").await);
    capture(&first, "4.00").await.ok(201);
    let reply = capture(&second, "4.00").await;
    reply.refused(409, "order_already_paid", "another hold has paid it");
    let reply = world.pay(&bob, &shop, "4.00", "order-2").await;
    reply.refused(409, "order_already_paid", "a hold has paid it");
    capture(&first, "6.00").await.ok(201);
    assert_eq!(world.holds(&shop).await, "20.00");
    world.close().await;
}
