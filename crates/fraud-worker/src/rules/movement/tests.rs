use std::collections::BTreeMap;

use contracts::{Account, Currency, Leg};
use uuid::Uuid;

use super::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).expect("in range")
}

fn wallet(n: u128) -> WalletId {
    WalletId::from_uuid(Uuid::from_u128(n))
}

/// From and to; nobody is the world outside.
fn event(kind: Kind, from: Option<u128>, to: Option<u128>) -> LedgerEvent {
    let currency: Currency = "EUR".parse().expect("a currency");
    let leg = |party: Option<u128>, minor| Leg {
        wallet: party.map(wallet),
        account: Account::Main,
        currency,
        amount: Decimal::new(minor, 2),
        balance_after: None,
        version: None,
        held: None,
        held_after: None,
        purpose: None,
    };
    LedgerEvent::Posted(Posted {
        id: EventId::from_uuid(Uuid::from_u128(9)),
        event_type: kind.posted(),
        seq: 7,
        transaction: TransactionId::from_uuid(Uuid::nil()),
        kind,
        effective_at: at(1),
        posted_at: at(2),
        legs: vec![leg(from, -1250), leg(to, 1250)],
        reference: None,
        order_reference: None,
        description: None,
        metadata: BTreeMap::new(),
        hold: None,
        hold_left: None,
        refunds: None,
        reverses: None,
        quote: None,
    })
}

fn seen(kind: Kind, from: Option<u128>, to: Option<u128>) -> Option<(Flow, WalletId, String)> {
    let movement = movement(&event(kind, from, to)).expect("exact")?;
    Some((movement.flow, movement.wallet, movement.money.to_string()))
}

#[test]
fn rules_see_deposits_and_what_leaves_but_not_payments() {
    let amount = || "12.50".to_owned();
    assert_eq!(
        seen(Kind::Deposit, None, Some(1)),
        Some((Flow::Deposit, wallet(1), amount()))
    );
    assert_eq!(
        seen(Kind::Withdrawal, Some(1), None),
        Some((Flow::Debit, wallet(1), amount()))
    );
    assert_eq!(
        seen(Kind::Transfer, Some(1), Some(2)),
        Some((Flow::Debit, wallet(1), amount()))
    );
    assert_eq!(seen(Kind::Payment, Some(1), Some(2)), None);
}

#[test]
fn an_alert_has_the_same_id_whoever_finds_it_and_another_for_every_rule() {
    let event = event(Kind::Withdrawal, Some(1), None);
    let movement = movement(&event).expect("exact").expect("a debit");
    let finding = |rule| Finding {
        rule,
        movement,
        threshold: None,
    };
    let [rapid, large] = [Rule::RapidWithdrawals, Rule::LargeWithdrawal].map(finding);
    assert_eq!(rapid.alert(), finding(Rule::RapidWithdrawals).alert());
    assert_ne!(rapid.alert(), large.alert());
    // It sorts where the movement is in the ledger.
    let minted = AlertId::mint(movement.posted_at, [0; 10]).to_string();
    assert_eq!(rapid.alert().to_string()[..16], minted[..16]);
}
