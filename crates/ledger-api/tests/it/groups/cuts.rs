//! Linked commands when their sessions die.

use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::{join, join_all};
use testkit::{CutPoint, TcpProxy, servers};

use super::{group, replayed, statuses};
use crate::books::{Books, PASSWORD, engine_through, transfer};

/// The session dies at every statement of the write path, and around COMMIT.
#[tokio::test(flavor = "multi_thread")]
async fn a_group_is_whole_wherever_its_session_is_cut() {
    let books = Books::open().await;
    let (ann, bob) = (
        books.wallet_with("ann", "100.00").await,
        books.wallet("bob").await,
    );
    let upstream = ([127, 0, 0, 1], servers().postgres.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    let url = proxy.through(&books.database.url_as("florin_ledger", PASSWORD));
    let engine = engine_through(&url, &books.process).await;
    let mut done = 0;
    for statement in [
        "INSERT INTO ledger.idempotency_keys",
        "FROM ledger.balances own",
        "INSERT INTO ledger.balances",
        "FROM ledger.head",
        "INSERT INTO ledger.events",
        "COMMIT",
    ] {
        for point in [CutPoint::BeforeRequest, CutPoint::BeforeReply] {
            // A new session sends every statement's text again.
            proxy.cut();
            proxy.cut_after_client_bytes_matching(statement.as_bytes(), point);
            let steps = [transfer(ann, bob, "2.00"), transfer(bob, ann, "1.00")];
            let prefix = format!("{statement} {point:?}").replace(' ', "-");
            let outcomes = engine.submit_linked(group(&prefix, steps)).await;
            let outcomes = outcomes.expect("the lane found out");
            assert_eq!(statuses(&outcomes), [201, 201], "{prefix}");
            assert_eq!(replayed(&outcomes), 0, "{prefix}");
            assert!(!proxy.trap_is_set(), "{prefix}: the connection was cut");
            done += 1;
            assert_eq!(books.balance(bob).await, format!("{done}.00"), "{prefix}");
        }
    }
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_amid_dying_sessions_are_whole() {
    let books = Books::open().await;
    let (ann, bob) = (
        books.wallet_with("ann", "1000.00").await,
        books.wallet("bob").await,
    );
    let finished = AtomicBool::new(false);
    let storm = async {
        // One death per commit that is seen: it never outruns the work.
        let mut seen = 0;
        while !finished.load(Ordering::Relaxed) {
            let events = books.count("events").await;
            if events > seen {
                seen = events;
                sqlx::query(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE application_name = 'florin-lane' AND datname = current_database()",
                )
                .execute(&books.owner)
                .await
                .expect("terminated");
            }
            tokio::task::yield_now().await;
        }
    };
    let load = async {
        for round in 0..10 {
            let groups = (0..10).map(async |n| {
                let ask = || {
                    let steps = [transfer(ann, bob, "3.00"), transfer(bob, ann, "1.00")];
                    let prefix = format!("{round}/{n}");
                    books.engine.submit_linked(group(&prefix, steps))
                };
                let mut outcomes = ask().await;
                while !outcomes
                    .as_ref()
                    .is_ok_and(|all| all.iter().all(Result::is_ok))
                {
                    outcomes = ask().await;
                }
                assert_eq!(statuses(&outcomes.expect("answered")), [201, 201]);
            });
            join_all(groups).await;
        }
        finished.store(true, Ordering::Relaxed);
    };
    join(storm, load).await;
    assert_eq!(books.balance(bob).await, "200.00");
    books.close().await;
}
