//! Amounts, and what is counted of them.

use std::time::Duration;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use testkit::eventually;

use crate::fleet::{Answer, Client, Fleet};

/// M9: a predecessor kept money in floats, which lost the last digits beyond 9.007e11.
#[tokio::test(flavor = "multi_thread")]
async fn m9_large_amounts_are_exact_and_too_fine_ones_are_refused() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m9");
    let wallet = client.open("m9", "customer").await;
    let sums = [
        (
            "EUR",
            &[
                "9007199254740.93",
                "1000000000000.01",
                "0.01",
                "9999999999999.99",
            ][..],
        ),
        ("KRW", &["9999999999999", "1"]),
        ("BTC", &["9999999999999.99999999", "0.00000001"]),
        (
            "ETH",
            &["999999999.999999999999999999", "0.000000000000000001"],
        ),
    ];
    for (currency, amounts) in sums {
        let mut sum = Decimal::ZERO;
        for (n, amount) in amounts.iter().enumerate() {
            let key = format!("{currency}-{n}");
            deposit(&client, &key, &wallet, amount, currency)
                .await
                .created();
            sum += amount.parse::<Decimal>().expect("a number");
        }
        assert_eq!(posted(&client, &wallet, currency).await, sum.to_string());
    }
    for (currency, amount) in [
        ("EUR", "0.001"),
        ("KRW", "1.5"),
        ("BTC", "0.000000001"),
        ("ETH", "0.0000000000000000001"),
    ] {
        let answer = deposit(
            &client,
            &format!("fine-{currency}"),
            &wallet,
            amount,
            currency,
        )
        .await;
        assert_eq!(
            answer.refusal(),
            (422, "amount_too_fine".to_owned()),
            "{amount} {currency}"
        );
    }
    fleet.leave().await;
}

async fn deposit(client: &Client, key: &str, wallet: &str, amount: &str, currency: &str) -> Answer {
    let body = json!({ "amount": amount, "currency": currency });
    client
        .post(key, &format!("/v1/wallets/{wallet}/deposit"), &body)
        .await
}

async fn posted(client: &Client, wallet: &str, currency: &str) -> String {
    let wallet = client.get(&format!("/v1/wallets/{wallet}")).await.found();
    let balances = wallet["balances"].as_array().expect("balances").clone();
    let balance = balances
        .into_iter()
        .find(|balance| balance["currency"] == currency);
    balance.expect("it moved")["posted"]
        .as_str()
        .expect("a text")
        .to_owned()
}

/// M10: a predecessor counted every event as a deposit: these three gave 165 to 215, 0 and 0.
#[tokio::test(flavor = "multi_thread")]
async fn m10_statistics_tell_deposits_withdrawals_and_both_sides_of_a_transfer_apart() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m10");
    let (ann, bob) = (
        client.open("m10-ann", "customer").await,
        client.open("m10-bob", "customer").await,
    );
    client.deposit("in", &ann, "100.00").await.created();
    client.withdraw("out", &ann, "40.00").await.created();
    let last = client.transfer("over", &ann, &bob, "25.00").await.created()["seq"].clone();
    let last = last.as_u64().expect("a seq");
    let none = json!({ "count": 0, "amount": "0.00" });
    let one = |amount| json!({ "count": 1, "amount": amount });
    assert_eq!(
        statistics(&client, &ann, last).await,
        json!({
            "currency": "EUR", "deposited": one("100.00"), "withdrawn": one("40.00"), "paid": none,
            "received": none, "transferred_in": none, "transferred_out": one("25.00"),
        })
    );
    assert_eq!(
        statistics(&client, &bob, last).await,
        json!({
            "currency": "EUR", "deposited": none, "withdrawn": none, "paid": none,
            "received": none, "transferred_in": one("25.00"), "transferred_out": none,
        })
    );
    fleet.leave().await;
}

/// The only currency's statistics, as soon as they cover `seq`.
async fn statistics(client: &Client, wallet: &str, seq: u64) -> Value {
    let what = format!("the statistics cover {seq}");
    let stats = eventually(&what, Duration::from_secs(30), async || {
        let stats = client
            .get(&format!("/v1/wallets/{wallet}/stats"))
            .await
            .found();
        if stats["as_of_seq"].as_u64() >= Some(seq) {
            Ok(stats)
        } else {
            Err(stats)
        }
    })
    .await;
    let balances = stats["balances"].as_array().expect("balances");
    assert_eq!(balances.len(), 1, "{stats}");
    balances[0].clone()
}
