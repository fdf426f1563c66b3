use std::collections::BTreeMap;

use contracts::{Account, Currency, Kind, Money, WalletId, parse_amount};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    super::{Balance, BalanceKey, ChangeWallet, Movement, Restrictions, WalletChange},
    *,
};

const CONTEXT: Context = Context {
    shard: SystemShard::of_lane(0),
    now: DateTime::UNIX_EPOCH,
};

/// What would become of a movement: its legs.
fn ask(state: &mut State, movement: &Movement) -> Result<Vec<PlannedLeg>, RejectionCode> {
    match decide(state, &Action::Move(movement.clone()), &CONTEXT)? {
        Outcome::Posted(legs) => Ok(legs),
        other => panic!("a movement is posted: {other:?}"),
    }
}

fn change(state: &mut State, n: u8, change: WalletChange) -> Result<Outcome, RejectionCode> {
    let action = Action::ChangeWallet(ChangeWallet {
        wallet: wallet(n),
        change,
        reason: "because".to_owned(),
    });
    decide(state, &action, &CONTEXT)
}

fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

fn money(text: &str) -> Money {
    parse_amount(text, eur()).expect("an amount")
}

fn wallet(n: u8) -> WalletId {
    WalletId::from_uuid(Uuid::from_u128(u128::from(n) + 1_000))
}

/// Wallets 0 to 3 with `opening` each, and the funding account that it came from.
fn state(opening: &str) -> State {
    let mut state = State::default();
    let funding = BalanceKey::system(Account::Funding, CONTEXT.shard, eur());
    state.balances.insert(funding, Balance::fresh(funding));
    for n in 0..4 {
        state.wallets.insert(wallet(n), Restrictions::NONE);
        let key = BalanceKey::main(wallet(n), eur());
        state.balances.insert(key, Balance::fresh(key));
        ask(&mut state, &movement(Kind::Deposit, n, None, opening)).expect("a deposit");
    }
    state
}

fn movement(kind: Kind, from: u8, to: Option<u8>, amount: &str) -> Movement {
    Movement {
        kind,
        wallet: wallet(from),
        counterparty: to.map(wallet),
        amount: money(amount),
        effective_at: None,
        reference: None,
        order_reference: None,
        merchant_category: None,
        description: None,
        metadata: BTreeMap::new(),
    }
}

fn posted(state: &State, n: u8) -> String {
    state.balances[&BalanceKey::main(wallet(n), eur())]
        .posted
        .to_string()
}

#[test]
fn the_last_cent_may_be_spent_and_not_one_more() {
    let mut state = state("100.00");
    let over = movement(Kind::Withdrawal, 0, None, "100.01");
    assert_eq!(
        ask(&mut state, &over),
        Err(RejectionCode::InsufficientFunds)
    );
    assert_eq!(posted(&state, 0), "100.00", "a rejection changes nothing");
    ask(&mut state, &movement(Kind::Withdrawal, 0, None, "100.00")).expect("all of it");
    assert_eq!(posted(&state, 0), "0.00");
}

#[test]
fn what_is_held_cannot_be_spent() {
    let mut state = state("100.00");
    let key = BalanceKey::main(wallet(0), eur());
    state.balances.get_mut(&key).expect("there").held = money("80.00");
    let thirty = movement(Kind::Transfer, 0, Some(1), "30.00");
    assert_eq!(
        ask(&mut state, &thirty),
        Err(RejectionCode::InsufficientFunds)
    );
    ask(&mut state, &movement(Kind::Transfer, 0, Some(1), "20.00")).expect("the rest");
}

#[test]
fn a_credit_line_ends_exactly_where_it_ends() {
    let mut state = state("0.01");
    let key = BalanceKey::main(wallet(0), eur());
    state.balances.get_mut(&key).expect("there").credit_limit = Some(money("500.00"));
    let over = movement(Kind::Payment, 0, Some(1), "500.02");
    assert_eq!(
        ask(&mut state, &over),
        Err(RejectionCode::InsufficientFunds)
    );
    ask(&mut state, &movement(Kind::Payment, 0, Some(1), "500.01")).expect("the line");
    assert_eq!(posted(&state, 0), "-500.00");
}

#[test]
fn each_status_refuses_what_it_should() {
    let here = Some(eur());
    for (what, code, credit_allowed) in [
        (
            WalletChange::Freeze(None),
            RejectionCode::WalletFrozen,
            true,
        ),
        (
            WalletChange::Freeze(here),
            RejectionCode::CurrencyFrozen,
            true,
        ),
        (WalletChange::Block, RejectionCode::WalletBlocked, false),
    ] {
        let mut state = state("10.00");
        change(&mut state, 0, what).expect("it was not so before");
        let again = change(&mut state, 0, what);
        assert_eq!(again, Err(RejectionCode::StatusUnchanged), "{what:?}");
        let out = movement(Kind::Transfer, 0, Some(1), "1.00");
        assert_eq!(ask(&mut state, &out), Err(code));
        let into = movement(Kind::Transfer, 1, Some(0), "1.00");
        assert_eq!(ask(&mut state, &into).is_ok(), credit_allowed, "{what:?}");
    }
}

#[test]
fn a_freeze_outlives_a_block() {
    let mut state = state("10.00");
    let out = movement(Kind::Withdrawal, 0, None, "1.00");
    for what in [
        WalletChange::Freeze(None),
        WalletChange::Block,
        WalletChange::Unblock,
    ] {
        change(&mut state, 0, what).expect("a change");
    }
    assert_eq!(ask(&mut state, &out), Err(RejectionCode::WalletFrozen));
    change(&mut state, 0, WalletChange::Unfreeze(None)).expect("a change");
    assert!(ask(&mut state, &out).is_ok());
}

#[test]
fn only_an_empty_wallet_is_closed_and_for_good() {
    let mut state = state("10.00");
    let close = WalletChange::Close;
    assert_eq!(
        change(&mut state, 0, close),
        Err(RejectionCode::WalletNotEmpty)
    );
    ask(&mut state, &movement(Kind::Withdrawal, 0, None, "10.00")).expect("all of it");
    change(&mut state, 0, close).expect("it is empty");
    for what in [
        close,
        WalletChange::Unblock,
        WalletChange::Freeze(Some(eur())),
    ] {
        assert_eq!(
            change(&mut state, 0, what),
            Err(RejectionCode::WalletClosed)
        );
    }
    let into = movement(Kind::Deposit, 0, None, "1.00");
    assert_eq!(ask(&mut state, &into), Err(RejectionCode::WalletClosed));
}

#[test]
fn a_credit_line_is_not_cut_below_what_is_used() {
    let mut state = state("1.00");
    change(&mut state, 0, WalletChange::CreditLimit(money("500.00"))).expect("a line");
    ask(&mut state, &movement(Kind::Withdrawal, 0, None, "100.00")).expect("on credit");
    for (limit, expected) in [
        ("98.99", Err(RejectionCode::CreditInUse)),
        ("99.00", Ok(())),
    ] {
        let cut = change(&mut state, 0, WalletChange::CreditLimit(money(limit)));
        assert_eq!(cut.map(|_| ()), expected, "{limit}");
    }
}

#[test]
fn a_balance_that_could_not_be_exact_is_refused() {
    let eth: Currency = "ETH".parse().expect("a currency");
    let funding = BalanceKey::system(Account::Funding, CONTEXT.shard, eth);
    let own = BalanceKey::main(wallet(0), eth);
    let mut state = State::default();
    for key in [funding, own] {
        state.balances.insert(key, Balance::fresh(key));
    }
    let mut deposit = movement(Kind::Deposit, 0, None, "1");
    deposit.amount = parse_amount("1000000000", eth).expect("the maximum");
    let refused = (0..1_000).find_map(|_| ask(&mut state, &deposit).err());
    assert_eq!(refused, Some(RejectionCode::LimitExceeded));
    assert_eq!(
        state.balances[&own].posted.amount().scale(),
        18,
        "and nothing was rounded"
    );
}

proptest! {
    /// Whatever is asked in whatever order: money is neither made nor lost, no balance goes
    /// below zero, versions count changes without gaps, and a model agrees on every balance.
    #[test]
    fn money_is_neither_made_nor_lost(
        asks in prop::collection::vec((0_u8..4, 0_u8..4, 0_u8..4, 1_u32..20_000), 1..200),
    ) {
        let mut state = state("100.00");
        let mut model = [10_000_i64; 4];
        let mut changes = [1_u64; 4];
        for (what, from, to, minor) in asks {
            let kind = Kind::ALL[usize::from(what)]; // deposit, withdrawal, transfer, payment
            let two_sided = matches!(kind, Kind::Transfer | Kind::Payment);
            if two_sided && from == to {
                continue; // refused at parse
            }
            let text = format!("{}.{:02}", minor / 100, minor % 100);
            let wish = movement(kind, from, two_sided.then_some(to), &text);
            let minor = i64::from(minor);
            let (from, to) = (usize::from(from), usize::from(to));
            let expected_ok = kind == Kind::Deposit || model[from] >= minor;
            let decided = ask(&mut state, &wish);
            prop_assert_eq!(decided.is_ok(), expected_ok);
            if let Ok(legs) = decided {
                let sum = legs[0].amount.checked_add(legs[1].amount).expect("fits");
                prop_assert!(sum.is_zero());
                model[from] += if kind == Kind::Deposit { minor } else { -minor };
                changes[from] += 1;
                if two_sided {
                    model[to] += minor;
                    changes[to] += 1;
                }
            }
        }
        let mut total = Money::zero(eur());
        for balance in state.balances.values() {
            total = total.checked_add(balance.posted).expect("fits");
        }
        prop_assert!(total.is_zero(), "the sum over all accounts is {}", total);
        for n in 0..4_u8 {
            let balance = state.balances[&BalanceKey::main(wallet(n), eur())];
            prop_assert_eq!(balance.posted.amount().mantissa(), i128::from(model[usize::from(n)]));
            prop_assert_eq!(balance.version, changes[usize::from(n)]);
        }
    }
}
