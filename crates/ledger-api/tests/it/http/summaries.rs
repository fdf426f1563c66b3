//! Summaries of wallets and of accounts: exact at the edges of their window, and of one moment.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use ledger_api::auth::Role;
use serde_json::{Value, json};
use service_runtime::Clock;

use super::past::decimal;
use crate::world::World;

async fn deposit(world: &World, wallet: &str, amount: &str, at: DateTime<Utc>) {
    let body = json!({"amount": amount, "currency": "EUR", "effective_at": at.to_rfc3339()});
    let path = format!("/v1/wallets/{wallet}/deposit");
    let staff = world.token_now(Role::Operator, "");
    world.write(&staff, &path, &body).await.ok(201);
}

async fn incoming(world: &World, path: &str) -> Value {
    let staff = world.token_now(Role::Operator, "");
    let summary = world.get(&staff, path).await.ok(200);
    summary["last_30_days"]["currencies"].clone()
}

/// What counts from exactly 30 days ago is in, and a microsecond before it is out; by the time
/// when it counts, and whether it was written then or late.
#[tokio::test(flavor = "multi_thread")]
async fn thirty_days_are_exact_to_the_microsecond() {
    let clock = Clock::manual(Clock::system().now());
    let world = World::start_at(clock.clone()).await;
    let wallet = world.wallet("ann", "customer").await;
    let now = clock.now();
    let edge = now - TimeDelta::days(30);
    deposit(&world, &wallet, "1.00", edge - TimeDelta::microseconds(1)).await;
    deposit(&world, &wallet, "2.00", edge).await;
    deposit(&world, &wallet, "4.00", edge + TimeDelta::microseconds(1)).await;
    deposit(&world, &wallet, "8.00", now).await;
    let of = |amount: &str| json!([{"currency": "EUR", "incoming": amount, "outgoing": "0.00"}]);
    for path in [
        format!("/v1/wallets/{wallet}/summary"),
        "/v1/accounts/ann/summary".to_owned(),
    ] {
        clock.set(now);
        assert_eq!(incoming(&world, &path).await, of("14.00"));
        clock.advance(Duration::from_micros(1));
        assert_eq!(incoming(&world, &path).await, of("12.00"));
        clock.advance(Duration::from_micros(1));
        assert_eq!(incoming(&world, &path).await, of("8.00"));
        // Now the one that was written when it counts reaches the edge.
        clock.set(now + TimeDelta::days(30));
        assert_eq!(incoming(&world, &path).await, of("8.00"));
        clock.advance(Duration::from_micros(1));
        assert_eq!(incoming(&world, &path).await, json!([]));
    }
    world.close().await;
}

/// All that ever moved is younger than 30 days here, so what came in less what went out is the
/// balance, in every answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_summary_is_of_one_moment_while_money_moves() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "100.00", "EUR").await;
    let other = world.wallet_with("ann", "100.00", "EUR").await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let done = AtomicBool::new(false);
    let moving = async {
        for n in 0..150 {
            let verb = ["deposit", "withdraw", "transfer"][n % 3];
            let mut body = json!({"amount": "1.00", "currency": "EUR"});
            if verb == "transfer" {
                body["to_wallet"] = json!(other);
            }
            let path = format!("/v1/wallets/{wallet}/{verb}");
            world.write(&staff, &path, &body).await.ok(201);
        }
        done.store(true, Ordering::SeqCst);
    };
    let looking = async {
        let mut looks = 0;
        while !done.load(Ordering::SeqCst) {
            looks += 1;
            let path = format!("/v1/wallets/{wallet}/summary");
            let summary = world.get(&ann, &path).await.ok(200);
            whole(&summary, &summary["wallet"]["balances"][0], &wallet);
            let summary = world.get(&ann, "/v1/accounts/ann/summary").await.ok(200);
            let flow = &summary["last_30_days"]["currencies"][0];
            let net = decimal(&flow["incoming"]) - decimal(&flow["outgoing"]);
            assert_eq!(decimal(&summary["totals"][0]["posted"]), net, "{summary}");
            assert_eq!(summary["wallets_total"], 2);
        }
        looks
    };
    let ((), looks) = tokio::join!(moving, looking);
    assert!(looks > 5, "{looks}");
    world.close().await;
}

fn whole(summary: &Value, balance: &Value, wallet: &str) {
    let flow = &summary["last_30_days"]["currencies"][0];
    let net = decimal(&flow["incoming"]) - decimal(&flow["outgoing"]);
    assert_eq!(decimal(&balance["posted"]), net, "{summary}");
    let newest = summary["newest"].as_array().expect("transactions");
    let legs = newest[0]["legs"].as_array().expect("legs");
    let own = legs
        .iter()
        .find(|leg| leg["wallet"] == wallet)
        .expect("own");
    assert_eq!(own["balance_after"], balance["posted"], "{summary}");
    assert!(newest.len() <= 10);
    assert!(newest.is_sorted_by(|a, b| a["seq"].as_u64() > b["seq"].as_u64()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_its_owners_and_staffs_business_however_its_name_is_written() {
    let world = World::start().await;
    let owner = "Ann & Söhne/50%";
    let path = "/v1/accounts/Ann%20%26%20S%C3%B6hne%2F50%25/summary";
    let first = world.wallet_with(owner, "3.00", "EUR").await;
    let second = world.wallet_with(owner, "4.50", "EUR").await;
    let body = json!({"amount": "5", "currency": "JPY"});
    let deposit = format!("/v1/wallets/{second}/deposit");
    world.write(&world.staff(), &deposit, &body).await.ok(201);
    world.wallet_with("bob", "100.00", "EUR").await;
    for token in [
        world.customer(owner),
        world.staff(),
        world.token(Role::Analyst, ""),
    ] {
        let summary = world.get(&token, path).await.ok(200);
        assert_eq!(summary["owner"], owner);
        let wallets: Vec<&Value> = summary["wallets"]
            .as_array()
            .expect("wallets")
            .iter()
            .map(|wallet| &wallet["id"])
            .collect();
        assert_eq!(wallets, [&first, &second]);
        assert_eq!(
            summary["totals"],
            json!([
                {"currency": "EUR", "posted": "7.50", "held": "0.00", "available": "7.50"},
                {"currency": "JPY", "posted": "5", "held": "0", "available": "5"},
            ])
        );
        assert_eq!(summary["newest"].as_array().expect("transactions").len(), 3);
    }
    for token in [world.customer("bob"), world.customer("Ann")] {
        world
            .get(&token, path)
            .await
            .refused(404, "not_found", "another's");
    }
    for path in [
        "/v1/accounts/nobody/summary",
        "/v1/accounts/florin/summary",
        "/v1/accounts/%00/summary",
        "/v1/accounts/%FF/summary",
    ] {
        world
            .get(&world.staff(), path)
            .await
            .refused(404, "not_found", path);
    }
    world.close().await;
}

/// A summary that counts usage in a way of its own would promise what the ledger then refuses.
#[tokio::test(flavor = "multi_thread")]
async fn a_summary_shows_levels_limits_and_usage_as_the_limits_do() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let wallet = world.wallet_with("ann", "500.00", "USD").await;
    let without_moment = |mut limits: Value| {
        let moment = limits.as_object_mut().expect("limits").remove("as_of");
        assert!(moment.is_some_and(|moment| moment.is_string()));
        limits
    };
    for level in [None, Some("basic"), Some("standard")] {
        if let Some(level) = level {
            let body = json!({"level": level, "reason": "because"});
            let path = "/v1/accounts/ann/kyc-level";
            world.write(&staff, path, &body).await.ok(200);
        }
        let withdraw = format!("/v1/wallets/{wallet}/withdraw");
        let body = json!({"amount": "12.50", "currency": "USD"});
        world.write(&ann, &withdraw, &body).await.ok(201);
        let summary = world.get(&ann, "/v1/accounts/ann/summary").await.ok(200);
        let limits = world.get(&ann, "/v1/accounts/ann/limits").await.ok(200);
        let shown = without_moment(summary["limits"].clone());
        assert_eq!(shown, without_moment(limits));
        assert_eq!(shown["kyc_level"], json!(level));
        let used = &shown["currencies"][0]["day"]["used"];
        match level {
            None => assert_eq!(shown["currencies"], json!([])),
            Some("basic") => assert_eq!(*used, "25.00"),
            Some(_) => assert_eq!(*used, "37.50"),
        }
    }
    world.close().await;
}
