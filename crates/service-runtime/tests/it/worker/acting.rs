//! Dead letters are listed, shown, replayed once and discarded, as an operator asks over NATS.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use contracts::{
    DeadLetterId, WalletId,
    limits::DEAD_LETTER_BYTES_SHOWN_MAX,
    rpc::dead_letters::{
        ActOnDeadLetter, ActedOnDeadLetter, DeadLetter, DeadLetterFilter, DeadLetterOutcome,
        DeadLetterRequest, DeadLetterState, DeadLettersPage, DeadLettersRequest,
    },
    subjects::rpc::{self as subjects, of},
    topology,
};
use futures_util::future::join_all;
use serde::{Serialize, de::DeserializeOwned};
use service_runtime::{Clock, Process, dead_letters, rpc};
use testkit::eventually;

use crate::worker_world::{Counting, Deed, PATIENCE, World, pool};

/// A world whose worker has stopped and whose operators are answered, by two processes.
struct Desk {
    world: World,
    process: Process,
}

impl Desk {
    /// `count` events in the log, of which these are parked.
    async fn with_parked(count: u64, parked: impl IntoIterator<Item = u64>) -> Self {
        let world = World::start().await;
        for seq in parked {
            world.deeds.set(seq, Deed::Park);
        }
        world.append(count).await;
        let worker = world.worker().await;
        world.wait_until_settled().await;
        worker.stop().await;
        world.deeds.clear();
        Self::of(world).await
    }

    async fn of(world: World) -> Self {
        let process = Process::new("desk", Clock::system());
        for name in ["one", "two"] {
            let handler = Counting {
                name: name.to_owned(),
                deeds: world.deeds.clone(),
            };
            let pool = pool(&world.database_url).await;
            let (client, topology) = (&world.client, &world.topology);
            dead_letters::serve(&process, client, topology, &pool, handler);
        }
        let desk = Self { world, process };
        for subject in [
            subjects::DEAD_LETTER,
            subjects::REPLAY_DEAD_LETTER,
            subjects::DISCARD_DEAD_LETTER,
        ] {
            eventually("it answers", PATIENCE, async || {
                let nobody = order(DeadLetterId::from_uuid(uuid::Uuid::nil()), "nobody");
                let asked: Result<serde_json::Value, _> = desk.try_ask(subject, &nobody).await;
                asked.map_err(|error| error.to_string())
            })
            .await;
        }
        desk
    }

    async fn try_ask<Q: Serialize, A: DeserializeOwned>(
        &self,
        subject: &str,
        request: &Q,
    ) -> Result<A, rpc::CallError> {
        let subject = of(subject, topology::Worker::Analytics);
        let subject = self.world.topology.subject(&subject);
        rpc::call(&self.world.client, subject, request, PATIENCE).await
    }

    async fn ask<Q: Serialize, A: DeserializeOwned>(&self, subject: &str, request: &Q) -> A {
        let answer = self.try_ask(subject, request).await;
        answer.unwrap_or_else(|error| panic!("{subject}: {error:?}"))
    }

    async fn list(&self, filter: DeadLetterFilter) -> DeadLettersPage {
        let (after, limit) = (None, 200);
        let request = DeadLettersRequest {
            filter,
            after,
            limit,
        };
        self.ask(subjects::DEAD_LETTERS, &request).await
    }

    /// Every dead letter, oldest first.
    async fn ids(&self) -> Vec<DeadLetterId> {
        let page = self.list(DeadLetterFilter::default()).await;
        page.items.iter().map(|letter| letter.id).collect()
    }

    async fn show(&self, id: DeadLetterId) -> DeadLetter {
        let found: Option<DeadLetter> = self
            .ask(subjects::DEAD_LETTER, &DeadLetterRequest { id })
            .await;
        found.expect("it is there")
    }

    async fn replay(&self, order: ActOnDeadLetter) -> ActedOnDeadLetter {
        self.ask(subjects::REPLAY_DEAD_LETTER, &order).await
    }

    async fn discard(&self, order: ActOnDeadLetter) -> ActedOnDeadLetter {
        self.ask(subjects::DISCARD_DEAD_LETTER, &order).await
    }

    /// Everything that an order could write.
    async fn rows(&self) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT d::text FROM dead_letters d UNION ALL
             SELECT h::text FROM dead_letter_history h UNION ALL
             SELECT a::text FROM dead_letter_answers a UNION ALL
             SELECT e::text FROM effects e UNION ALL
             SELECT i::text FROM inbox i ORDER BY 1",
        )
        .fetch_all(&self.world.pool)
        .await
        .expect("reads")
    }

    async fn close(self) {
        self.process.shutdown();
        let ended = self.process.wait(Duration::from_secs(10)).await;
        ended.expect("no task crashed");
    }
}

/// An order of `by`, under a key of that person for this dead letter.
fn order(id: DeadLetterId, by: &str) -> ActOnDeadLetter {
    ActOnDeadLetter {
        id,
        caller: by.to_owned(),
        role: "operator".to_owned(),
        key: format!("{by}-{id}"),
        fingerprint: format!("replay {id}"),
        reason: format!("{by} has mended it"),
        dry_run: false,
    }
}

/// Two operators each send every order twice, all at once, to two processes.
#[tokio::test(flavor = "multi_thread")]
async fn operators_at_once_over_two_processes_have_each_effect_once() {
    const COUNT: u64 = 60;
    let desk = Desk::with_parked(COUNT, (1..=COUNT).filter(|seq| seq % 2 == 0)).await;
    let ids = desk.ids().await;
    assert_eq!(ids.len(), 30);
    let desk_ref = &desk;
    let orders = ids
        .iter()
        .flat_map(|id| ["ann", "bob", "ann", "bob"].map(|by| desk_ref.replay(order(*id, by))));
    let outcomes = join_all(orders).await;
    desk.world.assert_effects_except(&[]).await;
    for (id, four) in ids.iter().zip(outcomes.chunks(4)) {
        let done: Vec<_> = four
            .iter()
            .filter(|acted| acted.outcome == DeadLetterOutcome::Replayed)
            .collect();
        // The winner's second order is told what the first one was told.
        let repeated = done.iter().filter(|acted| acted.repeated).count();
        assert_eq!((done.len(), repeated), (2, 1), "{id}: {four:?}");
        let winner = desk.show(*id).await.history;
        assert_eq!(winner.len(), 1, "{winner:?}");
        for told in four {
            if let DeadLetterOutcome::Already { state, by, .. } = &told.outcome {
                assert_eq!((state, by), (&DeadLetterState::Replayed, &winner[0].by));
            }
        }
    }
    desk.close().await;
}

#[tokio::test]
async fn a_replay_that_fails_again_stays_parked_and_keeps_its_history() {
    let desk = Desk::with_parked(3, [2]).await;
    let id = desk.ids().await[0];
    for (n, deed) in [Deed::Park, Deed::Panic, Deed::Retry, Deed::BreakConstraint]
        .into_iter()
        .enumerate()
    {
        desk.world.deeds.set(2, deed);
        let mut attempt = order(id, "ann");
        attempt.key = format!("attempt-{n}");
        let failed = desk.replay(attempt.clone()).await;
        assert!(
            matches!(failed.outcome, DeadLetterOutcome::FailedAgain { .. }) && !failed.repeated,
            "{failed:?}"
        );
        // Its cause is gone, and the key still stands for what was told.
        desk.world.deeds.clear();
        let again = desk.replay(attempt).await;
        assert_eq!((again.outcome, again.repeated), (failed.outcome, true));
    }
    assert_eq!(desk.world.effects().await, [1, 3]);
    let shown = desk.show(id).await;
    assert_eq!(shown.summary.state, DeadLetterState::Parked);
    assert_eq!(shown.summary.replays_failed, 4);

    let done = desk.replay(order(id, "bob")).await;
    assert_eq!(done.outcome, DeadLetterOutcome::Replayed);
    desk.world.assert_effects_except(&[]).await;
    let history = desk.show(id).await.history;
    let told: Vec<_> = history
        .iter()
        .map(|action| {
            let error = action.error.as_deref().unwrap_or_default();
            (action.action.as_str(), action.by.as_str(), error)
        })
        .collect();
    let refused = history[3].error.as_deref().unwrap_or_default();
    assert_eq!(refused.matches("it_refuses").count(), 1, "{refused}");
    assert_eq!(
        told,
        [
            ("replay failed", "ann", "never"),
            (
                "replay failed",
                "ann",
                "the handler panicked: event 2 is too much"
            ),
            ("replay failed", "ann", "not now, \u{fffd} is no text"),
            ("replay failed", "ann", refused),
            ("replayed", "bob", ""),
        ]
    );
    assert!(history.iter().all(|action| action.role == "operator"
        && action.reason == format!("{} has mended it", action.by)));
    desk.close().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_come_and_changes_nothing() {
    let desk = Desk::with_parked(3, [1, 2]).await;
    let ids = desk.ids().await;
    let dry = |id| ActOnDeadLetter {
        dry_run: true,
        ..order(id, "ann")
    };
    desk.world.deeds.set(2, Deed::Panic);
    let before = desk.rows().await;
    let would = desk.replay(dry(ids[0])).await;
    assert_eq!(would.outcome, DeadLetterOutcome::WouldReplay);
    let would = desk.replay(dry(ids[1])).await;
    assert!(
        matches!(&would.outcome, DeadLetterOutcome::WouldFail { reason, .. } if reason == "panic"),
        "{would:?}"
    );
    let would = desk.discard(dry(ids[1])).await;
    assert_eq!(would.outcome, DeadLetterOutcome::WouldDiscard);
    assert_eq!(desk.rows().await, before);

    // The key of a dry run is free.
    desk.world.deeds.clear();
    for id in ids {
        let done = desk.replay(order(id, "ann")).await;
        assert_eq!(done.outcome, DeadLetterOutcome::Replayed);
        let late = desk.replay(dry(id)).await;
        assert!(
            matches!(&late.outcome, DeadLetterOutcome::Already { by, .. } if by == "ann"),
            "{late:?}"
        );
    }
    desk.world.assert_effects_except(&[]).await;
    desk.close().await;
}

#[tokio::test]
async fn what_was_discarded_is_not_replayed_and_a_foreign_message_never_is() {
    let world = World::start().await;
    world.deeds.set(1, Deed::Park);
    world.append(1).await;
    let nothing = async_nats::HeaderMap::new();
    world
        .send("ledger.v1.deposit.posted.00", nothing, "forged")
        .await;
    let worker = world.worker().await;
    world.wait_for_letters(2).await;
    worker.stop().await;
    world.deeds.clear();
    let desk = Desk::of(world).await;
    for id in desk.ids().await {
        let shown = desk.show(id).await;
        if shown.summary.seq.is_none() {
            let refused = desk.replay(order(id, "ann")).await;
            assert_eq!(refused.outcome, DeadLetterOutcome::Foreign);
            assert_eq!(shown.data, BASE64_STANDARD.encode("forged"));
        }
        let discarded = desk.discard(order(id, "bob")).await;
        assert_eq!(discarded.outcome, DeadLetterOutcome::Discarded);
        for late in [
            desk.replay(order(id, "ann")).await,
            desk.discard(order(id, "ann")).await,
        ] {
            assert!(
                matches!(
                    &late.outcome,
                    DeadLetterOutcome::Already { state: DeadLetterState::Discarded, by, .. }
                        if by == "bob"
                ),
                "{late:?}"
            );
        }
    }
    assert_eq!(desk.world.effects().await, [0_u64; 0]);
    desk.close().await;
}

#[tokio::test]
async fn a_key_stands_for_one_order_only() {
    let desk = Desk::with_parked(2, [1, 2]).await;
    let ids = desk.ids().await;
    let first = order(ids[0], "ann");
    assert_eq!(
        desk.discard(first.clone()).await.outcome,
        DeadLetterOutcome::Discarded
    );
    let other = ActOnDeadLetter {
        id: ids[1],
        fingerprint: "another".to_owned(),
        ..first.clone()
    };
    let refused = desk.replay(other.clone()).await;
    assert_eq!(refused.outcome, DeadLetterOutcome::KeyReused);
    assert_eq!(desk.world.effects().await, [0_u64; 0]);
    // Keys belong to their callers.
    let bob = ActOnDeadLetter {
        caller: "bob".to_owned(),
        ..other
    };
    assert_eq!(desk.replay(bob).await.outcome, DeadLetterOutcome::Replayed);
    let nobody = order(DeadLetterId::from_uuid(uuid::Uuid::nil()), "ann");
    assert_eq!(
        desk.replay(nobody).await.outcome,
        DeadLetterOutcome::NotFound
    );
    desk.close().await;
}

#[tokio::test]
async fn lists_are_filtered_and_their_money_is_that_of_the_whole_filter() {
    let desk = Desk::with_parked(6, [1, 2, 3, 4]).await;
    // An event that this version cannot read, and one that nobody wrote.
    let world = &desk.world;
    let strange = r#"{"id":"evt_0190c9a28c047d1f8a6b3c4d5e6f7090","type":"florin.ledger.dance.posted.v1","seq":7}"#;
    let id = "evt_0190c9a28c047d1f8a6b3c4d5e6f7090"
        .parse()
        .expect("an id");
    let subject = "ledger.v1.dance.posted.00";
    world.write_data(id, subject, Clock::system().now(), strange.to_owned());
    world.publish([7]).await;
    let forged = "x".repeat(DEAD_LETTER_BYTES_SHOWN_MAX + 1);
    let nothing = async_nats::HeaderMap::new();
    world.send(subject, nothing, &forged).await;
    let worker = world.worker().await;
    world.wait_for_letters(6).await;
    worker.stop().await;

    let all = desk.list(DeadLetterFilter::default()).await;
    let euros = |page: &DeadLettersPage| serde_json::to_string(&page.at_stake).expect("JSON");
    assert_eq!((all.total, all.at_stake_unknown), (6, 1));
    assert_eq!(euros(&all), r#"{"EUR":"4.00"}"#);
    assert!(all.items.is_sorted_by_key(|letter| letter.id));
    let middle = &all.items[2];
    let wallet: WalletId = middle.wallets[0];
    let next = all.items[3].last_at;
    for (filter, ids) in [
        (
            by(|f| f.reason = Some("hopeless".to_owned())),
            vec![0, 1, 2, 3],
        ),
        (by(|f| f.reason = Some("unknown_type".to_owned())), vec![4]),
        (
            by(|f| f.noun_verb = Some("deposit.posted".to_owned())),
            vec![0, 1, 2, 3],
        ),
        (
            by(|f| f.noun_verb = Some("unknown.unknown".to_owned())),
            vec![4, 5],
        ),
        (by(|f| f.wallet = Some(wallet)), vec![2]),
        (by(|f| f.state = Some(DeadLetterState::Replayed)), vec![]),
        (by(|f| f.before = Some(next)), vec![0, 1, 2]),
        (by(|f| f.since = Some(next)), vec![3, 4, 5]),
        (by(|f| f.before = Some(next - TimeDelta::days(1))), vec![]),
    ] {
        let page = desk.list(filter.clone()).await;
        let wanted: Vec<_> = ids.iter().map(|n: &usize| all.items[*n].id).collect();
        let found: Vec<_> = page.items.iter().map(|letter| letter.id).collect();
        assert_eq!(found, wanted, "{filter:?}");
        assert_eq!(page.total as usize, ids.len(), "{filter:?}");
    }

    // What is settled is not at stake; a page's money is that of all pages.
    desk.discard(order(all.items[0].id, "ann")).await;
    let request = DeadLettersRequest {
        filter: DeadLetterFilter::default(),
        after: Some(all.items[1].id),
        limit: 1,
    };
    let page: DeadLettersPage = desk.ask(subjects::DEAD_LETTERS, &request).await;
    assert_eq!(page.items[0].id, middle.id);
    assert_eq!(
        (page.items.len(), page.total, euros(&page)),
        (1, 6, r#"{"EUR":"3.00"}"#.to_owned())
    );
    let foreign = desk.show(all.items[5].id).await;
    assert_eq!(foreign.data_bytes as usize, forged.len());
    let shown = BASE64_STANDARD.decode(foreign.data).expect("base64");
    assert_eq!(shown.len(), DEAD_LETTER_BYTES_SHOWN_MAX);
    desk.close().await;
}

fn by(set: impl FnOnce(&mut DeadLetterFilter)) -> DeadLetterFilter {
    let mut filter = DeadLetterFilter::default();
    set(&mut filter);
    filter
}

/// Dead letters of a version that did not note what they are about.
#[tokio::test]
async fn what_an_earlier_version_parked_is_looked_at_again() {
    let desk = Desk::with_parked(2, [1, 2]).await;
    sqlx::query("UPDATE dead_letters SET stake = NULL, wallets = '{}'")
        .execute(&desk.world.pool)
        .await
        .expect("forgets");
    let page = desk.list(DeadLetterFilter::default()).await;
    assert_eq!((page.at_stake_unknown, page.at_stake.is_empty()), (2, true));
    let Desk { world, process } = desk;
    process.shutdown();
    let desk = Desk::of(world).await;
    eventually("the stakes are known", PATIENCE, async || {
        let page = desk.list(DeadLetterFilter::default()).await;
        let known = page.at_stake_unknown == 0 && page.items[0].wallets.len() == 1;
        if known { Ok(()) } else { Err(page) }
    })
    .await;
    desk.close().await;
}

/// The audit trail outlives whoever wants to change it.
#[tokio::test]
async fn what_was_done_to_a_dead_letter_cannot_be_changed_or_removed() {
    let desk = Desk::with_parked(1, [1]).await;
    let id = desk.ids().await[0];
    desk.discard(order(id, "ann")).await;
    for sql in [
        "UPDATE dead_letter_history SET by = 'bob'",
        "DELETE FROM dead_letter_history",
        "TRUNCATE dead_letter_history",
        "UPDATE dead_letter_answers SET caller = 'bob'",
        "DELETE FROM dead_letter_answers",
        "TRUNCATE dead_letter_answers",
    ] {
        let error = sqlx::raw_sql(sql).execute(&desk.world.pool).await.err();
        let error = error.unwrap_or_else(|| panic!("{sql} was allowed"));
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    desk.close().await;
}
