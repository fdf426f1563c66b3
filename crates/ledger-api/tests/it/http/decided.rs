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
    for (state, status, code) in [
        ("frozen", 403, "wallet_frozen"),
        ("blocked", 403, "wallet_blocked"),
        ("suspended", 403, "wallet_suspended"),
        ("closed", 409, "wallet_closed"),
    ] {
        set_status(&world, state).await;
        let before = world.rows().await;
        let first = world.post(&ann, &path, state, &body).await;
        first.refused(status, code, state);
        let after = world.rows().await;
        let added = |place: usize| after[place] - before[place];
        assert_eq!((added(EVENTS), added(ANSWERS)), (1, 1), "{state}");
        assert_eq!(added(POSTINGS), 0, "{state}");
        let seen = world
            .get(&ann, &format!("/v1/wallets/{wallet}"))
            .await
            .ok(200);
        assert_eq!(seen["status"], state);
        assert_eq!(seen["balances"][0]["posted"], "10.00");

        set_status(&world, "active").await;
        let again = world.post(&ann, &path, state, &body).await;
        again.refused(status, code, state);
        assert_eq!(again.text, first.text, "the decision stands");
        assert_eq!(again.header("idempotent-replayed"), "true");
        assert_eq!(world.rows().await, after);
    }
    world.close().await;
}

async fn set_status(world: &World, status: &str) {
    sqlx::query("UPDATE ledger.wallets SET status = $1 WHERE kind <> 'system'")
        .bind(status)
        .execute(&world.owner)
        .await
        .expect("the owner may");
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
