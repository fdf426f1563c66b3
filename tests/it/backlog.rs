//! What a worker needs for a backlog: it must not grow with it.

use std::time::Duration;

use local_servers::Signal;
use testkit::eventually;

use crate::fleet::{FRAUD_WORKER, Fleet, WORKER};

/// Events of the backlog; `FLORIN_BACKLOG` makes it another, for measurements.
const EVENTS: i64 = 20_000;
/// For a whole backlog in a debug build, beside other tests.
const PATIENCE: Duration = Duration::from_mins(15);
/// What a worker may grow by: its window of 500 events a few times over, as messages, rows and
/// freed memory that the allocator keeps. Measured are 5 to 6 MiB, for 40,000 events and for a
/// million alike.
const GROWTH_MAX: u64 = 24 << 20;

/// Appends copies of the last event, each with an id and a place of its own, as the ledger would.
const FILL: &str = include_str!("backlog/fill.sql");

/// What is waiting is in the stream and in the log, and never in a worker: one that was away for
/// long comes back to a backlog, and one that needed memory for it would never catch up.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_comes_back_to_a_backlog_does_not_grow_with_it() {
    let events = std::env::var_os("FLORIN_BACKLOG").map_or(EVENTS, |text| {
        let number = text.to_str().and_then(|text| text.parse().ok());
        number.expect("FLORIN_BACKLOG is a number")
    });
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("backlog");
    let wallet = client.open_with("ann", "5.00").await;
    // Warm: everything that is loaded once is loaded.
    for n in 0..20 {
        client
            .deposit(&format!("warm-{n}"), &wallet, "1.00")
            .await
            .created();
    }
    fleet.settle().await;
    let mut before = Vec::new();
    for worker in [WORKER, FRAUD_WORKER] {
        before.push((worker, memory(&fleet, worker).await));
        fleet.signal_service(worker, Signal::Stop);
    }
    sqlx::query(FILL)
        .bind(events)
        .execute(&fleet.owner)
        .await
        .expect("fills the log");
    published(&fleet).await;
    for (worker, _) in &before {
        fleet.signal_service(worker, Signal::Cont);
    }
    let head = fleet.head().await;
    for (worker, before) in before {
        let mut most = 0;
        eventually(&format!("{worker} has caught up"), PATIENCE, async || {
            most = most.max(memory(&fleet, worker).await);
            let settled = settled(&fleet, worker).await;
            if settled == head {
                Ok(())
            } else {
                Err(settled)
            }
        })
        .await;
        let growth = most.saturating_sub(before);
        println!(
            "{worker}: {} KiB before, {} KiB at most",
            before >> 10,
            most >> 10
        );
        assert!(
            growth <= GROWTH_MAX,
            "{worker} grew by {growth} bytes over {events} events"
        );
    }
}

/// Waits until the relay has published the whole log.
async fn published(fleet: &Fleet) {
    eventually("the log is published", PATIENCE, async || {
        let behind: i64 =
            sqlx::query_scalar("SELECT head.seq - cursor FROM ledger.head, ledger.relay")
                .fetch_one(&fleet.owner)
                .await
                .map_err(|error| error.to_string())?;
        if behind == 0 {
            Ok(())
        } else {
            Err(behind.to_string())
        }
    })
    .await;
}

/// Up to where everything is settled.
async fn settled(fleet: &Fleet, worker: &str) -> i64 {
    let sql = if worker == WORKER {
        "SELECT (upper(done) - 1)::bigint FROM analytics.inbox"
    } else {
        "SELECT (upper(done) - 1)::bigint FROM fraud.inbox"
    };
    sqlx::query_scalar(sql)
        .fetch_one(&fleet.owner)
        .await
        .expect("an inbox")
}

async fn memory(fleet: &Fleet, worker: &str) -> u64 {
    let metrics = fleet.metrics(worker).await;
    let mut lines = metrics.lines();
    let found = lines.find_map(|line| line.strip_prefix("process_resident_memory_bytes "));
    found
        .and_then(|value| value.parse().ok())
        .expect("the memory is shown")
}
