//! Reading wallets, history and statistics.

use std::time::Duration;

use contracts::{
    WalletId,
    rpc::{CurrencyStats, RpcError, StatsRequest, Tally, WalletStats},
    subjects::rpc::ANALYTICS_STATS,
};
use serde_json::{Value, json};
use service_runtime::{nats, rpc};
use testkit::eventually;

use crate::world::World;

/// All items of a list, page by page.
pub(super) async fn walk(world: &World, token: &str, list: &str, limit: usize) -> Vec<Value> {
    let mut items = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = world
            .get(token, &format!("{list}limit={limit}{cursor}"))
            .await
            .ok(200);
        let of_page = page["items"].as_array().expect("items");
        assert!(of_page.len() <= limit);
        items.extend(of_page.iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return items,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_is_whole_and_newest_first_whatever_the_page_size() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let other = world.wallet("bob", "customer").await;
    for n in 1..=6 {
        let body = json!({"amount": format!("{n}.00"), "currency": "EUR", "to_wallet": other});
        world
            .write(&ann, &format!("/v1/wallets/{wallet}/transfer"), &body)
            .await
            .ok(201);
    }
    let list = format!("/v1/wallets/{wallet}/history?");
    for limit in [1, 2, 7, 200] {
        let items = walk(&world, &ann, &list, limit).await;
        let seqs: Vec<u64> = items
            .iter()
            .map(|item| item["seq"].as_u64().expect("seq"))
            .collect();
        assert_eq!(items.len(), 7);
        assert!(seqs.is_sorted_by(|a, b| a > b), "{seqs:?}");
        assert_eq!(items[6]["kind"], "deposit");
    }
    // Each side sees its own balances; staff see both.
    let (bob, staff) = (world.customer("bob"), world.staff());
    let list = format!("/v1/wallets/{other}/history?limit=1");
    let seen = |page: &Value| -> Vec<bool> {
        let legs = page["items"][0]["legs"].as_array().expect("legs");
        legs.iter()
            .map(|leg| leg.get("balance_after").is_some())
            .collect()
    };
    assert_eq!(seen(&world.get(&bob, &list).await.ok(200)), [false, true]);
    assert_eq!(seen(&world.get(&staff, &list).await.ok(200)), [true, true]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_to_each_what_is_theirs() {
    let world = World::start().await;
    for owner in ["ann", "bob", "ann", "bob", "ann"] {
        world.wallet_with(owner, "1.00", "EUR").await;
    }
    let body = json!({"owner": "bob", "kind": "customer", "reference": "savings"});
    world
        .write(&world.staff(), "/v1/wallets", &body)
        .await
        .ok(201);
    let owners = |items: Vec<Value>| -> Vec<String> {
        items
            .iter()
            .map(|item| item["owner"].as_str().expect("an owner").to_owned())
            .collect()
    };
    let (staff, ann) = (world.staff(), world.customer("ann"));
    // The system's own wallets are in no list.
    assert_eq!(walk(&world, &staff, "/v1/wallets?", 4).await.len(), 6);
    assert_eq!(
        owners(walk(&world, &staff, "/v1/wallets?owner=bob&", 2).await),
        ["bob"; 3]
    );
    assert_eq!(
        walk(&world, &staff, "/v1/wallets?owner=florin&", 2).await,
        [] as [Value; 0]
    );
    assert_eq!(
        owners(walk(&world, &ann, "/v1/wallets?", 2).await),
        ["ann"; 3]
    );
    assert_eq!(
        owners(walk(&world, &ann, "/v1/wallets?owner=ann&", 200).await),
        ["ann"; 3]
    );
    assert_eq!(
        walk(&world, &ann, "/v1/wallets?owner=bob&", 2).await,
        [] as [Value; 0]
    );
    assert_eq!(
        walk(&world, &ann, "/v1/wallets?reference=savings&", 2).await,
        [] as [Value; 0]
    );
    assert_eq!(
        owners(walk(&world, &staff, "/v1/wallets?reference=savings&", 1).await),
        ["bob"]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wallets_are_sorted_either_way_and_by_nothing_else() {
    let world = World::start().await;
    for owner in ["ann", "bob", "ann", "bob", "ann"] {
        world.wallet_with(owner, "1.00", "EUR").await;
    }
    for (token, list) in [
        (world.staff(), "/v1/wallets?"),
        (world.staff(), "/v1/wallets?owner=bob&"),
        (world.customer("ann"), "/v1/wallets?"),
    ] {
        let oldest = walk(&world, &token, list, 2).await;
        let sorted = walk(&world, &token, &format!("{list}sort=created_at&"), 2).await;
        assert_eq!(sorted, oldest);
        let mut newest = walk(&world, &token, &format!("{list}sort=-created_at&"), 2).await;
        newest.reverse();
        assert_eq!(newest, oldest, "{list}");
    }
    for key in ["owner", "-id", "created_at,id", "", "metadata"] {
        let path = format!("/v1/wallets?sort={key}");
        let reply = world.get(&world.staff(), &path).await;
        reply.refused(400, "invalid_query", key);
    }
    world.close().await;
}

/// Only this route depends on the worker.
#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_unavailable_alone_until_the_worker_answers() {
    let world = World::start().await;
    let ann = world.customer("ann");
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/stats");
    world
        .get(&ann, &path)
        .await
        .refused(503, "worker_unavailable", "nobody answers");
    world
        .get(&ann, &format!("/v1/wallets/{wallet}"))
        .await
        .ok(200);

    let url = testkit::servers().nats.url();
    let client = nats::connect(&url, "stand-in", &world.process)
        .await
        .expect("a URL");
    let subject = world.topology().subject(ANALYTICS_STATS);
    rpc::serve(
        &world.process,
        client,
        subject,
        "stand-in",
        |asked: StatsRequest| async move { Ok::<_, RpcError>(counted_one_deposit(asked.wallet)) },
    );
    let stats = eventually("the worker answers", Duration::from_secs(10), async || {
        let reply = world.get(&ann, &path).await;
        if reply.status == 200 {
            Ok(reply.json())
        } else {
            Err(reply.text)
        }
    })
    .await;
    assert_eq!(
        (&stats["wallet"], &stats["as_of_seq"]),
        (&json!(wallet), &json!(2))
    );
    assert_eq!(
        stats["balances"][0]["deposited"],
        json!({"count": 1, "amount": "1.50"})
    );
    assert_eq!(
        stats["balances"][0]["paid"],
        json!({"count": 0, "amount": "0.00"})
    );
    assert_eq!(stats["first_seen_at"], Value::Null);
    world
        .get(&world.customer("eve"), &path)
        .await
        .refused(404, "not_found", "another's wallet");
    world.close().await;
}

fn counted_one_deposit(wallet: WalletId) -> WalletStats {
    let tally = |count, amount: &str| Tally {
        count,
        amount: amount.parse().expect("digits"),
    };
    let nothing = tally(0, "0");
    WalletStats {
        wallet,
        as_of_seq: 2,
        first_seen_at: None,
        last_activity_at: None,
        balances: vec![CurrencyStats {
            currency: "EUR".parse().expect("a currency"),
            deposited: tally(1, "1.5"),
            withdrawn: nothing.clone(),
            paid: nothing.clone(),
            received: nothing.clone(),
            transferred_in: nothing.clone(),
            transferred_out: nothing,
        }],
    }
}
