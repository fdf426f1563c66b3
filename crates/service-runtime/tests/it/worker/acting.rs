//! Dead letters are replayed once and discarded, as operators ask over NATS.

mod desk;
mod reading;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use contracts::{
    DeadLetterId,
    rpc::dead_letters::{ActOnDeadLetter, DeadLetterOutcome, DeadLetterState},
};
use futures_util::future::join_all;

use crate::worker_world::{Deed, World};
use desk::{Desk, order};

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
