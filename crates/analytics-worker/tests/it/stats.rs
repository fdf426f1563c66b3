//! What a person would check by hand.

use contracts::{
    Currency, EventId, EventType, Kind, LedgerEvent, Rejected, RejectionCode,
    event::{WalletCreated, WalletKind},
    rpc::{CurrencyStats, Tally, WalletStats},
};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::world::{Move, World, at, wallet};

fn one(kind: Kind, from: u8, to: u8, amount: &str, second: i64) -> Move {
    let amount = amount.parse().expect("a decimal");
    Move {
        kind,
        from,
        to,
        currency: "EUR",
        amount,
        at: at(second),
    }
}

fn tally(count: u64, amount: &str) -> Tally {
    Tally {
        count,
        amount: amount.parse().expect("a decimal"),
    }
}

fn nothing() -> CurrencyStats {
    let zero = || tally(0, "0.00");
    CurrencyStats {
        currency: "EUR".parse().expect("a currency"),
        deposited: zero(),
        withdrawn: zero(),
        paid: zero(),
        received: zero(),
        transferred_in: zero(),
        transferred_out: zero(),
    }
}

#[tokio::test]
async fn a_deposit_a_withdrawal_and_a_transfer_show_on_both_sides() {
    let world = World::start().await;
    world.write(&[
        one(Kind::Deposit, 0, 0, "100.00", 1),
        one(Kind::Withdrawal, 0, 0, "40.00", 2),
        one(Kind::Transfer, 0, 1, "25.00", 3),
    ]);
    world.publish(1..=3).await;
    world.wait_until_settled().await;
    let sender = WalletStats {
        wallet: wallet(0),
        as_of_seq: 3,
        first_seen_at: Some(at(1)),
        last_activity_at: Some(at(3)),
        balances: vec![CurrencyStats {
            deposited: tally(1, "100.00"),
            withdrawn: tally(1, "40.00"),
            transferred_out: tally(1, "25.00"),
            ..nothing()
        }],
    };
    assert_eq!(world.stats(wallet(0)).await, sender);
    let receiver = world.stats(wallet(1)).await;
    let wanted = CurrencyStats {
        transferred_in: tally(1, "25.00"),
        ..nothing()
    };
    assert_eq!(receiver.balances, [wanted]);
    let text = serde_json::to_string(&receiver).expect("serialises");
    assert!(
        text.contains(r#""amount":"25.00""#) && text.contains(r#""amount":"0.00""#),
        "{text}"
    );
    world.stop().await;
}

#[tokio::test]
async fn rejections_and_new_wallets_are_settled_and_count_nothing() {
    let world = World::start().await;
    let id = |n| EventId::from_uuid(Uuid::from_u128(n));
    let currency: Currency = "EUR".parse().expect("a currency");
    world.write_event(&LedgerEvent::WalletCreated(WalletCreated {
        id: id(1),
        event_type: EventType::WalletCreated,
        seq: 1,
        wallet: wallet(0),
        owner: "ann".to_owned(),
        kind: WalletKind::Customer,
        posted_at: at(1),
        reference: None,
        category: None,
        metadata: std::collections::BTreeMap::new(),
        status: None,
    }));
    world.write_event(&LedgerEvent::Rejected(Rejected {
        id: id(2),
        event_type: EventType::WithdrawalRejected,
        seq: 2,
        kind: Kind::Withdrawal,
        code: RejectionCode::InsufficientFunds,
        wallet: wallet(0),
        counterparty: None,
        currency,
        amount: Decimal::ONE_HUNDRED,
        effective_at: at(2),
        posted_at: at(2),
        reference: None,
        about: None,
        limit: None,
    }));
    world.publish(1..=2).await;
    world.wait_until_settled().await;
    let stats = world.stats(wallet(0)).await;
    assert_eq!(
        (stats.as_of_seq, stats.first_seen_at, stats.last_activity_at),
        (2, None, None)
    );
    assert_eq!(stats.balances, []);
    world.stop().await;
}

/// History from elsewhere comes after today's events.
#[tokio::test]
async fn an_old_event_that_comes_late_does_not_turn_time_back() {
    let world = World::start().await;
    world.write(&[one(Kind::Deposit, 0, 0, "1.00", 500)]);
    world.publish([1]).await;
    world.wait_until_settled().await;
    world.write(&[one(Kind::Deposit, 0, 0, "1.00", 100)]);
    world.publish([2]).await;
    world.wait_until_settled().await;
    let stats = world.stats(wallet(0)).await;
    assert_eq!(stats.last_activity_at, Some(at(500)));
    assert_eq!(stats.first_seen_at, Some(at(100)));
    world.stop().await;
}

/// What is behind a hole may be counted, but is not promised.
#[tokio::test]
async fn the_position_is_the_end_of_the_part_without_holes() {
    let world = World::start().await;
    let moves: Vec<Move> = (1..=5)
        .map(|n| one(Kind::Deposit, 0, 0, "1.00", n))
        .collect();
    world.write(&moves);
    world.publish([1, 2, 4, 5]).await;
    testkit::eventually("they are counted", crate::world::PATIENCE, async || {
        let stats = world.stats(wallet(0)).await;
        stats
            .balances
            .first()
            .is_some_and(|all| all.deposited.count >= 4)
    })
    .await;
    let stats = world.stats(wallet(0)).await;
    let counted = stats.balances[0].deposited.count;
    assert!((stats.as_of_seq, counted) == (2, 4) || (stats.as_of_seq, counted) == (5, 5));
    world.wait_until_settled().await;
    assert_eq!(world.stats(wallet(0)).await.as_of_seq, 5);
    world.stop().await;
}
