//! Many operations in one request.

mod booked;
mod refused;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Reply, World, fresh_key};

const BATCHES: &str = "/v1/batches";

/// Sends a batch; the route takes no key of its own.
async fn batch(world: &World, token: &str, body: &Value) -> Reply {
    let request = world.request(Method::POST, BATCHES).bearer_auth(token);
    World::send(request.json(body)).await
}

fn statuses(answer: &Value) -> Vec<u64> {
    let results = answer["results"].as_array().expect("results");
    let status = |result: &Value| result["status"].as_u64().expect("a status");
    results.iter().map(status).collect()
}

fn codes(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().expect("results");
    let codes = results.iter().map(|result| &result["body"]["code"]);
    codes
        .map(|code| code.as_str().unwrap_or_default())
        .collect()
}

/// An operation on a wallet.
fn operation(key: &str, kind: &str, wallet: &str, amount: &str) -> Value {
    json!({"key": key, "type": kind, "wallet": wallet, "amount": amount, "currency": "EUR"})
}

/// The same for the single route: its path and its body.
fn alone(operation: &Value) -> (String, Value) {
    let mut body = operation.clone();
    let fields = body.as_object_mut().expect("an object");
    fields.remove("key");
    let kind = fields.remove("type").expect("a type");
    if kind == "payment" {
        return ("/v1/payments".to_owned(), body);
    }
    let wallet = fields.remove("wallet").expect("a wallet");
    let (wallet, kind) = (wallet.as_str().expect("text"), kind.as_str().expect("text"));
    (format!("/v1/wallets/{wallet}/{kind}"), body)
}

struct Cast {
    ann: String,
    bob: String,
    shop: String,
}

async fn cast(world: &World) -> Cast {
    Cast {
        ann: world.wallet_with("ann", "100.00", "EUR").await,
        bob: world.wallet("bob", "customer").await,
        shop: world.wallet("shop", "merchant").await,
    }
}

/// One operation of each type, which all pass.
fn one_of_each(cast: &Cast) -> Vec<Value> {
    let mut transfer = operation("k-transfer", "transfer", &cast.ann, "20.00");
    transfer["to_wallet"] = json!(cast.bob);
    transfer["metadata"] = json!({"a": "1"});
    let mut payment = operation("k-payment", "payment", &cast.ann, "30.00");
    payment["merchant"] = json!(cast.shop);
    payment["order_reference"] = json!("order-1");
    vec![
        operation("k-deposit", "deposit", &cast.ann, "10.5"),
        transfer,
        payment,
        operation("k-withdraw", "withdraw", &cast.bob, "20.00"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_of_a_batch_is_answered_as_alone_and_repeated_either_way() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let mut operations = one_of_each(&cast);
    operations.insert(2, operation("k-too-much", "withdraw", &cast.bob, "20.01"));
    let reply = batch(&world, &staff, &json!({"operations": operations})).await;
    let answer = reply.ok(200);
    assert_eq!(statuses(&answer), [201, 201, 422, 201, 201]);
    assert_eq!(
        (&answer["atomic"], &answer["dry_run"], &answer["committed"]),
        (&json!(false), &json!(false), &json!(true))
    );
    let before = world.rows().await;
    for (index, operation) in operations.iter().enumerate() {
        let key = operation["key"].as_str().expect("a key");
        assert_eq!(answer["results"][index]["key"], key);
        let (path, body) = alone(operation);
        let single = world.post(&staff, &path, key, &body).await;
        assert_eq!(single.header("idempotent-replayed"), "true", "{key}");
        assert!(reply.text.contains(&single.text), "{key}: the same bytes");
    }
    // The other way round, and the whole batch again.
    let (path, body) = alone(&operation("k-single", "withdraw", &cast.ann, "1.00"));
    let single = world.post(&staff, &path, "k-single", &body).await;
    operations.push(operation("k-single", "withdraw", &cast.ann, "01.0"));
    let again = batch(&world, &staff, &json!({"operations": operations})).await;
    assert!(again.text.contains(&single.text));
    let again = again.ok(200);
    for result in again["results"].as_array().expect("results") {
        assert_eq!(result["replayed"], true);
    }
    for (first, again) in answer["results"]
        .as_array()
        .expect("results")
        .iter()
        .zip(again["results"].as_array().expect("results"))
    {
        assert_eq!(first["body"], again["body"]);
    }
    let after = world.rows().await;
    assert_eq!(
        after[3] - before[3],
        1,
        "the single withdrawal's event alone"
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_under_a_key_of_another_request_is_refused_alone() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let (path, body) = alone(&operation("k", "deposit", &cast.ann, "1.00"));
    world.post(&staff, &path, "used", &body).await.ok(201);
    let operations = json!([
        operation("new-1", "deposit", &cast.ann, "1.00"),
        operation("used", "deposit", &cast.ann, "2.00"),
        operation("new-2", "deposit", &cast.ann, "1.00"),
    ]);
    let answer = batch(&world, &staff, &json!({"operations": operations}))
        .await
        .ok(200);
    assert_eq!(codes(&answer), ["", "idempotency_key_reused", ""]);
    assert_eq!(statuses(&answer), [201, 422, 201]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_batch_is_posted_whole_or_not_at_all() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let mut operations = one_of_each(&cast);
    operations[3]["amount"] = json!("20.01");
    let body = json!({"atomic": true, "operations": operations});
    let before = world.rows().await;
    let refused = batch(&world, &staff, &body).await;
    let answer = refused.ok(200);
    assert_eq!(
        codes(&answer),
        [
            "batch_rejected",
            "batch_rejected",
            "batch_rejected",
            "insufficient_funds"
        ]
    );
    assert_eq!(statuses(&answer), [409, 409, 409, 422]);
    assert_eq!(
        (&answer["atomic"], &answer["committed"]),
        (&json!(true), &json!(false))
    );
    let after = world.rows().await;
    assert_eq!(
        (after[2], after[3]),
        (before[2], before[3] + 4),
        "told, and nothing posted"
    );

    // The decision sticks; the same with other keys is another batch.
    let again = batch(&world, &staff, &body).await.ok(200);
    assert_eq!(codes(&again), codes(&answer));
    assert_eq!(world.rows().await, after);
    operations[3]["amount"] = json!("20.00");
    for (n, operation) in operations.iter_mut().enumerate() {
        operation["key"] = json!(format!("second-{n}"));
    }
    let body = json!({"atomic": true, "operations": operations});
    let first = batch(&world, &staff, &body).await;
    let answer = first.ok(200);
    assert_eq!(
        (statuses(&answer), &answer["committed"]),
        (vec![201; 4], &json!(true))
    );
    let again = batch(&world, &staff, &body).await;
    assert_eq!(
        again.text,
        first
            .text
            .replace("\"replayed\":false", "\"replayed\":true")
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_an_atomic_batch_stands_for_the_whole_of_it() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let operations = one_of_each(&cast);
    let body = json!({"atomic": true, "operations": operations});
    batch(&world, &staff, &body).await.ok(200);
    let before = world.rows().await;
    // Alone, without one, in another order, with one more, not atomic.
    let (path, single) = alone(&operations[0]);
    world
        .post(&staff, &path, "k-deposit", &single)
        .await
        .refused(422, "idempotency_key_reused", "alone");
    let mut reversed = operations.clone();
    reversed.reverse();
    let mut more = operations.clone();
    more.insert(0, operation(&fresh_key(), "deposit", &cast.ann, "1.00"));
    for (about, other, index) in [
        ("without the last", operations[..3].to_vec(), 0),
        ("reversed", reversed, 0),
        ("with one more", more, 1),
    ] {
        let body = json!({"atomic": true, "operations": other});
        let refused = batch(&world, &staff, &body).await;
        refused.refused(422, "idempotency_key_reused", about);
        let errors = &refused.json()["errors"];
        assert_eq!(
            errors[0]["field"],
            format!("operations[{index}]"),
            "{about}"
        );
    }
    let each = batch(&world, &staff, &json!({"operations": operations}))
        .await
        .ok(200);
    assert_eq!(codes(&each), ["idempotency_key_reused"; 4]);
    assert_eq!(each["committed"], false);
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_writes_nothing_and_names_nothing_that_is_not_there() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let mut operations = one_of_each(&cast);
    operations.push(operation("k-last", "withdraw", &cast.bob, "0.01"));
    let before = world.rows().await;
    let expected = [
        (true, vec![409, 409, 409, 409, 422]),
        (false, vec![201, 201, 201, 201, 422]),
    ];
    for (atomic, expected) in expected {
        let body = json!({"atomic": atomic, "dry_run": true, "operations": operations});
        let answer = batch(&world, &staff, &body).await.ok(200);
        assert_eq!(statuses(&answer), expected);
        assert_eq!(
            (&answer["dry_run"], &answer["committed"]),
            (&json!(true), &json!(false))
        );
        for result in answer["results"].as_array().expect("results") {
            for name in ["id", "seq", "posted_at", "instance"] {
                assert!(result["body"].get(name).is_none(), "{name}: {result}");
            }
            assert_eq!(result["replayed"], false);
        }
    }
    let body = json!({"dry_run": true, "operations": operations});
    let told = batch(&world, &staff, &body).await.ok(200);
    assert_eq!(
        told["results"][1]["body"]["legs"][0]["balance_after"],
        "90.50"
    );
    assert_eq!(world.rows().await, before);
    // The keys are free; what is done then is what a later rehearsal repeats, ids and all.
    let done = batch(&world, &staff, &json!({"operations": operations}))
        .await
        .ok(200);
    assert_eq!(done["results"][0]["replayed"], false);
    let before = world.rows().await;
    let told = batch(&world, &staff, &body).await.ok(200);
    for (told, done) in [0, 4].map(|n| (&told["results"][n], &done["results"][n])) {
        assert_eq!(
            (&told["replayed"], &told["body"]),
            (&json!(true), &done["body"])
        );
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_operations_are_one_request_and_a_larger_body_is_none() {
    let world = World::start().await;
    let (staff, cast) = (world.staff(), cast(&world).await);
    let line = "a line for people, as long as some of them write it".repeat(8);
    let operations: Vec<Value> = (0..1_000)
        .map(|n| {
            let mut one = operation(&format!("k{n}"), "deposit", &cast.bob, "0.01");
            one["description"] = json!(line);
            one
        })
        .collect();
    let body = json!({"atomic": true, "operations": operations});
    assert!(body.to_string().len() > 8 * contracts::limits::BODY_BYTES_MAX);
    let answer = batch(&world, &staff, &body).await.ok(200);
    assert_eq!(statuses(&answer), vec![201; 1_000]);
    let wallet = world
        .get(&staff, &format!("/v1/wallets/{}", cast.bob))
        .await
        .ok(200);
    assert_eq!(wallet["balances"][0]["posted"], "10.00");

    let before = world.rows().await;
    let padding = " ".repeat(contracts::limits::BATCH_BODY_BYTES_MAX);
    let request = world.request(Method::POST, BATCHES).bearer_auth(&staff);
    let request = request.header("content-type", "application/json");
    let reply = World::send(request.body(format!("{body}{padding}"))).await;
    reply.refused(413, "body_too_large", "over a mebibyte");
    assert_eq!(world.rows().await, before);
    world.close().await;
}
