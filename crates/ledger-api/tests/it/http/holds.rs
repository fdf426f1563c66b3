//! Holds over HTTP: who sets money aside, takes it, releases it, and what each is told.

use std::time::Duration;

use contracts::HoldId;
use reqwest::Method;
use serde_json::{Value, json};
use service_runtime::{Clock, entropy};
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
        ["posted", "held", "available"]
            .map(|field| wallet["balances"][0][field].as_str().expect("text").to_owned())
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
async fn what_is_held_is_captured_in_parts_to_the_cent_and_the_rest_comes_free() {
    let world = World::start().await;
    let market = market(&world).await;
    let ann = world.customer("ann");
    let shop = merchant(&world);
    let placed = world.write(&ann, "/v1/holds", &market.body("80.00")).await.ok(201);
    assert_eq!(
        [&placed["state"], &placed["amount"], &placed["captured"], &placed["remaining"]],
        ["open", "80.00", "0.00", "80.00"]
    );
    assert_eq!([&placed["kind"], &placed["counterparty"]], ["payment", market.shop.as_str()]);
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
    assert!(first["legs"][0].get("balance_after").is_none(), "it is ann's");
    assert_eq!(first["legs"][1]["balance_after"], "33.33");
    assert_eq!(market.balance(&world).await, ["66.67", "46.67", "20.00"]);

    let too_much = json!({"amount": "46.68"});
    world
        .write(&shop, &capture(hold), &too_much)
        .await
        .refused(422, "capture_too_large", "a cent more than is left");
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
    assert_eq!(kinds, ["payment", "payment", "deposit"], "a hold is no transaction");
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
        let hold = world.write(&world.customer("ann"), "/v1/holds", &body).await.ok(201);
        let path = capture(hold["id"].as_str().expect("an id"));
        let posted = world.write(&staff, &path, &json!({})).await.ok(201);
        assert_eq!([&hold["kind"], &posted["kind"]], [kind, kind]);
    }
    let bobs = world.get(&staff, &format!("/v1/wallets/{bob}")).await.ok(200);
    assert_eq!(bobs["balances"][0]["posted"], "10.00");
    assert_eq!(market.balance(&world).await, ["80.00", "0.00", "80.00"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_promised_the_money_cannot_take_it_back_and_strangers_see_no_hold() {
    let world = World::start().await;
    let market = market(&world).await;
    let hold = market.place(&world, "80.00").await;
    let staff = world.staff();
    let plain = json!({"wallet": market.ann, "amount": "10.00", "currency": "EUR"});
    let reserve = world.write(&staff, "/v1/holds", &plain).await.ok(201);
    let reserve = reserve["id"].as_str().expect("an id");
    let (ann, shop, eve) = (world.customer("ann"), merchant(&world), world.customer("eve"));
    let analyst = world.token(ledger_api::auth::Role::Analyst, "");
    let unknown = HoldId::mint(Clock::system().now(), entropy()).to_string();
    let before = world.rows().await;
    for (token, id, read, act) in [
        (&ann, hold.as_str(), 200, Some(403)),
        (&ann, reserve, 200, Some(403)),
        (&shop, hold.as_str(), 200, None),
        (&shop, reserve, 404, Some(404)),
        (&eve, hold.as_str(), 404, Some(404)),
        (&analyst, hold.as_str(), 200, Some(403)),
        (&staff, unknown.as_str(), 404, Some(404)),
        (&staff, "nonsense", 404, Some(404)),
    ] {
        let reply = world.get(token, &format!("/v1/holds/{id}")).await;
        assert_eq!(reply.status, read, "{id}: {}", reply.text);
        for (path, body) in [
            (capture(id), json!({"amount": "1.00"})),
            (void(id), json!({"reason": "r"})),
        ] {
            let Some(status) = act else { continue };
            let code = if status == 403 { "forbidden" } else { "not_found" };
            world.write(token, &path, &body).await.refused(status, code, path);
        }
    }
    let mut stolen = market.body("1.00");
    stolen["wallet"] = json!(market.ann);
    world
        .write(&eve, "/v1/holds", &stolen)
        .await
        .refused(404, "not_found", "another's money");
    assert_eq!(world.rows().await, before);
    // Whom it is in favour of, and staff where it is in nobody's.
    world.write(&shop, &void(&hold), &json!({"reason": "sold out"})).await.ok(200);
    world.write(&staff, &void(reserve), &json!({"reason": "over"})).await.ok(200);
    assert_eq!(market.balance(&world).await, ["100.00", "0.00", "100.00"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_voided_hold_is_told_whole_and_stays_voided() {
    let world = World::start().await;
    let market = market(&world).await;
    let hold = market.place(&world, "80.00").await;
    let shop = merchant(&world);
    world.write(&shop, &capture(&hold), &json!({"amount": "30.00"})).await.ok(201);
    let (key, body) = (fresh_key(), json!({"reason": "the rest is sold out"}));
    let voided = world.post(&shop, &void(&hold), &key, &body).await;
    let told = voided.ok(200);
    assert_eq!(
        [&told["state"], &told["amount"], &told["captured"], &told["remaining"]],
        ["voided", "80.00", "30.00", "0.00"]
    );
    let read = world.get(&shop, &format!("/v1/holds/{hold}")).await;
    assert_eq!(read.ok(200), told, "what is read is what was told");
    let again = world.post(&shop, &void(&hold), &key, &body).await;
    assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &voided.text));
    for (path, body) in [(capture(&hold), json!({})), (void(&hold), body)] {
        world.write(&shop, &path, &body).await.refused(409, "hold_voided", path);
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
    for (path, body) in [(capture(&hold), json!({})), (void(&hold), json!({"reason": "r"}))] {
        world.write(&shop, &path, &body).await.refused(409, "hold_expired", path);
    }
    // Its moment has passed by now; the key still tells what became of the request.
    let again = world.post(&ann, "/v1/holds", &key, &body).await;
    assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &placed.text));
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
async fn a_hold_is_not_placed_with_bad_values() {
    let world = World::start().await;
    let market = market(&world).await;
    let bob = world.wallet("bob", "customer").await;
    let good = market.body("1.00");
    let unknown = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12";
    let before = world.rows().await;
    let ann = world.customer("ann");
    for (field, value, status, code) in [
        ("amount", json!(1), 400, "invalid_field"),
        ("amount", json!("-1"), 422, "invalid_amount"),
        ("amount", json!("0.00"), 422, "amount_not_positive"),
        ("amount", json!("0.001"), 422, "amount_too_fine"),
        ("amount", json!("10000000000000.01"), 422, "amount_too_large"),
        ("currency", json!("eur"), 422, "unknown_currency"),
        ("wallet", json!(unknown), 404, "not_found"),
        ("merchant", json!(unknown), 404, "not_found"),
        ("merchant", json!(bob), 422, "not_a_merchant"),
        ("merchant", json!(market.ann), 422, "self_transfer"),
        ("merchant", json!(null), 400, "invalid_field"),
        ("to_wallet", json!(bob), 400, "invalid_field"),
        ("order_reference", json!(null), 400, "invalid_field"),
        ("order_reference", json!(""), 422, "invalid_text"),
        ("reference", json!("a\u{0}b"), 422, "invalid_text"),
        ("description", json!("x".repeat(501)), 422, "invalid_text"),
        ("metadata", json!({"": "v"}), 422, "invalid_metadata"),
        ("expires_at", json!(1_700_000_000), 400, "invalid_field"),
        ("expires_at", json!("tomorrow"), 422, "invalid_timestamp"),
        ("effective_at", json!("2020-01-01T00:00:00Z"), 400, "invalid_field"),
        ("state", json!("captured"), 400, "invalid_field"),
        ("captured", json!("1.00"), 400, "invalid_field"),
        ("id", json!("hld_1"), 400, "invalid_field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let reply = world.write(&ann, "/v1/holds", &body).await;
        reply.refused(status, code, body);
    }
    assert_eq!(world.rows().await, before);
    // Decided, because the same words later are a replay.
    for at in ["2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let mut body = good.clone();
        body["expires_at"] = json!(at);
        let reply = world.write(&ann, "/v1/holds", &body).await;
        reply.refused(422, "expiry_out_of_range", at);
    }
    let hold = market.place(&world, "1.00").await;
    let before = world.rows().await;
    let shop = merchant(&world);
    for (path, body, status, code) in [
        (capture(&hold), json!({"amount": "0"}), 422, "amount_not_positive"),
        (capture(&hold), json!({"amount": "0.001"}), 422, "amount_too_fine"),
        (capture(&hold), json!({"amount": 1}), 400, "invalid_field"),
        (capture(&hold), json!({"final": "yes"}), 400, "invalid_field"),
        (capture(&hold), json!({"currency": "EUR"}), 400, "invalid_field"),
        (capture(&hold), json!({"reference": ""}), 422, "invalid_text"),
        (capture(&hold), json!({"effective_at": "2020-01-01T00:00:00Z"}), 403, "forbidden"),
        (void(&hold), json!({}), 400, "invalid_field"),
        (void(&hold), json!({"reason": " "}), 422, "invalid_text"),
        (void(&hold), json!({"reason": "x".repeat(501)}), 422, "invalid_text"),
    ] {
        let about = format!("{path} {body}");
        world.write(&shop, &path, &body).await.refused(status, code, about);
    }
    assert_eq!(world.rows().await, before);
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
    assert_eq!((again.header("idempotent-replayed"), &again.text), ("true", &first.text));
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
    world.post(&shop, &capture(&hold), &key, &json!({"amount": "1.00"})).await.ok(201);
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

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_listed_by_wallet_and_state_to_both_sides() {
    let world = World::start().await;
    let market = market(&world).await;
    let shop = merchant(&world);
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(market.place(&world, "1.00").await);
    }
    placed.reverse();
    world.write(&shop, &void(&placed[4]), &json!({"reason": "r"})).await.ok(200);
    world.write(&shop, &capture(&placed[3]), &json!({})).await.ok(201);
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().expect("items");
        items.iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
    };
    for (token, wallet) in [
        (world.customer("ann"), &market.ann),
        (shop, &market.shop),
        (world.staff(), &market.ann),
    ] {
        let list = format!("/v1/holds?wallet={wallet}");
        assert_eq!(ids(&world.get(&token, &list).await.ok(200)), placed);
        let open = world.get(&token, &format!("{list}&state=open")).await.ok(200);
        assert_eq!(ids(&open), placed[..3]);
        let voided = world.get(&token, &format!("{list}&state=voided")).await.ok(200);
        assert_eq!(ids(&voided), placed[4..]);
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world.get(&token, &format!("{list}&limit=2{cursor}")).await.ok(200);
            walked.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(walked, placed);
    }
    let all = world.get(&world.staff(), "/v1/holds?state=captured").await.ok(200);
    assert_eq!(ids(&all), placed[3..4]);
    let eve = world.customer("eve");
    for (token, query, status, code) in [
        (&eve, format!("wallet={}", market.ann), 404, "not_found"),
        (&eve, String::new(), 400, "invalid_query"),
        (&world.staff(), "wallet=nonsense".to_owned(), 400, "invalid_query"),
        (&world.staff(), "state=Open".to_owned(), 400, "invalid_query"),
        (&world.staff(), "limit=0".to_owned(), 400, "invalid_query"),
        (&world.staff(), "cursor=nonsense".to_owned(), 400, "invalid_cursor"),
        (&world.staff(), "offset=1".to_owned(), 400, "invalid_query"),
    ] {
        let path = format!("/v1/holds?{query}");
        world.get(token, &path).await.refused(status, code, path);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_or_blocked_wallet_keeps_its_promises_only_until_they_are_voided() {
    let world = World::start().await;
    let market = market(&world).await;
    let (staff, shop) = (world.staff(), merchant(&world));
    let reason = json!({"reason": "stolen"});
    for (verb, code) in [("freeze", "wallet_frozen"), ("block", "wallet_blocked")] {
        let hold = market.place(&world, "10.00").await;
        let path = |verb| format!("/v1/wallets/{}/{verb}", market.ann);
        world.write(&staff, &path(verb), &reason).await.ok(200);
        let place = world.write(&staff, "/v1/holds", &market.body("1.00")).await;
        place.refused(403, code, verb);
        world.write(&shop, &capture(&hold), &json!({})).await.refused(403, code, verb);
        world.write(&shop, &void(&hold), &reason).await.ok(200);
        world.write(&staff, &path(&format!("un{verb}")), &reason).await.ok(200);
    }
    let hold = market.place(&world, "100.00").await;
    let close = format!("/v1/wallets/{}/close", market.ann);
    world.write(&staff, &close, &reason).await.refused(409, "wallet_not_empty", "held");
    world.write(&shop, &capture(&hold), &json!({})).await.ok(201);
    world.write(&staff, &close, &reason).await.ok(200);
    let place = world.write(&staff, "/v1/holds", &market.body("1.00")).await;
    place.refused(409, "wallet_closed", "a closed wallet has no holds");
    world.close().await;
}

/// The ledger's own name in a token would let its bearer use up the keys of expiries.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_has_the_ledgers_own_name() {
    let world = World::start().await;
    let mut claims = crate::world::claims(ledger_api::auth::Role::Customer, "ann");
    claims["sub"] = json!("florin");
    let token = world.keys.sign(&claims);
    let request = world.request(Method::GET, "/v1/holds").bearer_auth(token);
    World::send(request).await.refused(401, "invalid_token", "florin");
    world.close().await;
}
