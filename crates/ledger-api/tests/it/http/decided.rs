//! Decisions against: one event, one answer for as long as the key is kept, and no money.

use serde_json::json;

use crate::world::World;

/// Places in `World::rows`.
const POSTINGS: usize = 2;
const EVENTS: usize = 3;
const ANSWERS: usize = 5;

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_not_active_refuses_with_the_code_of_its_status() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    let body = json!({"amount": "1.00", "currency": "EUR"});
    for (bits, state, status, code) in [
        (1, "frozen", 403, "wallet_frozen"),
        (2, "blocked", 403, "wallet_blocked"),
        (4, "suspended", 403, "wallet_suspended"),
        (8, "closed", 409, "wallet_closed"),
        (16, "active", 403, "currency_frozen"),
    ] {
        restrict(&world, bits).await;
        let before = world.rows().await;
        let first = world.post(&ann, &path, code, &body).await;
        first.refused(status, code, state);
        let after = world.rows().await;
        let added = |place: usize| after[place] - before[place];
        assert_eq!((added(EVENTS), added(ANSWERS)), (1, 1), "{code}");
        assert_eq!(added(POSTINGS), 0, "{code}");
        let seen = world
            .get(&ann, &format!("/v1/wallets/{wallet}"))
            .await
            .ok(200);
        assert_eq!(seen["status"], state);
        assert_eq!(seen["balances"][0]["posted"], "10.00");

        restrict(&world, 0).await;
        let again = world.post(&ann, &path, code, &body).await;
        again.refused(status, code, state);
        assert_eq!(again.text, first.text, "the decision stands");
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(world.rows().await, after);
    }
    world.close().await;
}

/// Sets what wallets may not do, as no event would: 16 is of balances only.
async fn restrict(world: &World, bits: i16) {
    for (table, bits) in [("wallets", bits & 15), ("balances", bits)] {
        let sql = format!("UPDATE ledger.{table} SET restrictions = $1");
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .bind(bits)
            .execute(&world.owner)
            .await
            .expect("the owner may");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_a_wallet_does_not_allow_leaves_it_as_it_was() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = |verb: &str| format!("/v1/wallets/{wallet}/{verb}");
    let limit = |amount: &str| json!({"amount": amount, "currency": "EUR", "reason": "as agreed"});
    let body = limit("50.00");
    world
        .write(&staff, &path("credit-limit"), &body)
        .await
        .ok(200);
    let body = json!({"amount": "30.00", "currency": "EUR"});
    world.write(&staff, &path("withdraw"), &body).await.ok(201);
    let reason = json!({"reason": "as asked"});
    for (verb, body, code) in [
        ("close", &reason, "wallet_not_empty"),
        ("unfreeze", &reason, "status_unchanged"),
        ("unblock", &reason, "status_unchanged"),
        ("credit-limit", &limit("19.99"), "credit_in_use"),
    ] {
        let seen = world.get(&staff, &format!("/v1/wallets/{wallet}")).await;
        let before = world.rows().await;
        let first = world.post(&staff, &path(verb), verb, body).await;
        first.refused(409, code, verb);
        let after = world.rows().await;
        assert_eq!(after[EVENTS] - before[EVENTS], 1, "{verb}");
        assert_eq!(after[POSTINGS], before[POSTINGS], "{verb}");
        let again = world.post(&staff, &path(verb), verb, body).await;
        assert_eq!(again.text, first.text, "{verb}");
        assert_eq!(world.rows().await, after, "{verb}");
        let now = world.get(&staff, &format!("/v1/wallets/{wallet}")).await;
        assert_eq!(now.text, seen.text, "{verb}");
    }
    world.close().await;
}

/// 28 digits of which 18 are decimals: at some point one more deposit would have to be rounded.
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_takes_no_more_than_it_can_hold_exactly() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet("whale", "customer").await;
    let path = format!("/v1/wallets/{wallet}/deposit");
    let body = json!({"amount": "1000000000", "currency": "ETH"});
    for number in 0..100 {
        let before = world.rows().await;
        let key = format!("deposit-{number}");
        let reply = world.post(&staff, &path, &key, &body).await;
        if reply.status == 201 {
            continue;
        }
        reply.refused(422, "limit_exceeded", &key);
        let after = world.rows().await;
        assert_eq!(after[EVENTS] - before[EVENTS], 1);
        assert_eq!(after[POSTINGS], before[POSTINGS]);
        let again = world.post(&staff, &path, &key, &body).await;
        assert_eq!(again.text, reply.text);
        assert_eq!(world.rows().await, after);
        let seen = world
            .get(&staff, &format!("/v1/wallets/{wallet}"))
            .await
            .ok(200);
        assert_eq!(
            seen["balances"][0]["posted"],
            format!("{number}000000000.000000000000000000")
        );
        world.close().await;
        return;
    }
    panic!("a balance beyond what can be kept exactly");
}
