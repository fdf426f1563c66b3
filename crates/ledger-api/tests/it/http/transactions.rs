//! Transactions by their id, and the list of all.

use futures_util::{StreamExt as _, stream};
use ledger_api::auth::Role;
use serde_json::{Value, json};
use service_runtime::Clock;

use super::{
    past::{Past, query_time},
    reads::walk,
};
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_shown_to_those_it_concerns_and_to_staff() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "10.00", "EUR").await;
    let bob = world.wallet("bob", "customer").await;
    let body = json!({"amount": "4.00", "currency": "EUR", "to_wallet": bob, "reference": "r-1"});
    let path = format!("/v1/wallets/{ann}/transfer");
    let transfer = world.write(&world.staff(), &path, &body).await.ok(201);
    let id = transfer["id"].as_str().expect("an id");
    let path = format!("/v1/transactions/{id}");
    assert_eq!(world.get(&world.staff(), &path).await.ok(200), transfer);
    for (owner, own, other) in [("ann", 0, 1), ("bob", 1, 0)] {
        let seen = world.get(&world.customer(owner), &path).await.ok(200);
        assert_eq!(seen["id"], transfer["id"]);
        assert_eq!(seen["legs"][own], transfer["legs"][own]);
        assert_eq!(seen["legs"][other].get("balance_after"), None);
    }
    let eve = world.customer("eve");
    world
        .get(&eve, &path)
        .await
        .refused(404, "not_found", "no party to it");
    for id in [
        "txn_0190aaaaaaaa7bbbbbbbcccccccccccc",
        "txn_0190aaaaaaaa4bbbbbbbcccccccccccc",
        "nonsense",
        &id.replace("txn_", "evt_"),
    ] {
        let path = format!("/v1/transactions/{id}");
        world
            .get(&world.staff(), &path)
            .await
            .refused(404, "not_found", id);
    }
    world.close().await;
}

/// A batch shares its moment, and a clock that stands still makes it long. Texts of senders that
/// look like an id mislead nobody.
#[tokio::test(flavor = "multi_thread")]
async fn each_of_two_thousand_transactions_of_one_millisecond_is_found_by_its_id() {
    let clock = Clock::manual(Clock::system().now());
    let world = World::start_at(clock.clone()).await;
    let wallet = world.wallet("ann", "customer").await;
    let staff = world.token_now(Role::Operator, "");
    let path = format!("/v1/wallets/{wallet}/deposit");
    let body = json!({"amount": "1.00", "currency": "EUR"});
    let ids: Vec<(String, u64)> = stream::iter(0..2_000)
        .map(async |_| {
            let answer = world.write(&staff, &path, &body).await.ok(201);
            let id = answer["id"].as_str().expect("an id").to_owned();
            (id, answer["seq"].as_u64().expect("a seq"))
        })
        .buffer_unordered(64)
        .collect()
        .await;
    let decoy = json!({"amount": "1.00", "currency": "EUR", "reference": ids[0].0,
                       "metadata": {"transaction": ids[1].0}});
    world.write(&staff, &path, &decoy).await.ok(201);
    for (id, seq) in ids.iter().take(2).chain(ids.iter().step_by(97)) {
        let found = world.get(&staff, &format!("/v1/transactions/{id}")).await;
        assert_eq!(found.ok(200)["seq"], *seq, "{id}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_all_is_whole_newest_first_and_filtered() {
    let past = Past::of(60, 5).await;
    let mut told = past.told().await;
    let wallet = past.wallets[1].clone();
    let body = json!({"amount": "1.00", "currency": "EUR", "reference": "order \"77\"",
                      "metadata": {"note": past.wallets[2]}});
    let path = format!("/v1/wallets/{wallet}/deposit");
    past.world.write(&past.staff, &path, &body).await.ok(201);
    let (world, staff) = (&past.world, &past.staff);
    let all = walk(world, staff, "/v1/transactions?", 7).await;
    let seqs = |items: &[Value]| -> Vec<u64> {
        items
            .iter()
            .map(|item| item["seq"].as_u64().expect("seq"))
            .collect()
    };
    assert!(seqs(&all).is_sorted_by(|a, b| a > b));
    told.dedup_by_key(|leg| leg.seq);
    assert_eq!(all.len(), told.len() + 1);
    let kept = |keep: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        seqs(
            &all.iter()
                .filter(|item| keep(item))
                .cloned()
                .collect::<Vec<_>>(),
        )
    };
    let of = |item: &Value, wallet: &str| {
        let legs = item["legs"].as_array().expect("legs");
        legs.iter().any(|leg| leg["wallet"] == wallet)
    };
    let middle = told[told.len() / 2].posted_at;
    let time = |item: &Value| -> chrono::DateTime<chrono::Utc> {
        item["posted_at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time")
    };
    for (query, expected) in [
        (
            "kind=transfer".to_owned(),
            kept(&|item| item["kind"] == "transfer"),
        ),
        (format!("wallet={wallet}"), kept(&|item| of(item, &wallet))),
        (
            format!("wallet={}", past.wallets[2]),
            kept(&|item| of(item, &past.wallets[2])),
        ),
        (
            "reference=order%20%2277%22".to_owned(),
            kept(&|item| item["reference"] == "order \"77\""),
        ),
        (
            format!("from={}", query_time(middle)),
            kept(&|item| time(item) >= middle),
        ),
        (
            format!("to={}&kind=deposit", query_time(middle)),
            kept(&|item| time(item) < middle && item["kind"] == "deposit"),
        ),
    ] {
        let items = walk(world, staff, &format!("/v1/transactions?{query}&"), 4).await;
        assert_eq!(seqs(&items), expected, "{query}");
        assert!(!expected.is_empty(), "{query} shows something");
    }
    past.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_all_takes_no_parameter_that_it_does_not_have() {
    let world = World::start().await;
    let staff = &world.staff();
    for query in [
        "kind=gift",
        "wallet=x",
        "from=x",
        "sort=amount",
        "by=posted",
        "limit=201",
    ] {
        let reply = world.get(staff, &format!("/v1/transactions?{query}")).await;
        reply.refused(400, "invalid_query", query);
    }
    world.close().await;
}
