//! Money that moves, and requests that are repeated.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::World;

fn leg<'a>(transaction: &'a Value, wallet: &str) -> &'a Value {
    let legs = transaction["legs"].as_array().expect("legs");
    legs.iter()
        .find(|leg| leg["wallet"] == wallet)
        .expect("a leg of the wallet")
}

#[tokio::test(flavor = "multi_thread")]
async fn money_comes_in_moves_is_paid_and_leaves() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let opened = world
        .write(&ann, "/v1/wallets", &json!({"owner": "ann", "kind": "customer", "reference": "main", "metadata": {"a": "1"}}))
        .await
        .ok(201);
    assert_eq!(opened["status"], "active");
    assert_eq!(opened["balances"], json!([]));
    let own = opened["id"].as_str().expect("an id");
    let bob = world.wallet("bob", "customer").await;
    let shop = world.wallet("shop", "merchant").await;

    let path = |tail: &str| format!("/v1/wallets/{own}/{tail}");
    let deposit = json!({"amount": "100.5", "currency": "EUR", "description": "top-up", "metadata": {"k": "v"}});
    let deposit = world
        .write(&staff, &path("deposit"), &deposit)
        .await
        .ok(201);
    assert_eq!(deposit["kind"], "deposit");
    assert_eq!(
        (&deposit["description"], &deposit["metadata"]),
        (&json!("top-up"), &json!({"k": "v"}))
    );
    assert_eq!(leg(&deposit, own)["balance_after"], "100.50");
    assert_eq!(
        (
            &deposit["legs"][0]["account"],
            &deposit["legs"][0]["amount"]
        ),
        (&json!("funding"), &json!("-100.50"))
    );
    assert!(deposit["legs"][0].get("wallet").is_none());

    let body =
        json!({"amount": "25.00", "currency": "EUR", "to_wallet": bob, "reference": "order-77"});
    let transfer = world.write(&ann, &path("transfer"), &body).await.ok(201);
    assert_eq!(
        (&transfer["kind"], &transfer["reference"]),
        (&json!("transfer"), &json!("order-77"))
    );
    assert_eq!(leg(&transfer, own)["balance_after"], "75.50");
    assert!(
        leg(&transfer, &bob).get("balance_after").is_none(),
        "bob's balance is bob's business"
    );

    let body = json!({"wallet": own, "merchant": shop, "amount": "5", "currency": "EUR", "order_reference": "o-1"});
    let payment = world.write(&ann, "/v1/payments", &body).await.ok(201);
    assert_eq!(
        (&payment["kind"], &payment["order_reference"]),
        (&json!("payment"), &json!("o-1"))
    );

    let body = json!({"amount": "0.50", "currency": "EUR"});
    let withdrawal = world.write(&ann, &path("withdraw"), &body).await.ok(201);
    assert_eq!(leg(&withdrawal, own)["balance_after"], "70.00");
    assert!(withdrawal["seq"].as_u64() > payment["seq"].as_u64());

    let wallet = world.get(&ann, &format!("/v1/wallets/{own}")).await.ok(200);
    assert_eq!(
        wallet["balances"],
        json!([{"currency": "EUR", "posted": "70.00", "held": "0.00", "available": "70.00", "credit_limit": "0.00", "frozen": false, "version": 4}])
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn amounts_are_printed_at_exactly_the_currencys_scale() {
    let world = World::start().await;
    for (amount, currency, printed) in [
        ("1000", "JPY", "1000"),
        ("0.1", "BTC", "0.10000000"),
        ("0.000000000000000001", "ETH", "0.000000000000000001"),
        ("00012.5", "KWD", "12.500"),
    ] {
        let wallet = world.wallet_with("ann", amount, currency).await;
        let wallet = world
            .get(&world.staff(), &format!("/v1/wallets/{wallet}"))
            .await
            .ok(200);
        assert_eq!(wallet["balances"][0]["posted"], printed);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_key_repeats_the_answer_byte_for_byte_and_moves_nothing() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    let body = json!({"amount": "12.50", "currency": "EUR", "reference": "r", "metadata": {"a": "1", "b": "2"}});
    let first = world.post(&ann, &path, "key", &body).await;
    first.ok(201);
    assert_eq!(first.header("idempotent-replayed"), "");
    let before = world.rows().await;
    for (about, key, text) in [
        ("the same", "key", body.to_string()),
        ("a quoted key", "\"key\"", body.to_string()),
        (
            "other order, fewer zeros, explicit nulls",
            "key",
            r#" {"metadata": {"b": "2", "a": "1"}, "reference": "r", "description": null,
                "currency": "EUR", "amount": "0012.5"} "#
                .to_owned(),
        ),
    ] {
        let request = world
            .request(Method::POST, &path)
            .bearer_auth(&ann)
            .body(text);
        let request = request
            .header("idempotency-key", key)
            .header("content-type", "application/json");
        let again = World::send(request).await;
        again.ok(201);
        assert_eq!(again.text, first.text, "{about}");
        assert_eq!(again.header("idempotent-replayed"), "true", "{about}");
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_stands_for_one_request_only() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let other = world.wallet("ann", "customer").await;
    let body = json!({"amount": "1.00", "currency": "EUR"});
    let deposit = format!("/v1/wallets/{wallet}/deposit");
    world.post(&staff, &deposit, "key", &body).await.ok(201);
    let before = world.rows().await;
    let with = |field: &str, value: Value| {
        let mut body = body.clone();
        body[field] = value;
        body
    };
    for (path, body) in [
        (deposit.clone(), with("amount", json!("1.01"))),
        (deposit.clone(), with("currency", json!("USD"))),
        (deposit.clone(), with("reference", json!("r"))),
        (deposit.clone(), with("description", json!("d"))),
        (deposit.clone(), with("metadata", json!({"a": "b"}))),
        (deposit, with("effective_at", json!("2020-01-01T00:00:00Z"))),
        (format!("/v1/wallets/{wallet}/withdraw"), body.clone()),
        (format!("/v1/wallets/{other}/deposit"), body.clone()),
        (
            "/v1/wallets".to_owned(),
            json!({"owner": "ann", "kind": "customer"}),
        ),
    ] {
        let reply = world.post(&staff, &path, "key", &body).await;
        reply.refused(422, "idempotency_key_reused", format!("{path} {body}"));
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

/// A decision against is an answer like any other: stored under its key, told as an event, and
/// repeated even when the money has come meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn a_decision_against_sticks_to_its_key() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    let before = world.rows().await;
    // More than there is, and a currency of which there is nothing.
    for (key, body) in [
        ("euros", json!({"amount": "1.01", "currency": "EUR"})),
        ("dollars", json!({"amount": "0.01", "currency": "USD"})),
    ] {
        let first = world.post(&ann, &path, key, &body).await;
        first.refused(422, "insufficient_funds", key);
        assert!(
            first.json()["instance"]
                .as_str()
                .expect("an event")
                .starts_with("evt_")
        );
        let fund = format!("/v1/wallets/{wallet}/deposit");
        let more = json!({"amount": "5.00", "currency": body["currency"]});
        world.write(&world.staff(), &fund, &more).await.ok(201);
        let again = world.post(&ann, &path, key, &body).await;
        again.refused(422, "insufficient_funds", key);
        assert_eq!(again.text, first.text);
        assert_eq!(again.header("idempotent-replayed"), "true");
    }
    // Two rejections and two deposits: four events, but postings of the deposits only.
    let after = world.rows().await;
    assert_eq!((after[2] - before[2], after[3] - before[3]), (4, 4));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_in_other_states_say_so() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    for (bits, state, status) in [
        (1_i16, "frozen", 403),
        (2, "blocked", 403),
        (4, "suspended", 403),
        (8, "closed", 409),
    ] {
        for table in ["wallets", "balances"] {
            let update = format!("UPDATE ledger.{table} SET restrictions = $1");
            sqlx::query(sqlx::AssertSqlSafe(update))
                .bind(bits)
                .execute(&world.owner)
                .await
                .expect("the owner may");
        }
        let reply = world
            .write(&ann, &path, &json!({"amount": "1.00", "currency": "EUR"}))
            .await;
        reply.refused(status, &format!("wallet_{state}"), state);
        let seen = world
            .get(&ann, &format!("/v1/wallets/{wallet}"))
            .await
            .ok(200);
        assert_eq!(seen["status"], state);
    }
    world.close().await;
}

/// RELIABILITY: a dropped handler must not take a write, or a later request on its connection,
/// with it. Hundreds of clients hang up at every moment of their request; then all ask again.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_hang_up_lose_no_write_and_poison_no_connection() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet("ann", "customer").await;
    let path = format!("/v1/wallets/{wallet}/deposit");
    let body = json!({"amount": "1.00", "currency": "EUR"});
    let impatient = (0..300_u64).map(|n| {
        let patience = std::time::Duration::from_micros(n * 50);
        let (path, staff, body, world) = (&path, &staff, &body, &world);
        async move {
            let key = format!("k{n}");
            let write = world.post(staff, path, &key, body);
            let _ = tokio::time::timeout(patience, write).await;
            let read = world.get(staff, "/v1/wallets?limit=1");
            let _ = tokio::time::timeout(patience, read).await;
        }
    });
    futures_util::future::join_all(impatient).await;
    let again = (0..300).map(|n| {
        let (path, staff, body, world) = (&path, &staff, &body, &world);
        async move {
            world
                .post(staff, path, &format!("k{n}"), body)
                .await
                .ok(201)
        }
    });
    futures_util::future::join_all(again).await;
    let wallet = world
        .get(&staff, &format!("/v1/wallets/{wallet}"))
        .await
        .ok(200);
    assert_eq!(wallet["balances"][0]["posted"], "300.00");
    world.close().await;
}
