//! Who reaches a hold, and what the state of a wallet has to do with it.

use contracts::HoldId;
use reqwest::Method;
use serde_json::json;
use service_runtime::{Clock, entropy};

use super::{capture, market, merchant, void};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn who_promised_the_money_cannot_take_it_back_and_strangers_see_no_hold() {
    let world = World::start().await;
    let market = market(&world).await;
    let hold = market.place(&world, "80.00").await;
    let staff = world.staff();
    let plain = json!({"wallet": market.ann, "amount": "10.00", "currency": "EUR"});
    let reserve = world.write(&staff, "/v1/holds", &plain).await.ok(201);
    let reserve = reserve["id"].as_str().expect("an id");
    let (ann, shop, eve) = (
        world.customer("ann"),
        merchant(&world),
        world.customer("eve"),
    );
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
            let code = if status == 403 {
                "forbidden"
            } else {
                "not_found"
            };
            world
                .write(token, &path, &body)
                .await
                .refused(status, code, path);
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
    world
        .write(&shop, &void(&hold), &json!({"reason": "sold out"}))
        .await
        .ok(200);
    world
        .write(&staff, &void(reserve), &json!({"reason": "over"}))
        .await
        .ok(200);
    assert_eq!(market.balance(&world).await, ["100.00", "0.00", "100.00"]);
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
        world
            .write(&shop, &capture(&hold), &json!({}))
            .await
            .refused(403, code, verb);
        world.write(&shop, &void(&hold), &reason).await.ok(200);
        world
            .write(&staff, &path(&format!("un{verb}")), &reason)
            .await
            .ok(200);
    }
    let hold = market.place(&world, "100.00").await;
    let close = format!("/v1/wallets/{}/close", market.ann);
    world
        .write(&staff, &close, &reason)
        .await
        .refused(409, "wallet_not_empty", "held");
    world
        .write(&shop, &capture(&hold), &json!({}))
        .await
        .ok(201);
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
    World::send(request)
        .await
        .refused(401, "invalid_token", "florin");
    world.close().await;
}
