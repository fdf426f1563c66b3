//! A message server that loses what it was given: the ledger does not notice, and the worker
//! misses nothing.

use async_nats::jetstream::{self, stream::Stream};
use contracts::topology::Topology;
use local_servers::Signal;
use std::time::Duration;
use testkit::eventually;

use crate::fleet::{Fleet, Load, LoadWallets, WORKER};

/// The worker takes at most this long to be paused or to be waited for by the stream.
const SOON: Duration = Duration::from_secs(20);

/// Predecessors lost every event of an outage (M7), or marked it as published (M14).
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_wiped_purged_or_holed_stream_costs_no_write_and_no_effect() {
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("load");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "nats");
    load.goes_on(100).await;

    fleet.take_nats_down().await;
    load.goes_on(200).await;
    fleet.bring_nats_back().await;
    fleet.settle().await;

    fleet.take_nats_down().await;
    fleet.wipe_nats();
    load.goes_on(200).await;
    fleet.bring_nats_back().await;
    fleet.settle().await;

    let stream = ledger_stream(&fleet).await;
    unseen_by_the_worker(&fleet, &load, async || {
        stream.purge().await.expect("the stream can be purged");
    })
    .await;
    unseen_by_the_worker(&fleet, &load, async || {
        let last = stream
            .get_info()
            .await
            .expect("the stream is there")
            .state
            .last_sequence;
        // Not the last one, which the relay would find missing and publish again.
        assert!(
            stream
                .delete_message(last - 5)
                .await
                .expect("it can be deleted")
        );
    })
    .await;

    assert_eq!(load.unanswered(), 0, "the ledger does without NATS");
    load.end().await;
    fleet.close().await;
    assert_eq!(
        fleet
            .scalar("SELECT count(*) FROM analytics.dead_letters")
            .await,
        0
    );
}

/// Does harm to messages that the worker has not had yet, and waits until it has mended it.
async fn unseen_by_the_worker(fleet: &Fleet, load: &Load, harm: impl AsyncFnOnce()) {
    fleet.signal_service(WORKER, Signal::Stop);
    let seen: i64 = fleet
        .scalar("SELECT upper(done)::bigint FROM analytics.inbox")
        .await;
    load.goes_on(100).await;
    eventually(
        "the relay has published beyond what the worker has",
        SOON,
        async || {
            // What was delivered before the pause cannot be taken back, so leave that behind too.
            let published = fleet.scalar("SELECT max(cursor) FROM ledger.relay").await;
            published > seen + 50
        },
    )
    .await;
    harm().await;
    fleet.signal_service(WORKER, Signal::Cont);
    fleet.settle().await;
    fleet.recount().await;
}

async fn ledger_stream(fleet: &Fleet) -> Stream {
    let context = jetstream::new(fleet.nats().await);
    let name = Topology::default().ledger_stream().name;
    context.get_stream(name).await.expect("the stream is there")
}
