//! What a person would check by hand.

use contracts::{
    Kind,
    fraud::{Rule, Severity},
    rpc::Alert,
};

use crate::world::{Move, World, at_millis, euros, wallet};

fn found(alerts: &[Alert]) -> Vec<(Rule, u64)> {
    let mut found: Vec<_> = alerts.iter().map(|alert| (alert.rule, alert.seq)).collect();
    found.sort_unstable();
    found
}

#[tokio::test]
async fn three_debits_within_a_minute_are_rapid_and_payments_are_none() {
    let world = World::start().await;
    world
        .happen(&[
            euros(Kind::Deposit, "50.00", 0),
            euros(Kind::Withdrawal, "1.00", 0),
            euros(Kind::Payment, "1.00", 10),
            euros(Kind::Transfer, "1.00", 30_000),
            euros(Kind::Withdrawal, "1.00", 59_900),
            // Exactly a minute after the first: that one no longer counts, two others do.
            euros(Kind::Withdrawal, "1.00", 60_000),
            // And now only this and the one before.
            euros(Kind::Withdrawal, "1.00", 119_900),
        ])
        .await;
    let alerts = world.alerts(None).await;
    assert_eq!(
        found(&alerts),
        [(Rule::RapidWithdrawals, 5), (Rule::RapidWithdrawals, 6)]
    );
    let first = alerts.last().expect("two alerts");
    let evidence = &first.evidence;
    assert_eq!((first.wallet, first.severity), (wallet(0), Severity::High));
    assert_eq!((evidence.count, evidence.window_seconds), (3, Some(60)));
    assert_eq!(evidence.events.last(), Some(&first.event));
    assert_eq!(evidence.threshold, None);
    world.stop().await;
}

/// Its window was looked at long ago, and was not full then.
#[tokio::test]
async fn a_late_debit_raises_the_alerts_of_later_ones_and_joins_their_evidence() {
    let world = World::start().await;
    world
        .happen(&[
            euros(Kind::Withdrawal, "1.00", 30_000),
            euros(Kind::Withdrawal, "1.00", 40_000),
        ])
        .await;
    assert_eq!(world.alerts(None).await, []);
    world.happen(&[euros(Kind::Withdrawal, "1.00", 0)]).await;
    let alerts = world.alerts(None).await;
    assert_eq!(found(&alerts), [(Rule::RapidWithdrawals, 2)]);
    assert_eq!(alerts[0].evidence.count, 3);
    let raised = world.published(1).await;

    world.happen(&[euros(Kind::Transfer, "1.00", 20_000)]).await;
    let now = world.alerts(None).await;
    assert_eq!(
        found(&now),
        [(Rule::RapidWithdrawals, 1), (Rule::RapidWithdrawals, 2)]
    );
    let grown = now
        .iter()
        .find(|alert| alert.seq == 2)
        .expect("still there");
    assert_eq!((grown.id, grown.evidence.count), (alerts[0].id, 4));
    assert_eq!(grown.evidence.events.len(), 4);
    assert_eq!(
        world.published(2).await[0],
        raised[0],
        "an event says what stays"
    );
    world.stop().await;
}

#[tokio::test]
async fn one_movement_is_large_from_the_threshold_of_its_currency_on() {
    let world = World::start().await;
    let one = |kind, currency, amount: &str, hour: i64| Move {
        currency,
        amount: amount.parse().expect("a decimal"),
        // Hours apart: nothing is rapid.
        at: at_millis(hour * 3_600_000),
        ..euros(kind, "1", 0)
    };
    world
        .happen(&[
            one(Kind::Deposit, "EUR", "9999.99", 1),
            one(Kind::Deposit, "EUR", "10000.00", 2),
            one(Kind::Withdrawal, "USD", "9999.99", 3),
            one(Kind::Withdrawal, "USD", "10000.00", 4),
            one(Kind::Transfer, "JPY", "999999", 5),
            one(Kind::Transfer, "JPY", "1000000", 6),
            one(Kind::Payment, "GBP", "99999.00", 7),
            one(Kind::Deposit, "KRW", "5000000", 8),
            // Nobody said what is large in this.
            one(Kind::Deposit, "BTC", "100000.00000000", 9),
        ])
        .await;
    let alerts = world.alerts(None).await;
    assert_eq!(
        found(&alerts),
        [
            (Rule::LargeWithdrawal, 4),
            (Rule::LargeWithdrawal, 6),
            (Rule::LargeDeposit, 2),
            (Rule::LargeDeposit, 8)
        ]
    );
    let evidence = &alerts.last().expect("four").evidence;
    assert_eq!(evidence.amount.to_string(), "10000.00");
    assert_eq!(
        evidence.threshold.map(|all| all.to_string()),
        Some("10000.00".into())
    );
    assert_eq!((evidence.count, evidence.events.len()), (1, 1));
    world.stop().await;
}

#[tokio::test]
async fn thresholds_come_from_the_file_that_is_given() {
    let folder = tempfile::tempdir().expect("a directory");
    let rules = folder.path().join("rules.json");
    let text = r#"{"large_withdrawal": {"EUR": "5"}, "large_deposit": {}}"#;
    std::fs::write(&rules, text).expect("writes");
    let mut world = World::empty().await;
    world.start_worker(Some(rules)).await;
    world
        .happen(&[
            euros(Kind::Deposit, "99999.00", 0),
            euros(Kind::Withdrawal, "5.00", 1),
        ])
        .await;
    assert_eq!(
        found(&world.alerts(None).await),
        [(Rule::LargeWithdrawal, 2)]
    );
    world.stop().await;
}

#[tokio::test]
async fn alerts_are_listed_newest_first_by_wallet_and_shown_by_id() {
    let world = World::start().await;
    let moves: Vec<Move> = (0..20)
        .map(|n| Move {
            from: n % 2,
            ..euros(Kind::Deposit, "10000.00", i64::from(n))
        })
        .collect();
    world.happen(&moves).await;
    let all = world.alerts(None).await;
    assert_eq!(all.len(), 20, "over several pages");
    assert!(all.is_sorted_by(|one, next| one.id > next.id));
    let of_one = world.alerts(Some(wallet(1))).await;
    assert_eq!(of_one.len(), 10);
    assert!(of_one.iter().all(|alert| alert.wallet == wallet(1)));
    assert_eq!(world.alert(all[3].id).await.as_ref(), Some(&all[3]));
    assert_eq!(world.alerts(Some(wallet(7))).await, []);
    let nobodys = "alt_0190aaaaaaaa7bbbbbbbcccccccccccc"
        .parse()
        .expect("an id");
    assert_eq!(world.alert(nobodys).await, None);
    world.stop().await;
}

#[tokio::test]
async fn each_alert_is_published_once_with_what_can_never_change() {
    let world = World::start().await;
    world
        .happen(&[
            euros(Kind::Withdrawal, "1.00", 0),
            euros(Kind::Withdrawal, "1.00", 1),
            euros(Kind::Withdrawal, "12000.00", 2),
        ])
        .await;
    let alerts = world.alerts(None).await;
    let mut published = world.published(2).await;
    published.sort_by_key(|event| event.rule);
    let [rapid, large] = published.as_slice() else {
        panic!("{published:?}")
    };
    assert_eq!(
        (rapid.rule, large.rule),
        (Rule::RapidWithdrawals, Rule::LargeWithdrawal)
    );
    for event in [rapid, large] {
        let alert = alerts.iter().find(|alert| alert.id == event.alert);
        let alert = alert.expect("it is listed");
        assert_eq!(
            (event.event, event.transaction, event.wallet, event.severity),
            (alert.event, alert.transaction, alert.wallet, alert.severity)
        );
        assert_eq!(event.amount.to_string(), "12000.00");
        assert_eq!(event.effective_at, at_millis(2));
    }
    world.stop().await;
}
