//! Bad values in requests about holds: the exact status and code, and not a row written.

use serde_json::{Value, json};

use super::{capture, market, merchant, void};
use crate::world::World;

/// A field, what is put there, and what must come back.
type Row = (&'static str, Value, u16, &'static str);

fn bad_values(payer: &str, customer: &str) -> Vec<Row> {
    let unknown = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12";
    vec![
        ("amount", json!(1), 400, "invalid_field"),
        ("amount", json!("-1"), 422, "invalid_amount"),
        ("amount", json!("0.00"), 422, "amount_not_positive"),
        ("amount", json!("0.001"), 422, "amount_too_fine"),
        (
            "amount",
            json!("10000000000000.01"),
            422,
            "amount_too_large",
        ),
        ("currency", json!("eur"), 422, "unknown_currency"),
        ("wallet", json!(unknown), 404, "not_found"),
        ("merchant", json!(unknown), 404, "not_found"),
        ("merchant", json!(customer), 422, "not_a_merchant"),
        ("merchant", json!(payer), 422, "self_transfer"),
        ("merchant", json!(null), 400, "invalid_field"),
        ("to_wallet", json!(customer), 400, "invalid_field"),
        ("order_reference", json!(null), 400, "invalid_field"),
        ("order_reference", json!(""), 422, "invalid_text"),
        ("reference", json!("a\u{0}b"), 422, "invalid_text"),
        ("description", json!("x".repeat(501)), 422, "invalid_text"),
        ("metadata", json!({"": "v"}), 422, "invalid_metadata"),
        ("expires_at", json!(1_700_000_000), 400, "invalid_field"),
        ("expires_at", json!("tomorrow"), 422, "invalid_timestamp"),
        (
            "effective_at",
            json!("2020-01-01T00:00:00Z"),
            400,
            "invalid_field",
        ),
        ("state", json!("captured"), 400, "invalid_field"),
        ("captured", json!("1.00"), 400, "invalid_field"),
        ("id", json!("hld_1"), 400, "invalid_field"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_not_placed_with_bad_values() {
    let world = World::start().await;
    let market = market(&world).await;
    let bob = world.wallet("bob", "customer").await;
    let good = market.body("1.00");
    let before = world.rows().await;
    let ann = world.customer("ann");
    for (field, value, status, code) in bad_values(&market.ann, &bob) {
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
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_is_neither_captured_nor_voided_with_bad_values() {
    let world = World::start().await;
    let market = market(&world).await;
    let hold = market.place(&world, "1.00").await;
    let before = world.rows().await;
    let shop = merchant(&world);
    for (path, body, status, code) in [
        (
            capture(&hold),
            json!({"amount": "0"}),
            422,
            "amount_not_positive",
        ),
        (
            capture(&hold),
            json!({"amount": "0.001"}),
            422,
            "amount_too_fine",
        ),
        (capture(&hold), json!({"amount": 1}), 400, "invalid_field"),
        (
            capture(&hold),
            json!({"final": "yes"}),
            400,
            "invalid_field",
        ),
        (
            capture(&hold),
            json!({"currency": "EUR"}),
            400,
            "invalid_field",
        ),
        (
            capture(&hold),
            json!({"reference": ""}),
            422,
            "invalid_text",
        ),
        (
            capture(&hold),
            json!({"effective_at": "2020-01-01T00:00:00Z"}),
            403,
            "forbidden",
        ),
        (void(&hold), json!({}), 400, "invalid_field"),
        (void(&hold), json!({"reason": " "}), 422, "invalid_text"),
        (
            void(&hold),
            json!({"reason": "x".repeat(501)}),
            422,
            "invalid_text",
        ),
    ] {
        let about = format!("{path} {body}");
        world
            .write(&shop, &path, &body)
            .await
            .refused(status, code, about);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
