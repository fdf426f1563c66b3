//! Settlement as its users have it: cuts over HTTP, dead letters in between, planted cents, and
//! workers that die.

mod breaks;
mod deaths;

use serde_json::{Value, json};
use sqlx::PgPool;

use crate::fleet::{Answer, Client, Fleet, euros};

const BATCHES: &str = "/v1/settlements/batches";

/// A customer with money, and two merchants.
struct Market {
    finance: Client,
    customer: String,
    baker: String,
    smith: String,
}

impl Market {
    async fn open(fleet: &Fleet) -> Self {
        let finance = fleet.service("finance");
        Self {
            customer: finance.open_with("ann", "1000.00").await,
            baker: finance.open("baker", "merchant").await,
            smith: finance.open("smith", "merchant").await,
            finance,
        }
    }

    async fn pay(&self, merchant: &str, amount: &str, order: &str) -> Value {
        let mut body = euros(amount);
        body["wallet"] = json!(self.customer);
        body["merchant"] = json!(merchant);
        body["order_reference"] = json!(order);
        let paid = self.finance.post(order, "/v1/payments", &body).await;
        paid.created()
    }

    async fn cut(&self, key: &str, body: Value) -> Answer {
        self.finance.order(key, BATCHES, &body).await
    }

    async fn list(&self, query: &str) -> Value {
        let page = self.finance.get(&format!("{BATCHES}?{query}")).await;
        page.found()
    }
}

/// Merchant, gross and count of batches, in order of the gross.
fn summary(page: &Value) -> Vec<(&str, &str, u64)> {
    let mut batches: Vec<_> = page["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|batch| {
            let text = |field: &str| batch[field].as_str().expect("a text");
            assert_eq!(text("state"), "closed");
            let count = batch["count"].as_u64().expect("a number");
            (text("merchant"), text("gross"), count)
        })
        .collect();
    batches.sort_unstable_by_key(|(_, gross, _)| *gross);
    batches
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_is_settled_once_and_a_key_tells_what_became_of_it() {
    let fleet = Fleet::start(&["--settlement-worker", "2"]).await;
    let market = Market::open(&fleet).await;
    for (merchant, amount, order) in [
        (&market.baker, "1.10", "b-1"),
        (&market.baker, "2.20", "b-2"),
        (&market.smith, "40.00", "s-1"),
    ] {
        market.pay(merchant, amount, order).await;
    }
    fleet.settle().await;

    let answer = market
        .cut("first", json!({ "merchant": market.baker }))
        .await;
    let cut = answer.created();
    assert!(!answer.replayed);
    assert_eq!(summary(&cut), [(market.baker.as_str(), "3.30", 2)]);
    assert_eq!(
        (&cut["cut"]["state"], &cut["next_cursor"]),
        (&json!("closed"), &Value::Null)
    );
    let again = market
        .cut("first", json!({ "merchant": market.baker }))
        .await;
    assert!(again.replayed);
    assert_eq!(again.body, answer.body);
    refusals(&fleet, &market).await;

    market.pay(&market.baker, "5.00", "b-3").await;
    let rest = market.cut("second", json!({ "currency": "EUR" })).await;
    let rest = until_closed(&market, "second", rest).await;
    let expected = [
        (market.smith.as_str(), "40.00", 1),
        (market.baker.as_str(), "5.00", 1),
    ];
    assert_eq!(summary(&rest), expected);
    let nothing = market.cut("third", json!({})).await.created();
    assert_eq!(nothing["items"], json!([]));

    let all = market
        .list(&format!("merchant={}&limit=1", market.baker))
        .await;
    assert_eq!(summary(&all), [(market.baker.as_str(), "5.00", 1)]);
    let cursor = all["next_cursor"].as_str().expect("there is more");
    let older = market
        .list(&format!(
            "merchant={}&limit=1&cursor={cursor}",
            market.baker
        ))
        .await;
    assert_eq!(
        (&older["items"][0], &older["next_cursor"]),
        (&cut["items"][0], &Value::Null)
    );
    let id = cut["cut"]["id"].as_str().expect("an id");
    assert_eq!(
        market.list(&format!("cut={id}&currency=EUR")).await["items"],
        cut["items"]
    );
    items_page_by_page(&market, &cut["items"][0]).await;
    fleet.close().await;
}

/// Also without the cut that waits: it is closed by the sweep, and the same key tells.
async fn until_closed(market: &Market, key: &str, first: Answer) -> Value {
    let mut answer = first;
    for _ in 0..60 {
        if answer.status == 201 {
            return answer.json();
        }
        assert_eq!(answer.status, 202, "{answer:?}");
        answer = market.cut(key, json!({ "currency": "EUR" })).await;
    }
    panic!("it does not close: {answer:?}")
}

async fn refusals(fleet: &Fleet, market: &Market) {
    let baker = json!({ "merchant": market.baker });
    for (key, body, status, code) in [
        ("first", json!({}), 422, "idempotency_key_reused"),
        (
            "first",
            json!({ "merchant": market.smith }),
            422,
            "idempotency_key_reused",
        ),
        // A key of the ledger's own.
        ("b-1", baker.clone(), 422, "idempotency_key_reused"),
        (
            "new",
            json!({ "merchant": market.customer }),
            422,
            "not_a_merchant",
        ),
        (
            "new",
            json!({ "merchant": "wal_0190aaaaaaaa7bbbbbbbcccccccccccc" }),
            404,
            "not_found",
        ),
        ("new", json!({ "currency": "eur" }), 422, "unknown_currency"),
        ("new", json!({ "currency": 7 }), 400, "invalid_field"),
        ("new", json!({ "all": true }), 400, "invalid_field"),
    ] {
        let refused = market.cut(key, body.clone()).await;
        assert_eq!(refused.refusal(), (status, code.to_owned()), "{body}");
    }
    // Another caller's key is another key.
    let other = fleet.service("other").order("first", BATCHES, &baker).await;
    assert_eq!(other.created()["items"], json!([]));
    for (query, code) in [
        ("merchant=ann", "invalid_query"),
        ("currency=eur", "invalid_query"),
        ("cut=1", "invalid_query"),
        ("cursor=x", "invalid_cursor"),
    ] {
        let refused = market.finance.get(&format!("{BATCHES}?{query}")).await;
        assert_eq!(refused.refusal(), (400, code.to_owned()), "{query}");
    }
}

async fn items_page_by_page(market: &Market, batch: &Value) {
    let path = format!("{BATCHES}/{}", batch["id"].as_str().expect("an id"));
    let first = market.finance.get(&format!("{path}?limit=1")).await.found();
    assert_eq!(first["gross"], batch["gross"]);
    let item = &first["items"][0];
    assert_eq!(
        (&item["order_reference"], &item["amount"], &item["customer"]),
        (&json!("b-1"), &json!("1.10"), &json!(market.customer))
    );
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let last = market
        .finance
        .get(&format!("{path}?cursor={cursor}"))
        .await
        .found();
    assert_eq!(last["items"][0]["order_reference"], "b-2");
    assert_eq!(
        (last["items"].as_array().map(Vec::len), &last["next_cursor"]),
        (Some(1), &Value::Null)
    );
    for id in ["stl_0190aaaaaaaa7bbbbbbbcccccccccccc", "1"] {
        let missing = market.finance.get(&format!("{BATCHES}/{id}")).await;
        assert_eq!(missing.refusal(), (404, "not_found".to_owned()));
    }
}

/// A payment that cannot be handled keeps every later cut from being closed, until somebody
/// decides about it.
#[tokio::test(flavor = "multi_thread")]
async fn a_parked_payment_keeps_a_cut_waiting_until_it_is_replayed_or_discarded() {
    let fleet = Fleet::start(&[]).await;
    let market = Market::open(&fleet).await;
    market.pay(&market.baker, "1.00", "before").await;
    fleet.settle().await;
    plant(&fleet.owner, "ALTER TABLE settlement.items ADD CONSTRAINT planted CHECK (order_reference NOT LIKE 'bad%')").await;
    for round in ["replayed", "discarded"] {
        let bad = market
            .pay(&market.baker, "2.00", &format!("bad-{round}"))
            .await;
        let good = market
            .pay(&market.baker, "4.00", &format!("good-{round}"))
            .await;
        fleet.settle().await;
        let waiting = market.cut(round, json!({})).await;
        assert_eq!(waiting.status, 202, "{waiting:?}");
        let said = waiting.json();
        assert_eq!(
            (&said["cut"]["state"], &said["items"]),
            (&json!("waiting"), &json!([]))
        );
        let waits_for = said["cut"]["waits_for"].as_str().expect("a reason");
        assert!(waits_for.contains("dead letter"), "{waits_for}");
        assert!(said["cut"]["seq"].as_u64() >= good["seq"].as_u64());

        decide(&fleet, round == "replayed", &bad).await;
        let closed = market.cut(round, json!({})).await;
        assert!(closed.replayed, "it is the same cut");
        let closed = closed.created();
        assert_eq!(closed["cut"]["id"], said["cut"]["id"]);
        let expected = if round == "replayed" {
            ("7.00", 3)
        } else {
            ("4.00", 1)
        };
        assert_eq!(
            summary(&closed),
            [(market.baker.as_str(), expected.0, expected.1)]
        );
    }
    fleet.close().await;
}

async fn plant(owner: &PgPool, sql: &'static str) {
    sqlx::raw_sql(sql).execute(owner).await.expect("planted");
}

/// As an operator does it.
async fn decide(fleet: &Fleet, replay: bool, payment: &Value) {
    let seq = payment["seq"].as_i64().expect("a position");
    let id: String = sqlx::query_scalar(
        "SELECT 'dlt_' || replace(id::text, '-', '') FROM settlement.dead_letters WHERE seq = $1",
    )
    .bind(seq)
    .fetch_one(&fleet.owner)
    .await
    .expect("it was parked");
    let operator = fleet.service("operator");
    let act = async |key: &str, verb: &str| {
        let path = format!("/v1/dead-letters/{id}/{verb}");
        let body = json!({ "reason": "decided" });
        operator.order(&format!("{key}-{seq}"), &path, &body).await
    };
    if !replay {
        assert_eq!(act("discard", "discard").await.status, 200);
        return;
    }
    let failed = act("early", "replay").await;
    assert_eq!(failed.refusal(), (422, "replay_failed".to_owned()));
    let mended = "ALTER TABLE settlement.items DROP CONSTRAINT planted";
    plant(&fleet.owner, mended).await;
    assert_eq!(act("mended", "replay").await.status, 200);
    plant(&fleet.owner, "ALTER TABLE settlement.items ADD CONSTRAINT planted CHECK (order_reference NOT LIKE 'bad-d%')").await;
}
