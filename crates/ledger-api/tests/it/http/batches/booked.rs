//! Operations on what is in the books: holds, payments, transactions, quotes.

use ledger_api::auth::Role;
use serde_json::{Value, json};

use super::{Cast, batch, cast, codes, operation, statuses};
use crate::{http::rates, world::World};

/// Why somebody corrects something, in the tests.
const REASON: &str = "posted twice by mistake";

/// Two open holds of Ann's for the shop, her payment to it, a deposit of hers, and a quote.
struct Books {
    cast: Cast,
    holds: [String; 2],
    payment: String,
    deposit: String,
    quote: String,
}

async fn books(world: &World) -> Books {
    let (staff, cast) = (world.staff(), cast(world).await);
    rates::set(world, &["EUR/USD 1.25"]).await;
    let id = |made: Value| made["id"].as_str().expect("an id").to_owned();
    let mut holds = [String::new(), String::new()];
    for (n, hold) in holds.iter_mut().enumerate() {
        let body = json!({"wallet": cast.ann, "merchant": cast.shop, "amount": "10.00",
            "currency": "EUR", "order_reference": format!("held-{n}")});
        *hold = id(world.write(&staff, "/v1/holds", &body).await.ok(201));
    }
    let payment = world.pay(&cast.ann, &cast.shop, "30.00", "paid").await;
    let body = json!({"amount": "5.00", "currency": "EUR"});
    let path = format!("/v1/wallets/{}/deposit", cast.ann);
    let deposit = world.write(&staff, &path, &body).await.ok(201);
    let body = json!({"wallet": cast.ann, "from": "EUR", "to": "USD", "amount": "10.00"});
    let quote = world.write(&staff, "/v1/exchange/quotes", &body).await;
    Books {
        holds,
        payment: id(payment.ok(201)),
        deposit: id(deposit),
        quote: id(quote.ok(201)),
        cast,
    }
}

impl Books {
    /// One operation of each type, which all pass, and the status of each.
    fn operations(&self) -> (Vec<Value>, Vec<u64>) {
        let cast = &self.cast;
        let mut adjustment = operation("k-adjustment", "adjustment", &cast.bob, "7.00");
        adjustment["reason"] = json!(REASON);
        let mut hold = operation("k-hold", "hold", &cast.ann, "1.5");
        hold["to_wallet"] = json!(cast.bob);
        let operations = vec![
            json!({"key": "k-capture", "type": "capture", "hold": self.holds[0], "amount": "4",
                "final": true}),
            json!({"key": "k-void", "type": "void", "hold": self.holds[1], "reason": REASON}),
            json!({"key": "k-refund", "type": "refund", "payment": self.payment,
                "amount": "12.00", "reason": REASON}),
            json!({"key": "k-reversal", "type": "reversal", "transaction": self.deposit,
                "reason": REASON}),
            adjustment,
            hold,
            json!({"key": "k-exchange", "type": "exchange", "wallet": cast.ann,
                "quote": self.quote}),
        ];
        (operations, vec![201, 200, 201, 201, 201, 201, 201])
    }
}

/// The same for the single route: its path and its body.
fn alone(operation: &Value) -> (String, Value) {
    let mut body = operation.clone();
    let fields = body.as_object_mut().expect("an object");
    fields.remove("key");
    let kind = fields.remove("type").expect("a type");
    let mut path = |field: &str, before: &str, after: &str| {
        let id = fields.remove(field).expect("an id");
        format!("/v1/{before}/{}{after}", id.as_str().expect("text"))
    };
    let path = match kind.as_str().expect("text") {
        "capture" => path("hold", "holds", "/capture"),
        "void" => path("hold", "holds", "/void"),
        "refund" => path("payment", "payments", "/refunds"),
        "reversal" => path("transaction", "transactions", "/reverse"),
        "adjustment" => path("wallet", "wallets", "/adjust"),
        "hold" => "/v1/holds".to_owned(),
        _ => "/v1/exchange".to_owned(),
    };
    (path, body)
}

async fn posted(world: &World, wallet: &str) -> Value {
    let path = format!("/v1/wallets/{wallet}");
    world.get(&world.staff(), &path).await.ok(200)["balances"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_books_is_taken_and_corrected_in_a_batch_as_alone() {
    let world = World::start().await;
    let (staff, books) = (world.staff(), books(&world).await);
    let (operations, expected) = books.operations();
    let before = world.rows().await;
    let rehearsal = json!({"dry_run": true, "operations": operations});
    let told = batch(&world, &staff, &rehearsal).await.ok(200);
    assert_eq!(statuses(&told), expected, "{told}");
    assert_eq!(world.rows().await, before, "a rehearsal writes nothing");

    let reply = batch(&world, &staff, &json!({"operations": operations})).await;
    assert_eq!(statuses(&reply.ok(200)), expected, "{}", reply.text);
    let after = world.rows().await;
    for operation in &operations {
        let key = operation["key"].as_str().expect("a key");
        let (path, body) = alone(operation);
        let single = world.post(&staff, &path, key, &body).await;
        assert_eq!(single.header("idempotent-replayed"), "true", "{key}");
        assert!(reply.text.contains(&single.text), "{key}: the same bytes");
    }
    assert_eq!(world.rows().await, after);
    // 100 - 30 + 5 - 4 + 12 - 5 - 10, and 1.50 of it held.
    let balances = posted(&world, &books.cast.ann).await;
    assert_eq!(
        (&balances[0]["posted"], &balances[0]["held"]),
        (&json!("68.00"), &json!("1.50"))
    );
    world.close().await;
}

/// A hold that was captured for a batch that is then refused would be money lost to both.
#[tokio::test(flavor = "multi_thread")]
async fn an_atomic_batch_leaves_holds_quotes_and_payments_as_they_were_when_one_is_refused() {
    let world = World::start().await;
    let (staff, books) = (world.staff(), books(&world).await);
    let (mut operations, expected) = books.operations();
    operations.push(operation("k-last", "withdraw", &books.cast.bob, "7.01"));
    let before = posted(&world, &books.cast.ann).await;
    let body = json!({"atomic": true, "operations": operations});
    let refused = batch(&world, &staff, &body).await.ok(200);
    let mut told = vec!["batch_rejected"; 7];
    told.push("insufficient_funds");
    assert_eq!(codes(&refused), told);
    assert_eq!(posted(&world, &books.cast.ann).await, before);
    // All of it can still be done, under other keys.
    operations.pop();
    for operation in &mut operations {
        operation["key"] = json!(format!("again-{}", operation["key"]).replace('"', ""));
    }
    let body = json!({"atomic": true, "operations": operations});
    let done = batch(&world, &staff, &body).await.ok(200);
    assert_eq!(statuses(&done), expected, "{done}");
    world.close().await;
}

/// Each after those before it: the second capture, refund, reversal and exchange come too late.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_once_is_done_once_in_one_batch_too() {
    let world = World::start().await;
    let (staff, books) = (world.staff(), books(&world).await);
    let (operations, _) = books.operations();
    let mut twice = Vec::new();
    for index in [0, 2, 3, 6] {
        let mut second = operations[index].clone();
        second["key"] = json!(format!("second-{index}"));
        if index == 2 {
            second["amount"] = json!("18.01");
        }
        twice.extend([operations[index].clone(), second]);
    }
    let answer = batch(&world, &staff, &json!({"operations": twice}))
        .await
        .ok(200);
    assert_eq!(
        codes(&answer),
        [
            "",
            "hold_captured",
            "",
            "refund_too_large",
            "",
            "already_reversed",
            "",
            "quote_used"
        ]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_takes_and_corrects_nothing_that_its_bearer_may_not_alone() {
    let world = World::start().await;
    let books = books(&world).await;
    let (operations, _) = books.operations();
    let before = world.rows().await;
    let bearers = [
        world.customer("ann"),
        world.customer("bob"),
        world.token(Role::Merchant, "shop"),
        world.token(Role::Merchant, "another"),
        world.token(Role::Operator, ""),
    ];
    let mut refused = 0;
    for (n, token) in bearers.iter().enumerate() {
        for operation in &operations {
            let about = format!("bearer {n}: {operation}");
            let rehearsal = json!({"dry_run": true, "operations": [operation]});
            let together = batch(&world, token, &rehearsal).await;
            if together.status == 200 {
                continue;
            }
            refused += 1;
            let (path, body) = alone(operation);
            let single = world.write(token, &path, &body).await;
            let (single, batched) = (single.json(), together.json());
            assert_eq!(
                (&batched["status"], &batched["code"]),
                (&single["status"], &single["code"]),
                "{about}"
            );
            assert_eq!(batched["errors"][0]["field"], "operations[0]", "{about}");
        }
    }
    // Ann may hold and exchange; Bob nothing; the shop captures, voids and refunds; another nothing.
    assert_eq!(refused, 5 + 7 + 4 + 7);
    for (field, kind, id) in [
        ("hold", "capture", "hld_0190c3a65f7d7c3e8b1a2f4d6e8c0a14"),
        ("hold", "void", "nonsense"),
        ("payment", "refund", books.deposit.as_str()),
        (
            "transaction",
            "reversal",
            "txn_0190c3a65f7d7c3e8b1a2f4d6e8c0a14",
        ),
    ] {
        let mut missing = json!({"key": "k", "type": kind, "reason": REASON});
        if kind == "capture" {
            missing = json!({"key": "k", "type": kind});
        }
        missing[field] = json!(id);
        let body = json!({"operations": [missing]});
        let reply = batch(&world, &world.staff(), &body).await;
        reply.refused(404, "not_found", &missing);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
