//! Alerts, as the fraud worker answers about them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::{
    AlertId, EventId, TransactionId, WalletId,
    fraud::{Rule, Severity},
    rpc::{Alert, AlertRequest, AlertsRequest, Evidence, RpcError},
    subjects::rpc::{FRAUD_ALERT, FRAUD_ALERTS},
};
use ledger_api::auth::Role;
use serde_json::{Value, json};
use service_runtime::{nats, rpc};
use testkit::eventually;

use crate::world::World;

const WALLET: &str = "wal_0190aaaaaaaa7bbbbbbbcccccccccccc";

fn alert(n: u8) -> Alert {
    let at: DateTime<Utc> = DateTime::from_timestamp(1_700_000_000, 0).expect("in range");
    let event = EventId::mint(at, [n; 10]);
    Alert {
        id: AlertId::mint(at, [n; 10]),
        rule: Rule::LargeWithdrawal,
        severity: Severity::High,
        wallet: WALLET.parse().expect("an id"),
        event,
        seq: n.into(),
        transaction: TransactionId::mint(at, [n; 10]),
        effective_at: at,
        posted_at: at,
        evidence: Evidence {
            currency: "EUR".parse().expect("a currency"),
            amount: "12000".parse().expect("digits"),
            threshold: Some("10000".parse().expect("digits")),
            window_seconds: None,
            count: 1,
            events: vec![event],
        },
    }
}

/// Stands in for the worker: three alerts of one wallet, newest first.
async fn answer(world: &World) {
    let url = testkit::servers().nats.url();
    let client = nats::connect(&url, "stand-in", &world.process)
        .await
        .expect("a URL");
    let list = |asked: AlertsRequest| async move {
        let wallet: WalletId = WALLET.parse().expect("an id");
        let mut all: Vec<Alert> = [3, 2, 1].map(alert).into();
        all.retain(|alert| asked.after.is_none_or(|after| alert.id < after));
        all.retain(|_| asked.wallet.is_none_or(|asked| asked == wallet));
        all.truncate(asked.limit.into());
        Ok::<_, RpcError>(all)
    };
    let one = |asked: AlertRequest| async move {
        let mut all = [3, 2, 1].map(alert).into_iter();
        Ok::<_, RpcError>(all.find(|alert| alert.id == asked.alert))
    };
    let topology = world.topology();
    let subject = topology.subject(FRAUD_ALERTS);
    rpc::serve(&world.process, client.clone(), subject, "stand-in", list);
    let subject = topology.subject(FRAUD_ALERT);
    rpc::serve(&world.process, client, subject, "stand-in", one);
}

async fn wait_until_answered(world: &World, token: &str) {
    let path = format!("/v1/alerts/{}", alert(1).id);
    for path in ["/v1/alerts", &path] {
        eventually("the worker answers", Duration::from_secs(10), async || {
            let reply = world.get(token, path).await;
            if reply.status == 200 {
                Ok(())
            } else {
                Err(reply.text)
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_are_unavailable_alone_until_the_fraud_worker_answers() {
    let world = World::start().await;
    let analyst = world.token(Role::Analyst, "");
    let path = format!("/v1/alerts/{}", alert(2).id);
    for path in ["/v1/alerts", &path] {
        world
            .get(&analyst, path)
            .await
            .refused(503, "worker_unavailable", path);
    }
    world.get(&analyst, "/v1/wallets").await.ok(200);

    answer(&world).await;
    wait_until_answered(&world, &analyst).await;
    let shown = world.get(&analyst, &path).await.ok(200);
    assert_eq!(shown["id"], json!(alert(2).id));
    assert_eq!(
        (&shown["rule"], &shown["severity"], &shown["wallet"]),
        (&json!("large_withdrawal"), &json!("high"), &json!(WALLET))
    );
    assert_eq!(
        shown["evidence"],
        json!({
            "currency": "EUR", "amount": "12000.00", "threshold": "10000.00",
            "window_seconds": null, "count": 1, "events": [alert(2).event],
        })
    );
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alerts_come_page_by_page_and_by_wallet() {
    let world = World::start().await;
    let analyst = world.token(Role::Analyst, "");
    answer(&world).await;
    wait_until_answered(&world, &analyst).await;
    let seqs = |page: &Value| -> Vec<u64> {
        let items = page["items"].as_array().expect("items");
        items
            .iter()
            .map(|alert| alert["seq"].as_u64().expect("a position"))
            .collect()
    };
    let first = world.get(&analyst, "/v1/alerts?limit=2").await.ok(200);
    assert_eq!(seqs(&first), [3, 2]);
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let next = format!("/v1/alerts?limit=2&wallet={WALLET}&cursor={cursor}");
    let last = world.get(&analyst, &next).await.ok(200);
    assert_eq!(seqs(&last), [1]);
    assert_eq!(last["next_cursor"], Value::Null);
    let other = WALLET.replace("cccc", "dddd");
    let none = world
        .get(&analyst, &format!("/v1/alerts?wallet={other}"))
        .await;
    assert_eq!(seqs(&none.ok(200)), [] as [u64; 0]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_wallet_and_no_alert_is_told_before_anybody_is_asked() {
    let world = World::start().await;
    let analyst = world.token(Role::Analyst, "");
    for query in ["wallet=ann", "wallet=", "limit=0", "severity=high"] {
        world
            .get(&analyst, &format!("/v1/alerts?{query}"))
            .await
            .refused(400, "invalid_query", query);
    }
    world
        .get(&analyst, "/v1/alerts?cursor=nonsense")
        .await
        .refused(400, "invalid_cursor", "a cursor that is not ours");
    for id in [WALLET, "alt_1", "1"] {
        world
            .get(&analyst, &format!("/v1/alerts/{id}"))
            .await
            .refused(404, "not_found", id);
    }
    world.close().await;
}
