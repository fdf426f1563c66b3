//! The sums that others hold theirs against.

use std::time::Duration;

use contracts::{
    WalletId,
    rpc::{AccountTotals, MerchantTotal, PaymentsPage, PaymentsRequest, TieOut, TieOutRequest},
    subjects::rpc::{LEDGER_PAYMENTS, LEDGER_TIE_OUT},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use service_runtime::rpc;
use testkit::eventually;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

async fn ask<Q: Serialize, A: DeserializeOwned>(world: &World, subject: &str, request: &Q) -> A {
    let client = async_nats::connect(testkit::servers().nats.url())
        .await
        .expect("nats-server answers");
    let subject = world.topology().subject(subject);
    eventually("the ledger answers", PATIENCE, async || {
        rpc::call(&client, subject.clone(), request, PATIENCE).await
    })
    .await
}

async fn books(world: &World, at: u64) -> TieOut {
    ask(world, LEDGER_TIE_OUT, &TieOutRequest { at }).await
}

async fn payments(world: &World, at: u64, after: Option<WalletId>) -> PaymentsPage {
    ask(world, LEDGER_PAYMENTS, &PaymentsRequest { at, after }).await
}

fn total(account: &str, balances: &str, turnover: &str) -> AccountTotals {
    AccountTotals {
        account: account.to_owned(),
        currency: "EUR".parse().expect("a currency"),
        balances: balances.to_owned(),
        postings: balances.to_owned(),
        turnover: turnover.to_owned(),
    }
}

fn sorted(mut books: TieOut) -> Vec<AccountTotals> {
    books.accounts.sort_by(|a, b| a.account.cmp(&b.account));
    books.accounts
}

async fn pay(world: &World, from: &str, to: &str, amount: &str) -> Value {
    let body = json!({"wallet": from, "merchant": to, "amount": amount, "currency": "EUR",
                      "order_reference": format!("order of {amount}")});
    world
        .write(&world.staff(), "/v1/payments", &body)
        .await
        .ok(201)
}

#[tokio::test(flavor = "multi_thread")]
async fn sums_are_as_of_a_position_however_far_the_books_have_gone_on() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let shop = world.wallet("shop", "merchant").await;
    let idle = world.wallet("idle", "merchant").await;
    let seq = pay(&world, &ann, &shop, "10.00").await["seq"]
        .as_u64()
        .expect("a position");
    // A merchant is given money too, which is no payment.
    let gift = json!({"amount": "1.00", "currency": "EUR", "to_wallet": shop});
    let path = format!("/v1/wallets/{ann}/transfer");
    world.write(&world.staff(), &path, &gift).await.ok(201);
    let last = pay(&world, &ann, &shop, "5.00").await["seq"]
        .as_u64()
        .expect("a position");

    let funding = total("funding", "-100.00", "100.00");
    let then = books(&world, seq).await;
    assert_eq!((then.uneven, then.shown.len()), (0, 0));
    assert_eq!(
        sorted(then),
        [funding.clone(), total("main", "100.00", "120.00")]
    );
    let now = books(&world, last).await;
    assert_eq!(sorted(now), [funding, total("main", "100.00", "132.00")]);
    let before = sorted(books(&world, 0).await);
    assert_eq!(
        before,
        [
            total("funding", "0.00", "0.00"),
            total("main", "0.00", "0.00")
        ]
    );

    let shop: WalletId = shop.parse().expect("an id");
    let paid = |amount: &str| MerchantTotal {
        merchant: shop,
        currency: "EUR".parse().expect("a currency"),
        amount: amount.to_owned(),
    };
    assert_eq!(payments(&world, seq, None).await.totals, [paid("10.00")]);
    let all = payments(&world, last, None).await;
    assert_eq!((all.totals, all.next), (vec![paid("15.00")], None));
    let idle: WalletId = idle.parse().expect("an id");
    let after = payments(&world, last, Some(shop.max(idle))).await;
    assert_eq!(after.totals, []);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_is_not_its_postings_is_named() {
    let world = World::start().await;
    let ann = world.wallet_with("ann", "100.00", "EUR").await;
    let plant = "UPDATE ledger.balances SET posted = posted + 0.001 WHERE account = 'main'";
    sqlx::raw_sql(plant)
        .execute(&world.owner)
        .await
        .expect("the owner may");
    let found = books(&world, 2).await;
    assert_eq!(found.uneven, 1);
    let uneven = &found.shown[0];
    assert_eq!(
        (
            uneven.wallet.to_string(),
            uneven.posted.as_str(),
            uneven.postings.as_str()
        ),
        (ann, "100.001", "100.00")
    );
    let main = sorted(found).pop().expect("an account");
    assert_eq!(
        (main.balances.as_str(), main.postings.as_str()),
        ("100.001", "100.00")
    );
    let back = "UPDATE ledger.balances SET posted = posted - 0.001 WHERE account = 'main'";
    sqlx::raw_sql(back)
        .execute(&world.owner)
        .await
        .expect("the owner may");
    world.close().await;
}
