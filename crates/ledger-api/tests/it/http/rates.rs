//! Rates: set, corrected, read as of any moment.

use chrono::{DateTime, TimeDelta, Utc};
use ledger_api::auth::Role;
use serde_json::{Value, json};
use service_runtime::Clock;

use crate::world::World;

/// Now, to the second, less so many days.
fn days_ago(days: i64) -> DateTime<Utc> {
    let now = Clock::system().now() - TimeDelta::days(days);
    DateTime::from_timestamp(now.timestamp(), 0).expect("in range")
}

fn rate(base: &str, quote: &str, rate: &str, as_of: &str) -> Value {
    json!({"base": base, "quote": quote, "rate": rate, "as_of": as_of})
}

/// Sets rates of this moment; each is written `EUR/USD 1.0823`.
pub async fn set(world: &World, rates: &[&str]) {
    let now = days_ago(0).to_rfc3339();
    let rates: Vec<Value> = rates
        .iter()
        .map(|text| {
            let (pair, number) = text.split_once(' ').expect("a pair and a number");
            let (base, quote) = pair.split_once('/').expect("two currencies");
            rate(base, quote, number, &now)
        })
        .collect();
    let body = json!({"source": "desk", "rates": rates});
    world
        .write(&world.staff(), "/v1/rates", &body)
        .await
        .ok(201);
}

async fn get(world: &World, query: &str) -> Value {
    let bearer = world.customer("ann");
    world
        .get(&bearer, &format!("/v1/rates{query}"))
        .await
        .ok(200)
}

/// The rates of a list, each as `EUR/USD 1.0823`.
fn shown(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("items").iter();
    items
        .map(|rate| {
            let text = |field: &str| rate[field].as_str().expect("a text").to_owned();
            format!("{}/{} {}", text("base"), text("quote"), text("rate"))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_corrected_rate_counts_from_then_on_and_the_history_keeps_both() {
    let world = World::start().await;
    let finance = world.token(Role::Finance, "");
    let (old, new) = (days_ago(3).to_rfc3339(), days_ago(1).to_rfc3339());
    let body = |rates: Value| json!({"source": "desk", "rates": rates});
    for rates in [
        json!([
            rate("EUR", "USD", "1.10", &new),
            rate("EUR", "JPY", "160.5", &new)
        ]),
        // An older one that comes later does not count now.
        json!([rate("EUR", "USD", "1.05", &old)]),
        json!([rate("EUR", "USD", "1.2500", &new)]),
    ] {
        let count = rates.as_array().expect("rates").len();
        let set = world
            .write(&finance, "/v1/rates", &body(rates))
            .await
            .ok(201);
        assert_eq!(
            (&set["count"], &set["source"]),
            (&json!(count), &json!("desk"))
        );
    }
    assert_eq!(
        shown(&get(&world, "").await),
        ["EUR/JPY 160.5", "EUR/USD 1.25"]
    );
    assert_eq!(shown(&get(&world, "?quote=USD").await), ["EUR/USD 1.25"]);
    let then = days_ago(2).to_rfc3339().replace('+', "%2B");
    assert_eq!(
        shown(&get(&world, &format!("?at={then}")).await),
        ["EUR/USD 1.05"]
    );
    let history: i64 = sqlx::query_scalar("SELECT count(*) FROM ledger.rates")
        .fetch_one(&world.owner)
        .await
        .expect("the database answers");
    assert_eq!(history, 4);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_comes_from_the_pair_its_inverse_or_over_the_euro() {
    let world = World::start().await;
    set(&world, &["EUR/USD 1.25", "EUR/JPY 200", "BTC/EUR 100000"]).await;
    for (from, to, mid, rate) in [
        ("EUR", "USD", "1.25", "1.24375"),
        ("USD", "EUR", "0.8", "0.796"),
        ("USD", "JPY", "160", "159.2"),
        ("BTC", "JPY", "20000000", "19900000"),
        ("JPY", "BTC", "0.00000005", "0.00000004975"),
    ] {
        let price = get(&world, &format!("?base={from}&quote={to}")).await["price"].clone();
        assert_eq!(
            (&price["mid_rate"], &price["rate"], &price["spread"]),
            (&json!(mid), &json!(rate), &json!("0.5")),
            "{from} {to}"
        );
    }
    assert!(
        get(&world, "?base=EUR&quote=GBP")
            .await
            .get("price")
            .is_none()
    );
    let mut cursor = String::new();
    let mut pages = Vec::new();
    loop {
        let page = get(&world, &format!("?limit=2{cursor}")).await;
        pages.push(shown(&page));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(
        pages,
        [vec!["BTC/EUR 100000", "EUR/JPY 200"], vec!["EUR/USD 1.25"]]
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_rate_is_refused_and_nothing_is_written() {
    let world = World::start().await;
    let good = || rate("EUR", "USD", "1.1", "2026-01-02");
    let with = |field: &str, value: Value| {
        let mut rate = good();
        rate[field] = value;
        json!([rate])
    };
    let tomorrow = days_ago(-1).to_rfc3339();
    let too_many: Vec<Value> = (0..501)
        .map(|n| rate("EUR", "USD", "1.1", &format!("2020-01-01T00:00:00.{n:06}Z")))
        .collect();
    let before = world.rows().await;
    for (rates, status, code) in [
        (json!([]), 422, "invalid_rates"),
        (json!(too_many), 422, "invalid_rates"),
        (json!([good(), good()]), 422, "invalid_rates"),
        (
            json!([good(), rate("USD", "EUR", "0.9", "2026-01-02T00:00:00Z")]),
            422,
            "invalid_rates",
        ),
        (with("base", json!("USD")), 422, "same_currency"),
        (with("quote", json!("XAU")), 422, "unknown_currency"),
        (with("rate", json!("0")), 422, "invalid_rate"),
        (with("rate", json!("-1")), 422, "invalid_rate"),
        (with("rate", json!("1e3")), 422, "invalid_rate"),
        (
            with("rate", json!("1234567.123456789012")),
            422,
            "invalid_rate",
        ),
        (with("rate", json!(1.1)), 400, "invalid_field"),
        (with("spread", json!("50.01")), 422, "invalid_rate"),
        (with("spread", json!("-1")), 422, "invalid_rate"),
        (with("as_of", json!(tomorrow)), 422, "invalid_timestamp"),
        (with("as_of", json!("yesterday")), 422, "invalid_timestamp"),
        (with("surprise", json!(1)), 400, "invalid_field"),
    ] {
        let body = json!({"source": "desk", "rates": rates});
        let reply = world.write(&world.staff(), "/v1/rates", &body).await;
        reply.refused(
            status,
            code,
            body.to_string().chars().take(200).collect::<String>(),
        );
    }
    for (query, code) in [
        ("?at=tomorrow", "invalid_query"),
        ("?surprise=1", "invalid_query"),
        ("?limit=0", "invalid_query"),
        ("?cursor=!", "invalid_cursor"),
    ] {
        let reply = world
            .get(&world.staff(), &format!("/v1/rates{query}"))
            .await;
        reply.refused(400, code, query);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
