//! Holds over HTTP: who sets money aside, takes it, releases it, and what each is told.

mod access;
mod lists;
mod refusals;

use std::time::Duration;

use serde_json::{Value, json};
use service_runtime::Clock;
use testkit::eventually;

use crate::world::{World, fresh_key};

/// A customer with 100 EUR and a merchant, each with an owner.
struct Market {
    ann: String,
    shop: String,
}

async fn market(world: &World) -> Market {
    Market {
        ann: world.wallet_with("ann", "100.00", "EUR").await,
        shop: world.wallet("shop", "merchant").await,
    }
}

impl Market {
    fn body(&self, amount: &str) -> Value {
        json!({"wallet": self.ann, "merchant": self.shop, "amount": amount, "currency": "EUR",
               "order_reference": "order-77"})
    }

    /// Ann sets money aside for the shop.
    async fn place(&self, world: &World, amount: &str) -> String {
        let hold = world
            .write(&world.customer("ann"), "/v1/holds", &self.body(amount))
            .await
            .ok(201);
        hold["id"].as_str().expect("an id").to_owned()
    }

    async fn balance(&self, world: &World) -> [String; 3] {
        let wallet = world
            .get(&world.staff(), &format!("/v1/wallets/{}", self.ann))
            .await
            .ok(200);
        ["posted", "held", "available"].map(|field| {
            wallet["balances"][0][field]
                .as_str()
                .expect("text")
                .to_owned()
        })
    }
}

fn merchant(world: &World) -> String {
    world.token(ledger_api::auth::Role::Merchant, "shop")
}

fn capture(hold: &str) -> String {
    format!("/v1/holds/{hold}/capture")
}

fn void(hold: &str) -> String {
    format!("/v1/holds/{hold}/void")
}

/// WAL-16: 80 of 100 are held, 20 are available, another 30 are refused; captures are exact.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_cannot_be_held_or_spent_again_and_is_captured_in_parts() {
    let world = World::start().await;
    let market = market(&world).await;
    let ann = world.customer("ann");
    let shop = merchant(&world);
    let placed = world
        .write(&ann, "/v1/holds", &market.body("80.00"))
        .await
        .ok(201);
    assert_eq!(
        [
            &placed["state"],
            &placed["amount"],
            &placed["captured"],
            &placed["remaining"]
        ],
        ["open", "80.00", "0.00", "80.00"]
    );
    assert_eq!(
        [&placed["kind"], &placed["counterparty"]],
        ["payment", market.shop.as_str()]
    );
    assert_eq!(market.balance(&world).await, ["100.00", "80.00", "20.00"]);
    world
        .write(&ann, "/v1/holds", &market.body("30.00"))
        .await
        .refused(422, "insufficient_funds", "what is held is not held again");
    let out = json!({"amount": "20.01", "currency": "EUR"});
    world
        .write(&ann, &format!("/v1/wallets/{}/withdraw", market.ann), &out)
        .await
        .refused(422, "insufficient_funds", "what is held is not spent");

    let hold = placed["id"].as_str().expect("an id");
    let part = json!({"amount": "33.33", "reference": "parcel 1"});
    let first = world.write(&shop, &capture(hold), &part).await.ok(201);
    assert_eq!([&first["kind"], &first["hold"]], ["payment", hold]);
    assert_eq!(first["order_reference"], "order-77");
    assert_eq!(
        first["hold_left"],
        json!({"state": "open", "remaining": "46.67", "released": "0.00"})
    );
    assert_eq!(first["legs"][0]["amount"], "-33.33");
    assert!(
        first["legs"][0].get("balance_after").is_none(),
        "it is ann's"
    );
    assert_eq!(first["legs"][1]["balance_after"], "33.33");
    assert_eq!(market.balance(&world).await, ["66.67", "46.67", "20.00"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn captures_are_exact_to_the_cent_and_the_rest_comes_free_with_the_last() {
    let world = World::start().await;
    let market = market(&world).await;
    let (ann, shop) = (world.customer("ann"), merchant(&world));
    let hold = &market.place(&world, "80.00").await;
    let part = json!({"amount": "33.33"});
    world.write(&shop, &capture(hold), &part).await.ok(201);
    let too_much = json!({"amount": "46.68"});
    world.write(&shop, &capture(hold), &too_much).await.refused(
        422,
        "capture_too_large",
        "a cent more than is left",
    );
    let last = json!({"amount": "6.67", "final": true});
    let last = world.write(&shop, &capture(hold), &last).await.ok(201);
    assert_eq!(
        last["hold_left"],
        json!({"state": "captured", "remaining": "0.00", "released": "40.00"})
    );
    assert_eq!(market.balance(&world).await, ["60.00", "0.00", "60.00"]);
    let after = world.get(&shop, &format!("/v1/holds/{hold}")).await.ok(200);
    assert_eq!(
        [&after["state"], &after["captured"], &after["remaining"]],
        ["captured", "40.00", "0.00"]
    );
    for (path, body) in [
        (capture(hold), json!({})),
        (void(hold), json!({"reason": "too late"})),
    ] {
        let reply = world.write(&shop, &path, &body).await;
        reply.refused(409, "hold_captured", path);
    }
    let history = world
        .get(&ann, &format!("/v1/wallets/{}/history", market.ann))
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
        ["payment", "payment", "deposit"],
        "a hold is no transaction"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_for_nobody_is_a_withdrawal_and_one_for_a_wallet_a_transfer() {
    let world = World::start().await;
    let market = market(&world).await;
    let bob = world.wallet("bob", "customer").await;
    let staff = world.staff();
    let plain = json!({"wallet": market.ann, "amount": "10.00", "currency": "EUR"});
    let mut to_bob = plain.clone();
    to_bob["to_wallet"] = json!(bob);
    for (body, kind) in [(plain, "withdrawal"), (to_bob, "transfer")] {
        let hold = world
            .write(&world.customer("ann"), "/v1/holds", &body)
            .await
            .ok(201);
        let path = capture(hold["id"].as_str().expect("an id"));
        let posted = world.write(&staff, &path, &json!({})).await.ok(201);
        assert_eq!([&hold["kind"], &posted["kind"]], [kind, kind]);
    }
    let bobs = world
        .get(&staff, &format!("/v1/wallets/{bob}"))
        .await
        .ok(200);
    assert_eq!(bobs["balances"][0]["posted"], "10.00");
    assert_eq!(market.balance(&world).await, ["80.00", "0.00", "80.00"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_hold_is_told_whole_and_stays_voided() {
    let world = World::start().await;
    let market = market(&world).await;
    let hold = market.place(&world, "80.00").await;
    let shop = merchant(&world);
    world
        .write(&shop, &capture(&hold), &json!({"amount": "30.00"}))
        .await
        .ok(201);
    let (key, body) = (fresh_key(), json!({"reason": "the rest is sold out"}));
    let voided = world.post(&shop, &void(&hold), &key, &body).await;
    let told = voided.ok(200);
    assert_eq!(
        [
            &told["state"],
            &told["amount"],
            &told["captured"],
            &told["remaining"]
        ],
        ["voided", "80.00", "30.00", "0.00"]
    );
    let read = world.get(&shop, &format!("/v1/holds/{hold}")).await;
    assert_eq!(read.ok(200), told, "what is read is what was told");
    let again = world.post(&shop, &void(&hold), &key, &body).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.text),
        ("true", &voided.text)
    );
    for (path, body) in [(capture(&hold), json!({})), (void(&hold), body)] {
        world
            .write(&shop, &path, &body)
            .await
            .refused(409, "hold_voided", path);
    }
    assert_eq!(market.balance(&world).await, ["70.00", "0.00", "70.00"]);
    world.close().await;
}

/// The sweep looks by the clock, and nobody has to ask for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_runs_out_comes_free_by_itself_and_its_placing_is_still_replayed() {
    let world = World::start().await;
    let market = market(&world).await;
    let ann = world.customer("ann");
    let soon = Clock::system().now() + Duration::from_millis(1_500);
    let mut body = market.body("80.00");
    body["expires_at"] = json!(soon);
    let key = fresh_key();
    let placed = world.post(&ann, "/v1/holds", &key, &body).await;
    assert_eq!(placed.ok(201)["expires_at"], json!(soon));
    let hold = placed.json()["id"].as_str().expect("an id").to_owned();
    eventually("the hold comes free", Duration::from_secs(20), async || {
        let read = world.get(&ann, &format!("/v1/holds/{hold}")).await.ok(200);
        read["state"] == "expired" && read["remaining"] == "0.00"
    })
    .await;
    assert_eq!(market.balance(&world).await, ["100.00", "0.00", "100.00"]);
    let shop = merchant(&world);
    for (path, body) in [
        (capture(&hold), json!({})),
        (void(&hold), json!({"reason": "r"})),
    ] {
        world
            .write(&shop, &path, &body)
            .await
            .refused(409, "hold_expired", path);
    }
    // Its moment has passed by now; the key still tells what became of the request.
    let again = world.post(&ann, "/v1/holds", &key, &body).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.text),
        ("true", &placed.text)
    );
    let told: Vec<String> = sqlx::query_scalar(
        "SELECT data FROM ledger.events WHERE subject LIKE 'ledger.v1.hold.expired.%'",
    )
    .fetch_all(&world.owner)
    .await
    .expect("the database answers");
    let told: Value = serde_json::from_str(&told[0]).expect("one event");
    assert_eq!([&told["actor"], &told["state"]], ["florin", "expired"]);
    assert_eq!(told["legs"][0]["held"], "-80.00");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_hold_stands_for_one_request_only() {
    let world = World::start().await;
    let market = market(&world).await;
    let ann = world.customer("ann");
    let (key, body) = (fresh_key(), market.body("10.00"));
    let first = world.post(&ann, "/v1/holds", &key, &body).await;
    first.ok(201);
    let mut spelled = body.clone();
    spelled["amount"] = json!("10.0");
    let again = world.post(&ann, "/v1/holds", &key, &spelled).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.text),
        ("true", &first.text)
    );
    for (field, value) in [
        ("amount", json!("10.01")),
        ("order_reference", json!("order-78")),
        ("description", json!("d")),
        ("expires_at", json!("2020-01-01T00:00:00Z")),
    ] {
        let mut other = body.clone();
        other[field] = value;
        let reply = world.post(&ann, "/v1/holds", &key, &other).await;
        reply.refused(422, "idempotency_key_reused", field);
    }
    let hold = first.json()["id"].as_str().expect("an id").to_owned();
    let (shop, key) = (merchant(&world), fresh_key());
    world
        .post(&shop, &capture(&hold), &key, &json!({"amount": "1.00"}))
        .await
        .ok(201);
    for body in [
        json!({"amount": "1.00", "final": true}),
        json!({"amount": "1.01"}),
        json!({}),
    ] {
        let reply = world.post(&shop, &capture(&hold), &key, &body).await;
        reply.refused(422, "idempotency_key_reused", body);
    }
    assert_eq!(market.balance(&world).await, ["99.00", "9.00", "90.00"]);
    world.close().await;
}
