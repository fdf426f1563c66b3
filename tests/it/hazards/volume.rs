//! Many operations, on the same few wallets.

use futures_util::{StreamExt as _, future::join, stream};

use crate::fleet::{Client, Fleet, OTHER_API};

/// Requests in flight at the same time.
const CONCURRENCY: usize = 64;

impl Fleet {
    /// Where the second ledger process listens.
    pub(super) fn other_api(&self) -> String {
        self.endpoints()
            .service(OTHER_API)
            .http
            .clone()
            .expect("it has an API")
    }
}

/// M15, M17: a predecessor's wallet could be changed once, another's failed from the fiftieth
/// operation on, after it had applied it.
#[tokio::test(flavor = "multi_thread")]
async fn m17_ten_thousand_operations_on_one_wallet_all_succeed() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("m17");
    let wallet = client.open_with("m17", "10000.00").await;
    let failed: Vec<_> = stream::iter(0..10_000)
        .map(async |n| {
            let key = format!("op-{n}");
            if n % 2 == 0 {
                client.withdraw(&key, &wallet, "1.00").await
            } else {
                client.deposit(&key, &wallet, "1.00").await
            }
        })
        .buffer_unordered(CONCURRENCY)
        .filter_map(async |answer| {
            (answer.status != 201 || answer.unanswered > 0).then_some(answer)
        })
        .collect()
        .await;
    assert!(
        failed.is_empty(),
        "{} operations failed: {:?}",
        failed.len(),
        failed[0]
    );
    assert_eq!(client.balance(&wallet).await, "10000.00");
    let version: i64 = fleet
        .count("SELECT version FROM ledger.balances WHERE 'wal_' || replace(wallet_id::text, '-', '') = $1", &wallet)
        .await;
    assert_eq!(version, 10_001);
    fleet.leave().await;
}

/// WAL-07: a predecessor served balances from a cache that nobody invalidated.
#[tokio::test(flavor = "multi_thread")]
async fn wal_07_a_balance_read_after_an_answer_contains_it_whoever_is_asked() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("wal-07");
    let other = client.at(&fleet.other_api());
    let wallet = client.open("wal-07", "customer").await;
    for n in 1..=1_000 {
        client
            .deposit(&format!("d-{n}"), &wallet, "1.00")
            .await
            .created();
        let reader = if n % 2 == 0 { &client } else { &other };
        assert_eq!(reader.balance(&wallet).await, format!("{n}.00"));
    }
    fleet.leave().await;
}

/// WAL-18: transfers that cross each other lock the same two rows in opposite order, unless
/// there is only one order.
#[tokio::test(flavor = "multi_thread")]
async fn wal_18_crossed_transfers_of_two_processes_surface_no_deadlock() {
    let fleet = Fleet::shared().await;
    let client = fleet.service("wal-18");
    let other = client.at(&fleet.other_api());
    let (ann, bob) = (
        client.open_with("wal-18-ann", "100.00").await,
        client.open_with("wal-18-bob", "100.00").await,
    );
    join(
        cross(&client, "there", &ann, &bob),
        cross(&other, "back", &bob, &ann),
    )
    .await;
    assert_eq!(
        (client.balance(&ann).await, client.balance(&bob).await),
        ("100.00".into(), "100.00".into())
    );
    fleet.leave().await;
}

async fn cross(client: &Client, name: &str, from: &str, to: &str) {
    let mut answers = stream::iter(0..1_000)
        .map(async |n| {
            client
                .transfer(&format!("{name}-{n}"), from, to, "0.05")
                .await
        })
        .buffer_unordered(CONCURRENCY / 2);
    while let Some(answer) = answers.next().await {
        assert_eq!((answer.status, answer.unanswered), (201, 0), "{answer:?}");
    }
}
