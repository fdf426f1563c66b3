//! Settlement workers that die while they settle.

use serde_json::json;

use super::{BATCHES, Market};
use crate::fleet::{Fleet, SETTLEMENT_WORKER};

/// Kills of each of two workers.
const KILLS: usize = 5;
/// Payments between two kills.
const PAYMENTS: usize = 20;

/// Two workers, cuts by several callers at once, and a death at any moment: every payment is in
/// exactly one batch.
#[tokio::test(flavor = "multi_thread")]
async fn workers_that_die_amid_cuts_settle_every_payment_once() {
    let fleet = Fleet::start(&["--settlement-worker", "2"]).await;
    let market = Market::open(&fleet).await;
    let other = format!("{SETTLEMENT_WORKER}-2");
    for round in 0..KILLS {
        for (number, service) in [SETTLEMENT_WORKER, other.as_str()].into_iter().enumerate() {
            let pay = async {
                for n in 0..PAYMENTS {
                    let merchant = if n % 2 == 0 {
                        &market.baker
                    } else {
                        &market.smith
                    };
                    market
                        .pay(merchant, "0.10", &format!("o-{round}-{number}-{n}"))
                        .await;
                }
            };
            let cuts = ["x", "y", "z"].map(async |caller| {
                let caller = fleet.service(caller);
                for n in 0..3 {
                    let key = format!("cut-{round}-{number}-{n}");
                    let answer = caller.order(&key, BATCHES, &json!({})).await;
                    assert!([201, 202].contains(&answer.status), "{answer:?}");
                }
            });
            let kill = fleet.kill_service(service);
            let [x, y, z] = cuts;
            tokio::join!(pay, x, y, z, kill);
        }
    }
    fleet.settle().await;
    let last = market.cut("last", json!({})).await;
    assert_eq!(last.status, 201, "{last:?}");
    let paid = i64::try_from(KILLS * 2 * PAYMENTS).expect("few");
    let settled = "SELECT count(*) FROM settlement.batch_items";
    assert_eq!(fleet.scalar(settled).await, paid);
    let gross = "SELECT (sum(gross) * 100)::bigint FROM settlement.batches";
    assert_eq!(fleet.scalar(gross).await, paid * 10);
    let waiting = "SELECT count(*) FROM settlement.cuts WHERE state = 'waiting'";
    assert_eq!(fleet.scalar(waiting).await, 0);
    let told = "SELECT count(*) FROM settlement.events";
    let batches = "SELECT count(*) FROM settlement.batches";
    assert_eq!(fleet.scalar(told).await, fleet.scalar(batches).await);
    fleet.close().await;
}
