//! Every bad value: the exact status and code, and not a row written.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, fresh_key};

/// The four routes that move money, with a body that each would take.
pub(super) struct Routes {
    pub(super) wallet: String,
    pub(super) all: Vec<(String, Value)>,
}

pub(super) async fn routes(world: &World) -> Routes {
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let other = world.wallet("bob", "customer").await;
    let merchant = world.wallet("shop", "merchant").await;
    let plain = json!({"amount": "1.00", "currency": "EUR"});
    let mut transfer = plain.clone();
    transfer["to_wallet"] = json!(other);
    let mut payment = plain.clone();
    payment["wallet"] = json!(wallet);
    payment["merchant"] = json!(merchant);
    payment["order_reference"] = json!("order-77");
    let all = vec![
        (format!("/v1/wallets/{wallet}/deposit"), plain.clone()),
        (format!("/v1/wallets/{wallet}/withdraw"), plain),
        (format!("/v1/wallets/{wallet}/transfer"), transfer),
        ("/v1/payments".to_owned(), payment),
    ];
    Routes { wallet, all }
}

fn many(entries: usize) -> Value {
    (0..entries)
        .map(|n| (format!("k{n}"), json!("v")))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// A field, what is put there, and what must come back.
type Row = (&'static str, Value, u16, &'static str);

fn bad_amounts() -> Vec<Row> {
    let mut rows = Vec::new();
    for value in [
        json!(12.5),
        json!(1),
        json!(1e3),
        json!(true),
        json!([]),
        json!({}),
        json!(null),
    ] {
        rows.push(("amount", value.clone(), 400, "invalid_field"));
        rows.push(("currency", value, 400, "invalid_field"));
    }
    for value in [
        "-1", "+1", "1e3", "1E3", "1_000", "1,000", " 1", "1 ", "", ".", "1.", ".5", "1.2.3",
        "0x10", "NaN", "Infinity", "١", "1\u{0}", "one",
    ] {
        rows.push(("amount", json!(value), 422, "invalid_amount"));
    }
    for value in ["0", "0.00", "000"] {
        rows.push(("amount", json!(value), 422, "amount_not_positive"));
    }
    for value in ["0.001", "1.000"] {
        rows.push(("amount", json!(value), 422, "amount_too_fine"));
    }
    for value in [
        "10000000000000.01",
        "99999999999999999999999999999999999999",
        &"9".repeat(5_000),
    ] {
        rows.push(("amount", json!(value), 422, "amount_too_large"));
    }
    for value in ["eur", "ZZZ", "XAU", "EURO", "", "EUR ", "E\u{0}R", "€"] {
        rows.push(("currency", json!(value), 422, "unknown_currency"));
    }
    rows
}

fn bad_texts() -> Vec<Row> {
    let mut rows = Vec::new();
    for value in ["a\u{0}b", "a\nb", "\u{1b}[31m", &"x".repeat(501)] {
        rows.push(("description", json!(value), 422, "invalid_text"));
    }
    for value in ["", "a\u{0}b", "\u{7f}", &"x".repeat(256)] {
        rows.push(("reference", json!(value), 422, "invalid_text"));
    }
    for value in [
        json!({"a": 1}),
        json!({"a": null}),
        json!([]),
        json!("a"),
        json!({"a": {"b": "c"}}),
    ] {
        rows.push(("metadata", value, 400, "invalid_field"));
    }
    for value in [
        many(21),
        json!({"k".repeat(41): "v"}),
        json!({"k": "v".repeat(501)}),
        json!({"": "v"}),
        json!({"k": "a\u{0}b"}),
        json!({"a\u{0}b": "v"}),
    ] {
        rows.push(("metadata", value, 422, "invalid_metadata"));
    }
    rows.push(("effective_at", json!(1_700_000_000), 400, "invalid_field"));
    rows.push(("effective_at", json!("yesterday"), 422, "invalid_timestamp"));
    rows.push((
        "effective_at",
        json!("0001-01-01T00:00:00Z"),
        422,
        "invalid_timestamp",
    ));
    rows.push((
        "effective_at",
        json!("9999-12-31T23:59:59Z"),
        422,
        "effective_at_in_future",
    ));
    for field in [
        "balance", "status", "version", "owner", "kind", "seq", "id", "Amount",
    ] {
        rows.push((field, json!("1"), 400, "invalid_field"));
    }
    rows
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_that_moves_money_takes_a_bad_value() {
    let world = World::start().await;
    let routes = routes(&world).await;
    let before = world.rows().await;
    let staff = world.staff();
    for (path, good) in &routes.all {
        for (field, value, status, code) in bad_amounts().into_iter().chain(bad_texts()) {
            let mut body = good.clone();
            body[field] = value;
            let shown: String = body.to_string().chars().take(200).collect();
            world
                .write(&staff, path, &body)
                .await
                .refused(status, code, format!("{path} {shown}"));
        }
        for field in good.as_object().expect("an object").keys() {
            let mut body = good.clone();
            body.as_object_mut().expect("an object").remove(field);
            let reply = world.write(&staff, path, &body).await;
            reply.refused(400, "invalid_field", format!("{path} without {field}"));
        }
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_is_not_opened_with_bad_values() {
    let world = World::start().await;
    let before = world.rows().await;
    let staff = world.staff();
    let good = json!({"owner": "ann", "kind": "customer", "reference": "r", "metadata": {}});
    for (field, value, status, code) in [
        ("owner", json!(""), 422, "invalid_text"),
        ("owner", json!("a\u{0}b"), 422, "invalid_text"),
        ("owner", json!("x".repeat(256)), 422, "invalid_text"),
        ("owner", json!(7), 400, "invalid_field"),
        ("kind", json!("system"), 400, "invalid_field"),
        ("kind", json!("Customer"), 400, "invalid_field"),
        ("kind", json!(null), 400, "invalid_field"),
        ("kind", json!(7), 400, "invalid_field"),
        ("reference", json!(""), 422, "invalid_text"),
        ("metadata", many(21), 422, "invalid_metadata"),
        ("status", json!("active"), 400, "invalid_field"),
        ("credit_limit", json!("1000"), 400, "invalid_field"),
        ("id", json!("wal_1"), 400, "invalid_field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        world
            .write(&staff, "/v1/wallets", &body)
            .await
            .refused(status, code, body);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

/// Somebody else's wallet, a wallet that is not there, one of the system's own and what is no id
/// at all: to the byte the same answer, in the path and in the body.
#[tokio::test(flavor = "multi_thread")]
async fn wallets_that_are_not_there_and_wallets_of_others_look_the_same() {
    let world = World::start().await;
    let routes = routes(&world).await;
    let before = world.rows().await;
    let eve = world.customer("eve");
    let staff = world.staff();
    let wallet = &routes.wallet;
    let unknown = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12";
    let system = "wal_00000000000070008000000000000003";
    let plain = json!({"amount": "1.00", "currency": "EUR"});
    let fixed = |request: reqwest::RequestBuilder| request.header("x-request-id", "the-same");
    let mut bodies = std::collections::BTreeSet::new();
    for (token, ids) in [
        (
            &eve,
            vec![
                wallet.as_str(),
                unknown,
                system,
                "nonsense",
                "%00",
                "wal_",
                "%ff",
            ],
        ),
        (&staff, vec![unknown, system, "nonsense", "%00", "%ff"]),
    ] {
        for id in ids {
            for tail in ["", "/history", "/stats"] {
                let path = format!("/v1/wallets/{id}{tail}");
                let reply =
                    World::send(fixed(world.request(Method::GET, &path).bearer_auth(token))).await;
                reply.refused(404, "not_found", path);
                bodies.insert(reply.text);
            }
            for tail in ["withdraw", "transfer"] {
                let mut body = plain.clone();
                if tail == "transfer" {
                    body["to_wallet"] = json!(wallet);
                }
                if tail == "transfer" && id == wallet {
                    continue;
                }
                let path = format!("/v1/wallets/{id}/{tail}");
                let request = world
                    .request(Method::POST, &path)
                    .bearer_auth(token)
                    .json(&body);
                let reply =
                    World::send(fixed(request.header("idempotency-key", fresh_key()))).await;
                reply.refused(404, "not_found", path);
                bodies.insert(reply.text);
            }
        }
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_receiver_must_be_another_wallet_that_is_there_and_a_merchant_when_paid() {
    let world = World::start().await;
    let routes = routes(&world).await;
    let before = world.rows().await;
    let (ann, eve) = (world.customer("ann"), world.customer("eve"));
    let wallet = &routes.wallet;
    let unknown = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12";
    let system = "wal_00000000000070008000000000000000";
    let (transfer, mut body) = routes.all[2].clone();
    let other = body["to_wallet"].clone();
    for (to, status, code) in [
        (json!(wallet), 422, "self_transfer"),
        (json!(unknown), 404, "not_found"),
        (json!(system), 404, "not_found"),
        (json!("bob"), 404, "not_found"),
        (json!(""), 404, "not_found"),
        (json!(7), 400, "invalid_field"),
    ] {
        body["to_wallet"] = to;
        world
            .write(&ann, &transfer, &body)
            .await
            .refused(status, code, &body);
    }
    let good = routes.all[3].1.clone();
    for (field, value, status, code) in [
        ("merchant", json!(wallet), 422, "self_transfer"),
        ("merchant", other, 422, "not_a_merchant"),
        ("merchant", json!(unknown), 404, "not_found"),
        ("merchant", json!(system), 404, "not_found"),
        ("wallet", json!(unknown), 404, "not_found"),
        ("wallet", json!(system), 404, "not_found"),
        ("order_reference", json!(""), 422, "invalid_text"),
        ("order_reference", json!("a\u{0}b"), 422, "invalid_text"),
        ("order_reference", json!(null), 400, "invalid_field"),
    ] {
        let mut body = good.clone();
        body[field] = value;
        world
            .write(&ann, "/v1/payments", &body)
            .await
            .refused(status, code, &body);
    }
    world
        .write(&eve, "/v1/payments", &good)
        .await
        .refused(404, "not_found", "another's wallet");
    assert_eq!(world.rows().await, before);
    world.close().await;
}
