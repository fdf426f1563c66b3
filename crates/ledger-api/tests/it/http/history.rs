//! Filters of a history, its totals, and a history that is long.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{
    past::{Past, decimal, query_time},
    reads::walk,
};
use crate::world::World;

fn seqs(items: &[Value]) -> Vec<u64> {
    items
        .iter()
        .map(|item| item["seq"].as_u64().expect("seq"))
        .collect()
}

/// A wallet's own leg of an item; these worlds have one each.
fn own<'a>(item: &'a Value, wallet: &str) -> &'a Value {
    let legs = item["legs"].as_array().expect("legs");
    legs.iter()
        .find(|leg| leg["wallet"] == wallet)
        .expect("a leg")
}

/// A query, and what it keeps.
type Filter<'a> = (String, Box<dyn Fn(&Value) -> bool + 'a>);

fn time(item: &Value, by: &str) -> DateTime<Utc> {
    let text = item[format!("{by}_at")].as_str().expect("a time");
    text.parse().expect("a time")
}

fn is_between(item: &Value, other: &str) -> bool {
    let legs = item["legs"].as_array().expect("legs");
    legs.iter().any(|leg| leg["wallet"] == other)
}

fn filters<'a>(
    wallet: &'a str,
    other: &'a str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
) -> Vec<Filter<'a>> {
    let amount = move |item: &Value| decimal(&own(item, wallet)["amount"]).abs();
    let euros = move |item: &Value| own(item, wallet)["currency"] == "EUR";
    let within = move |item: &Value, by: &str| (from..to).contains(&time(item, by));
    let period = format!("from={}&to={}", query_time(from), query_time(to));
    let number = |text: &str| -> Decimal { text.parse().expect("a number") };
    let kind = |item: &Value, kind: &str| item["kind"] == kind;
    vec![
        (
            "kind=withdrawal".into(),
            Box::new(move |item| kind(item, "withdrawal")),
        ),
        (period.clone(), Box::new(move |item| within(item, "posted"))),
        (
            format!("{period}&by=effective"),
            Box::new(move |item| within(item, "effective")),
        ),
        (
            format!("{period}&by=effective&kind=deposit&currency=EUR"),
            Box::new(move |item| within(item, "effective") && kind(item, "deposit") && euros(item)),
        ),
        ("currency=EUR".into(), Box::new(euros)),
        (
            "currency=EUR&min_amount=0.06".into(),
            Box::new(move |item| euros(item) && amount(item) >= number("0.06")),
        ),
        (
            "currency=EUR&min_amount=0.05&max_amount=0.07".into(),
            Box::new(move |item| euros(item) && amount(item) <= number("0.07")),
        ),
        (
            format!("counterparty={other}"),
            Box::new(move |item| is_between(item, other)),
        ),
        (
            "reference=o-7".into(),
            Box::new(|item| item["reference"] == "o-7"),
        ),
        ("reference=o-8".into(), Box::new(|_| false)),
        ("kind=payment".into(), Box::new(|_| false)),
    ]
}

/// The totals are the sums of the wallet's own legs, by direction.
fn adds_up(totals: &Value, expected: &[Value], wallet: &str, query: &str) {
    assert_eq!(totals["transactions"], expected.len(), "{query}");
    for flow in totals["currencies"].as_array().expect("currencies") {
        let amounts: Vec<Decimal> = expected
            .iter()
            .map(|item| own(item, wallet))
            .filter(|leg| leg["currency"] == flow["currency"])
            .map(|leg| decimal(&leg["amount"]))
            .collect();
        let (out, into): (Vec<Decimal>, Vec<Decimal>) =
            amounts.iter().partition(|amount| amount.is_sign_negative());
        let (out, into) = (out.iter().sum::<Decimal>(), into.iter().sum::<Decimal>());
        assert_eq!(decimal(&flow["incoming"]), into, "{query}");
        assert_eq!(decimal(&flow["outgoing"]), -out, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_filter_keeps_exactly_what_fits_and_totals_are_those_of_all_pages() {
    let mut past = Past::of(120, 13).await;
    let told = past.told().await;
    let (wallet, other) = (past.wallets[0].clone(), past.wallets[1].clone());
    let body = json!({"amount": "0.05", "currency": "EUR", "reference": "o-7",
                      "metadata": {"reference": "o-8"}});
    let path = format!("/v1/wallets/{wallet}/withdraw");
    past.world.write(&past.staff, &path, &body).await.ok(201);
    let (one, two) = (past.moment(&told), past.moment(&told));
    let list = format!("/v1/wallets/{wallet}/history?");
    let all = walk(&past.world, &past.staff, &list, 200).await;
    for (query, keep) in filters(&wallet, &other, (one.min(two), one.max(two))) {
        let expected: Vec<Value> = all.iter().filter(|item| keep(item)).cloned().collect();
        let items = walk(&past.world, &past.staff, &format!("{list}{query}&"), 3).await;
        assert_eq!(seqs(&items), seqs(&expected), "{query}");
        let path = format!("{list}{query}&totals=true&limit=1");
        let totals = &past.world.get(&past.staff, &path).await.ok(200)["totals"];
        adds_up(totals, &expected, &wallet, &query);
    }
    past.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_that_say_nothing_possible_are_refused() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let staff = world.staff();
    for query in [
        "kind=gift",
        "kind=",
        "by=both",
        "from=yesterday",
        "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
        "min_amount=1.00",
        "counterparty=bob",
        "totals=1",
        "sort=amount",
        "page=2",
    ] {
        let path = format!("/v1/wallets/{wallet}/history?{query}");
        world
            .get(&staff, &path)
            .await
            .refused(400, "invalid_query", query);
    }
    for (query, code) in [
        ("currency=eur", "unknown_currency"),
        ("currency=EUR&min_amount=-1", "invalid_amount"),
        ("currency=EUR&max_amount=0.001", "amount_too_fine"),
        ("reference=", "invalid_text"),
    ] {
        let path = format!("/v1/wallets/{wallet}/history?{query}");
        world.get(&staff, &path).await.refused(422, code, query);
    }
    world.close().await;
}

/// Entries of one moment, as the engine would have written them.
const MANY: &str = "
    WITH own AS (
        SELECT b.*, h.seq AS head, h.posted_at AS at FROM ledger.balances b CROSS JOIN ledger.head h
        WHERE b.account = $1 AND b.currency = 'EUR'
          AND ($1 = 'funding' OR b.wallet_id = $2::uuid) LIMIT 1
    )
    INSERT INTO ledger.postings (wallet_id, account, currency, version, seq, transaction_id, amount,
                                 balance_after, kind, effective_at)
    SELECT own.wallet_id, own.account, 'EUR', own.version + n, own.head + n,
           md5(n::text)::uuid, $3, own.posted + n * $3, 'deposit', own.at
    FROM own CROSS JOIN generate_series(1, $4) n";
const MANY_EVENTS: &str = r#"
    INSERT INTO ledger.events (seq, event_id, subject, data, hash, posted_at)
    SELECT h.seq + n, md5(n::text)::uuid, 'ledger.v1.deposit.posted.00',
           format('{"id":"evt_%1$s","type":"florin.ledger.deposit.posted.v1","seq":%2$s,'
                  '"transaction":"txn_%1$s","kind":"deposit","effective_at":"%3$s",'
                  '"posted_at":"%3$s","legs":[{"wallet":"%4$s","account":"main","currency":"EUR",'
                  '"amount":"1.00","balance_after":"1.00","version":1},{"account":"funding",'
                  '"currency":"EUR","amount":"-1.00"}],"reference":"r-%5$s","metadata":{}}',
                  md5(n::text), h.seq + n,
                  to_char(h.posted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), $1, n),
           sha256(n::text::bytea), h.posted_at
    FROM ledger.head h CROSS JOIN generate_series(1, $2) n"#;

/// Puts `number` deposits of 1.00 into `wallet`, all of the moment of the log's head.
async fn many(world: &World, wallet: &str, number: i32) {
    let id = wallet.trim_start_matches("wal_");
    let mut tx = world.owner.begin().await.expect("begins");
    sqlx::query("SELECT FROM ledger.head FOR UPDATE")
        .execute(&mut *tx)
        .await
        .expect("locked");
    // Both sides in one statement would be one balanced insert; the trigger looks at each.
    sqlx::query("ALTER TABLE ledger.postings DISABLE TRIGGER postings_are_whole")
        .execute(&mut *tx)
        .await
        .expect("switched off");
    for (account, amount) in [("main", 1), ("funding", -1)] {
        let rows = sqlx::query(MANY)
            .bind(account)
            .bind(id)
            .bind(Decimal::from(amount))
            .bind(number)
            .execute(&mut *tx)
            .await
            .expect("inserted");
        assert_eq!(
            rows.rows_affected(),
            u64::try_from(number).expect("positive")
        );
    }
    sqlx::query(MANY_EVENTS)
        .bind(wallet)
        .bind(number)
        .execute(&mut *tx)
        .await
        .expect("inserted");
    sqlx::raw_sql(
        "UPDATE ledger.balances b SET posted = p.balance_after, version = p.version
         FROM (SELECT DISTINCT ON (wallet_id, account, currency) * FROM ledger.postings
               ORDER BY wallet_id, account, currency, version DESC) p
         WHERE (b.wallet_id, b.account, b.currency) = (p.wallet_id, p.account, p.currency);
         UPDATE ledger.head SET seq = (SELECT max(seq) FROM ledger.events);
         ALTER TABLE ledger.postings ENABLE TRIGGER postings_are_whole;
         ANALYZE ledger.postings",
    )
    .execute(&mut *tx)
    .await
    .expect("the books go on");
    tx.commit().await.expect("committed");
}

/// A ledger whose relay has nowhere to publish what no engine wrote.
async fn unpublished() -> World {
    World::start_with(|config| "nats://127.0.0.1:1".clone_into(&mut config.service.nats_url)).await
}

/// A page looks at so many entries and no more: a filter that nothing passes ends all the same,
/// and one that something passes far back finds it.
#[tokio::test(flavor = "multi_thread")]
async fn fifty_thousand_entries_of_one_millisecond_are_walked_once_each() {
    let world = unpublished().await;
    let wallet = world.wallet_with("ann", "7.00", "EUR").await;
    many(&world, &wallet, 50_000).await;
    let staff = world.staff();
    let list = format!("/v1/wallets/{wallet}/history?");
    let items = walk(&world, &staff, &list, 200).await;
    let distinct: BTreeSet<u64> = seqs(&items).into_iter().collect();
    assert_eq!((items.len(), distinct.len()), (50_001, 50_001));

    for (query, expected) in [
        ("currency=EUR&min_amount=2.00&", 1),
        ("reference=r-3&", 1),
        // Where the first page stops looking, and just beyond.
        ("reference=r-30001&", 1),
        ("reference=r-30000&", 1),
        ("reference=r-none&", 0),
        ("kind=withdrawal&", 0),
    ] {
        let items = walk(&world, &staff, &format!("{list}{query}"), 200).await;
        assert_eq!(items.len(), expected, "{query}");
        let items = walk(
            &world,
            &staff,
            &format!(
                "/v1/transactions?{}",
                query.replace("currency=EUR&min_amount=2.00&", "reference=r-50000&")
            ),
            200,
        )
        .await;
        assert_eq!(items.len(), expected, "{query}");
    }
    let totals = world
        .get(&staff, &format!("{list}totals=true&limit=1"))
        .await
        .ok(200);
    assert_eq!(
        totals["totals"],
        json!({"transactions": 50_001,
               "currencies": [{"currency": "EUR", "incoming": "50007.00", "outgoing": "0.00"}]})
    );
    world.close().await;
}

/// A sum over a part of what was asked for would be a wrong one.
#[tokio::test(flavor = "multi_thread")]
async fn totals_over_more_entries_than_the_limit_are_refused_until_the_period_is_shorter() {
    let world = unpublished().await;
    let wallet = world.wallet_with("ann", "7.00", "EUR").await;
    many(&world, &wallet, 200_000).await;
    let list = format!("/v1/wallets/{wallet}/history?totals=true&limit=1");
    let reply = world.get(&world.staff(), &list).await;
    reply.refused(422, "period_too_long", "200,001 entries");
    let reply = world
        .get(&world.staff(), &format!("{list}&to=2000-01-01T00:00:00Z"))
        .await;
    assert_eq!(
        reply.ok(200)["totals"],
        json!({"transactions": 0, "currencies": []})
    );
    world.close().await;
}
