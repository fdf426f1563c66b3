//! Batches that are refused whole.

use ledger_api::auth::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{BATCHES, Cast, batch, cast, one_of_each, operation};
use crate::world::World;

/// A field of an operation, what is put there (nothing: it is left out), what must come back, and
/// what is named beside the operation's index.
type Row = (&'static str, Option<Value>, u16, &'static str, &'static str);

fn bad_fields() -> Vec<Row> {
    let unknown = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12";
    let system = "wal_00000000000070008000000000000003";
    let mut rows: Vec<Row> = vec![
        ("amount", None, 400, "invalid_field", ""),
        ("amount", Some(json!(1)), 400, "invalid_field", ""),
        ("unknown", Some(json!(1)), 400, "invalid_field", ""),
        ("to_wallet", Some(json!("x")), 400, "invalid_field", ""),
    ];
    for field in ["key", "type", "wallet"] {
        let named = match field {
            "key" => ".key",
            "type" => ".type",
            _ => ".wallet",
        };
        rows.push((field, None, 400, "invalid_field", named));
        rows.push((field, Some(json!(7)), 400, "invalid_field", named));
    }
    for kind in ["steal", "Deposit", ""] {
        rows.push(("type", Some(json!(kind)), 400, "invalid_field", ".type"));
    }
    for key in ["", "a b", &"k".repeat(256)] {
        let code = "invalid_idempotency_key";
        rows.push(("key", Some(json!(key)), 422, code, ".key"));
    }
    let reused = "idempotency_key_reused";
    rows.push(("key", Some(json!("k-0")), 422, reused, ".key"));
    for wallet in ["nonsense", unknown, system] {
        rows.push(("wallet", Some(json!(wallet)), 404, "not_found", ""));
    }
    for (field, value, code, named) in [
        ("amount", "-1", "invalid_amount", ".amount"),
        ("amount", "0.001", "amount_too_fine", ".amount"),
        ("currency", "ZZZ", "unknown_currency", ".currency"),
        ("description", "a\nb", "invalid_text", ".description"),
        (
            "effective_at",
            "9999-12-31T23:59:59Z",
            "effective_at_in_future",
            ".effective_at",
        ),
    ] {
        rows.push((field, Some(json!(value)), 422, code, named));
    }
    rows
}

/// Something wrong with the second of three operations, and what must come back.
fn bad_operations(cast: &Cast) -> Vec<(Value, u16, &'static str, &'static str)> {
    let good = operation("k-1", "withdraw", &cast.ann, "1.00");
    let with = |(field, value, status, code, named): Row| {
        let mut bad = good.clone();
        match value {
            Some(value) => bad[field] = value,
            None => {
                bad.as_object_mut().expect("an object").remove(field);
            }
        }
        (bad, status, code, named)
    };
    let mut bad: Vec<_> = bad_fields().into_iter().map(with).collect();
    let mut payment = one_of_each(cast)[2].clone();
    payment["merchant"] = json!(cast.bob);
    bad.push((payment, 422, "not_a_merchant", ".merchant"));
    let mut to_self = one_of_each(cast)[1].clone();
    to_self["to_wallet"] = json!(cast.ann);
    bad.push((to_self, 422, "self_transfer", ".to_wallet"));
    bad.push((json!(7), 400, "malformed_body", ""));
    bad.push((json!(["k", "deposit"]), 400, "malformed_body", ""));
    bad
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_with_an_operation_that_cannot_be_is_refused_whole_and_names_it() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let before = world.rows().await;
    for (bad, status, code, field) in bad_operations(&cast) {
        for atomic in [true, false] {
            let operations = json!([
                operation("k-0", "deposit", &cast.ann, "1.00"),
                bad,
                operation("k-2", "deposit", &cast.ann, "1.00"),
            ]);
            let body = json!({"atomic": atomic, "operations": operations});
            let refused = batch(&world, &staff, &body).await;
            refused.refused(status, code, &bad);
            let named = &refused.json()["errors"][0]["field"];
            assert_eq!(*named, format!("operations[1]{field}"), "{bad}");
        }
    }
    // A field twice: a parser that takes the last one would move another amount.
    let twice = format!(
        r#"{{"operations": [{{"key": "t", "type": "deposit", "wallet": "{}", "amount": "1.00",
            "amount": "2.00", "currency": "EUR"}}]}}"#,
        cast.ann
    );
    for (body, status, code) in [
        (twice, 400, "invalid_field"),
        (r#"{"operations": []}"#.to_owned(), 422, "invalid_batch"),
        (
            format!(r#"{{"operations": [{}1]}}"#, "1,".repeat(1_000)),
            422,
            "invalid_batch",
        ),
        (r#"{"operations": {}}"#.to_owned(), 400, "invalid_field"),
        ("{}".to_owned(), 400, "invalid_field"),
        (
            r#"{"operations": [], "atomic": "yes"}"#.to_owned(),
            400,
            "invalid_field",
        ),
        (
            r#"{"operations": [], "key": "k"}"#.to_owned(),
            400,
            "invalid_field",
        ),
        ("[]".to_owned(), 400, "malformed_body"),
    ] {
        let request = world.request(Method::POST, BATCHES).bearer_auth(&staff);
        let request = request.header("content-type", "application/json");
        let reply = World::send(request.body(body.clone())).await;
        reply.refused(status, code, &body[..body.len().min(80)]);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_reaches_no_further_than_its_bearer_does_alone() {
    let world = World::start().await;
    let cast = cast(&world).await;
    let ann = world.customer("ann");
    let before = world.rows().await;
    let own = operation("own", "withdraw", &cast.ann, "1.00");
    let mut backdated = own.clone();
    backdated["key"] = json!("backdated");
    backdated["effective_at"] = json!("2020-01-01T00:00:00Z");
    for (second, status, code, field) in [
        (
            operation("d", "deposit", &cast.ann, "1.00"),
            403,
            "forbidden",
            "",
        ),
        (
            operation("w", "withdraw", &cast.bob, "1.00"),
            404,
            "not_found",
            "",
        ),
        (backdated, 403, "forbidden", ".effective_at"),
    ] {
        let refused = batch(&world, &ann, &json!({"operations": [own, second]})).await;
        refused.refused(status, code, &second);
        let named = &refused.json()["errors"][0]["field"];
        assert_eq!(*named, format!("operations[1]{field}"));
    }
    for role in [Role::Analyst, Role::Finance] {
        let token = world.token(role, "");
        let refused = batch(&world, &token, &json!({"operations": [own]})).await;
        refused.refused(403, "forbidden", role.as_str());
    }
    assert_eq!(world.rows().await, before);
    // What the others hold does not show.
    let mut transfer = one_of_each(&cast)[1].clone();
    transfer["key"] = json!("t");
    let answer = batch(&world, &ann, &json!({"operations": [own, transfer]}))
        .await
        .ok(200);
    let legs = &answer["results"][1]["body"]["legs"];
    assert_eq!(legs[0]["balance_after"], "79.00");
    assert!(legs[1].get("balance_after").is_none());
    // Bob's key of the same name is bob's.
    let bobs = operation("own", "withdraw", &cast.bob, "1.00");
    let answer = batch(
        &world,
        &world.customer("bob"),
        &json!({"operations": [bobs]}),
    )
    .await
    .ok(200);
    assert_eq!(answer["results"][0]["replayed"], false);
    world.close().await;
}
