//! One event of every type that the load does not make.

use chrono::TimeDelta;
use serde_json::{Value, json};
use service_runtime::Clock;
use testkit::eventually;

use crate::fleet::{Client, euros};

/// Everything that the ledger can do, and be asked in vain.
pub async fn one_of_each(client: &Client) {
    let [ann, shop] = [("ann", "customer"), ("shop", "merchant")];
    let ann = client.open(ann.0, ann.1).await;
    let shop = client.open(shop.0, shop.1).await;
    client.deposit("fund", &ann, "100.00").await.created();
    wallets(client).await;
    accounts(client).await;
    corrections(client, &ann, &shop).await;
    exchange(client, &ann).await;
    holds(client, &ann).await;
    decided_against(client).await;
}

fn because() -> Value {
    json!({"reason": "to see it"})
}

fn id(body: &Value) -> String {
    body["id"].as_str().expect("an id").to_owned()
}

async fn wallets(client: &Client) {
    let wallet = client.open("guest", "customer").await;
    let verbs = ["freeze", "unfreeze", "block", "unblock", "close"];
    for verb in verbs {
        if verb == "close" {
            let credit = json!({"amount": "5.00", "currency": "EUR", "reason": "to see it"});
            let path = format!("/v1/wallets/{wallet}/credit-limit");
            client.post("credit", &path, &credit).await.found();
        }
        let path = format!("/v1/wallets/{wallet}/{verb}");
        client.post(verb, &path, &because()).await.found();
    }
    // A command that moves no money, in vain.
    let path = format!("/v1/wallets/{wallet}/freeze");
    let refused = client.post("in-vain", &path, &because()).await;
    assert_eq!(refused.code(), "wallet_closed");
}

async fn accounts(client: &Client) {
    client.open("family", "customer").await;
    for (verb, level) in [
        ("kyc-level", Some("basic")),
        ("risk-level", Some("low")),
        ("freeze", None),
        ("unfreeze", None),
        ("suspend", None),
        ("resume", None),
        ("close", None),
    ] {
        let mut body = because();
        if let Some(level) = level {
            body["level"] = json!(level);
        }
        let path = format!("/v1/accounts/family/{verb}");
        client
            .post(&format!("family-{verb}"), &path, &body)
            .await
            .found();
    }
}

/// Fees, refunds, reversals and adjustments.
async fn corrections(client: &Client, ann: &str, shop: &str) {
    let rule = json!({"kinds": ["payment"], "currency": "EUR", "fixed": "0.10"});
    let rule = id(&client.post("rule", "/v1/fee-rules", &rule).await.created());
    let mut payment = euros("10.00");
    payment["wallet"] = json!(ann);
    payment["merchant"] = json!(shop);
    payment["order_reference"] = json!("order-7");
    let paid = id(&client
        .post("order-7", "/v1/payments", &payment)
        .await
        .created());
    let end = format!("/v1/fee-rules/{rule}/deactivate");
    client.post("rule-ends", &end, &because()).await.found();

    let refunds = format!("/v1/payments/{paid}/refunds");
    let part = json!({"amount": "4.00", "reason": "one was broken"});
    client.post("refund", &refunds, &part).await.created();
    let much = json!({"amount": "7.00", "reason": "greed"});
    let refused = client.post("too-much", &refunds, &much).await;
    assert_eq!(refused.code(), "refund_too_large");

    let wrong = id(&client.deposit("wrong", ann, "3.00").await.created());
    let reverse = format!("/v1/transactions/{wrong}/reverse");
    client.post("undo", &reverse, &because()).await.created();
    let refused = client.post("undo-again", &reverse, &because()).await;
    assert_eq!(refused.code(), "already_reversed");

    let adjust = format!("/v1/wallets/{ann}/adjust");
    let adjustment = |amount| json!({"amount": amount, "currency": "EUR", "reason": "miscounted"});
    client
        .post("adjust", &adjust, &adjustment("-1.00"))
        .await
        .created();
    let refused = client
        .post("adjust-all", &adjust, &adjustment("-1000.00"))
        .await;
    assert_eq!(refused.code(), "insufficient_funds");
}

async fn exchange(client: &Client, ann: &str) {
    let now = Clock::system().now().to_rfc3339();
    let rate = json!({"base": "EUR", "quote": "USD", "rate": "1.25", "as_of": now});
    let rates = json!({"source": "desk", "rates": [rate]});
    client.post("rates", "/v1/rates", &rates).await.created();
    let asked = json!({"wallet": ann, "from": "EUR", "to": "USD", "amount": "8.00"});
    let quote = client
        .post("quote", "/v1/exchange/quotes", &asked)
        .await
        .created();
    let order = json!({"wallet": ann, "quote": quote["id"]});
    client
        .post("exchange", "/v1/exchange", &order)
        .await
        .created();
    let refused = client.post("exchange-again", "/v1/exchange", &order).await;
    assert_eq!(refused.code(), "quote_used");
}

async fn holds(client: &Client, ann: &str) {
    let mut hold = euros("5.00");
    hold["wallet"] = json!(ann);
    let voided = id(&client.post("hold", "/v1/holds", &hold).await.created());
    let path = format!("/v1/holds/{voided}/void");
    client.post("void", &path, &because()).await.found();
    let soon = Clock::system().now() + TimeDelta::milliseconds(500);
    hold["expires_at"] = json!(soon.to_rfc3339());
    let expires = id(&client
        .post("hold-briefly", "/v1/holds", &hold)
        .await
        .created());
    let path = format!("/v1/holds/{expires}");
    eventually("the hold runs out", super::PATIENCE, async || {
        client.get(&path).await.found()["state"] == "expired"
    })
    .await;
}

/// Movements that are decided against.
async fn decided_against(client: &Client) {
    let poor = client.open("poor", "customer").await;
    let other = client.open("other", "customer").await;
    let shop = client.open("shop", "merchant").await;
    let refused = client.transfer("transfer", &poor, &other, "1.00").await;
    assert_eq!(refused.code(), "insufficient_funds");
    let pay = json!({
        "wallet": poor, "merchant": shop, "amount": "1.00", "currency": "EUR",
        "order_reference": "order-1",
    });
    let refused = client.post("pay", "/v1/payments", &pay).await;
    assert_eq!(refused.code(), "insufficient_funds");
    // At 18 decimals an exact balance ends at 7.9 * 10^10.
    let path = format!("/v1/wallets/{poor}/deposit");
    let much = json!({ "amount": "1000000000", "currency": "ETH" });
    for n in 0..79 {
        client
            .post(&format!("rich-{n}"), &path, &much)
            .await
            .created();
    }
    let refused = client.post("too-rich", &path, &much).await;
    assert_eq!(refused.refusal(), (422, "limit_exceeded".to_owned()));
}
