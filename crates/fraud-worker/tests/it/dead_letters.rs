//! An event that was given up is held against the rules when it is replayed, once.

use contracts::{
    Kind,
    rpc::dead_letters::{
        ActOnDeadLetter, ActedOnDeadLetter, DeadLetterFilter, DeadLetterOutcome, DeadLettersPage,
        DeadLettersRequest,
    },
    subjects::rpc::{DEAD_LETTERS, REPLAY_DEAD_LETTER, of},
    topology::Worker,
};
use testkit::eventually;

use crate::world::{PATIENCE, World, euros};

fn parked() -> DeadLettersRequest {
    DeadLettersRequest {
        filter: DeadLetterFilter::default(),
        after: None,
        limit: 10,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_event_raises_and_publishes_its_alert_once() {
    let world = World::start().await;
    sqlx::raw_sql("ALTER TABLE fraud.alerts ADD CONSTRAINT planted CHECK (rule IS NULL) NOT VALID")
        .execute(&world.pool)
        .await
        .expect("planted");
    world.write(&[euros(Kind::Withdrawal, "12000.00", 0)]);
    world.publish([1]).await;
    let lists = of(DEAD_LETTERS, Worker::Fraud);
    let page = eventually("it is given up", PATIENCE, async || {
        let page: DeadLettersPage = world.ask(&lists, &parked()).await;
        if page.total == 1 { Ok(page) } else { Err(page) }
    })
    .await;
    assert_eq!(page.items[0].reason, "constraint");
    sqlx::raw_sql("ALTER TABLE fraud.alerts DROP CONSTRAINT planted")
        .execute(&world.pool)
        .await
        .expect("mended");

    let order = |by: &str, dry_run| ActOnDeadLetter {
        id: page.items[0].id,
        caller: by.to_owned(),
        role: "operator".to_owned(),
        key: "key".to_owned(),
        fingerprint: String::new(),
        reason: "mended".to_owned(),
        dry_run,
    };
    let replays = of(REPLAY_DEAD_LETTER, Worker::Fraud);
    let tried: ActedOnDeadLetter = world.ask(&replays, &order("ann", true)).await;
    assert_eq!(tried.outcome, DeadLetterOutcome::WouldReplay);
    assert!(
        world.alerts(None).await.is_empty(),
        "a dry run raises nothing"
    );
    let (ann, bob) = (order("ann", false), order("bob", false));
    let (ann, bob): (ActedOnDeadLetter, ActedOnDeadLetter) =
        tokio::join!(world.ask(&replays, &ann), world.ask(&replays, &bob));
    let done = [ann, bob].map(|acted| acted.outcome == DeadLetterOutcome::Replayed);
    assert_eq!(done.iter().filter(|done| **done).count(), 1);
    let alerts = world.alerts(None).await;
    assert_eq!(alerts.len(), 1);
    assert_eq!(world.published(1).await[0].alert, alerts[0].id);
    world.stop().await;
}
