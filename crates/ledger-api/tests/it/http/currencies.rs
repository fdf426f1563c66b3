//! Several currencies in one wallet, each to its smallest unit.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_smallest_unit_of_every_scale_goes_round_exactly() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    for (currency, unit, large) in [
        ("JPY", "1", "10000000000000"),
        ("EUR", "0.01", "9999999999999.99"),
        ("BTC", "0.00000001", "9999999999999.99999999"),
        (
            "ETH",
            "0.000000000000000001",
            "999999999.999999999999999999",
        ),
    ] {
        let wallet = world.wallet_with("ann", large, currency).await;
        let other = world.wallet("ann", "customer").await;
        let path = |wallet: &str, verb: &str| format!("/v1/wallets/{wallet}/{verb}");
        let mut body = json!({"amount": unit, "currency": currency});
        world
            .write(&staff, &path(&wallet, "deposit"), &body)
            .await
            .ok(201);
        body["to_wallet"] = json!(other);
        world
            .write(&ann, &path(&wallet, "transfer"), &body)
            .await
            .ok(201);
        let seen = world
            .get(&ann, &format!("/v1/wallets/{other}"))
            .await
            .ok(200);
        assert_eq!(seen["balances"][0]["posted"], unit);
        let body = json!({"amount": unit, "currency": currency});
        world
            .write(&ann, &path(&other, "withdraw"), &body)
            .await
            .ok(201);
        let finer = json!({"amount": format!("{unit}{}1", if unit == "1" { "." } else { "" }), "currency": currency});
        let reply = world.write(&ann, &path(&wallet, "withdraw"), &finer).await;
        reply.refused(422, "amount_too_fine", currency);
        let seen = world
            .get(&ann, &format!("/v1/wallets/{wallet}"))
            .await
            .ok(200);
        assert_eq!(seen["balances"][0]["posted"], large);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_currencies_of_a_wallet_know_nothing_of_each_other() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = |verb: &str| format!("/v1/wallets/{wallet}/{verb}");
    for (amount, currency) in [("5000", "JPY"), ("0.5", "BTC")] {
        let body = json!({"amount": amount, "currency": currency});
        world.write(&staff, &path("deposit"), &body).await.ok(201);
    }
    let freeze = json!({"currency": "JPY", "reason": "a look at it"});
    world.write(&staff, &path("freeze"), &freeze).await.ok(200);
    for (amount, currency, status, code) in [
        ("10.01", "EUR", 422, "insufficient_funds"),
        ("1", "JPY", 403, "currency_frozen"),
        ("0.01", "USD", 422, "insufficient_funds"),
    ] {
        let body = json!({"amount": amount, "currency": currency});
        let reply = world.write(&ann, &path("withdraw"), &body).await;
        reply.refused(status, code, currency);
    }
    for (amount, currency) in [("10.00", "EUR"), ("0.25", "BTC")] {
        let body = json!({"amount": amount, "currency": currency});
        world.write(&ann, &path("withdraw"), &body).await.ok(201);
    }
    let seen = world
        .get(&ann, &format!("/v1/wallets/{wallet}"))
        .await
        .ok(200);
    let balances = seen["balances"].as_array().expect("balances").iter();
    let shown: Vec<String> = balances
        .filter(|balance| balance["currency"] != "USD")
        .map(|own| {
            format!(
                "{} {} {} {}",
                own["currency"], own["posted"], own["frozen"], own["version"]
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            r#""BTC" "0.25000000" false 2"#,
            r#""EUR" "0.00" false 2"#,
            r#""JPY" "5000" true 1"#,
        ]
    );
    assert_eq!(seen["status"], "active", "the wallet itself is not frozen");
    world.close().await;
}

/// A transfer has one currency. Money of one currency becomes money of another by a quote alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_between_currencies_cannot_be_said() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let yen = world.wallet_with("bob", "5000", "JPY").await;
    let before = world.rows().await;
    let path = format!("/v1/wallets/{wallet}/transfer");
    let plain = json!({"amount": "1", "currency": "EUR", "to_wallet": yen});
    for field in ["to_currency", "to_amount", "rate", "quote"] {
        let mut body = plain.clone();
        body[field] = json!("JPY");
        let reply = world.write(&ann, &path, &body).await;
        reply.refused(400, "invalid_field", field);
    }
    assert_eq!(world.rows().await, before);
    // Said plainly, euros stay euros beside the yen.
    world.write(&ann, &path, &plain).await.ok(201);
    let seen = world
        .get(&world.staff(), &format!("/v1/wallets/{yen}"))
        .await
        .ok(200);
    assert_eq!(seen["balances"][0]["posted"], "1.00");
    assert_eq!(seen["balances"][1]["posted"], "5000");
    world.close().await;
}
