use std::collections::BTreeMap;

use contracts::{Account, Currency, HoldId, Kind, WalletId, parse_amount};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    super::{super::*, *},
    *,
};

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

fn context() -> Context {
    Context {
        shard: SystemShard::of_lane(0),
        now: NOW,
    }
}

fn eur() -> Currency {
    "EUR".parse().expect("a currency")
}

fn money(text: &str) -> Money {
    parse_amount(text, eur()).expect("an amount")
}

fn wallet(n: u128) -> WalletId {
    WalletId::from_uuid(Uuid::from_u128(n + 1_000))
}

/// A payer with `opening`, a merchant, and the funding account.
fn state(opening: &str) -> State {
    let mut state = State::default();
    for key in [
        BalanceKey::system(Account::Funding, context().shard, eur()),
        BalanceKey::main(wallet(0), eur()),
        BalanceKey::main(wallet(1), eur()),
    ] {
        state.balances.insert(key, Balance::fresh(key));
    }
    state.wallets.insert(wallet(0), Restrictions::NONE);
    state.wallets.insert(wallet(1), Restrictions::NONE);
    let deposit = movement(Kind::Deposit, None, opening);
    decide(&mut state, &Action::Move(deposit)).expect("a deposit");
    state
}

fn decide(state: &mut State, action: &Action) -> Result<Outcome, RejectionCode> {
    super::super::decide(state, action, &context())
}

fn movement(kind: Kind, to: Option<WalletId>, amount: &str) -> Movement {
    Movement {
        kind,
        wallet: wallet(0),
        counterparty: to,
        amount: money(amount),
        effective_at: None,
        reference: None,
        order_reference: None,
        merchant_category: None,
        description: None,
        metadata: BTreeMap::new(),
    }
}

fn terms(n: u128, amount: &str) -> HoldTerms {
    HoldTerms {
        id: HoldId::from_uuid(Uuid::from_u128(n)),
        wallet: wallet(0),
        kind: Kind::Payment,
        counterparty: Some(wallet(1)),
        amount: money(amount),
        reference: None,
        order_reference: Some("order".to_owned()),
        description: None,
        metadata: BTreeMap::new(),
    }
}

/// Places hold `n` and, as the log would, makes it a row that can be locked.
fn place(state: &mut State, n: u128, amount: &str) -> Result<HoldOutcome, RejectionCode> {
    place_until(state, n, amount, None)
}

fn place_until(
    state: &mut State,
    n: u128,
    amount: &str,
    expires_at: Option<DateTime<Utc>>,
) -> Result<HoldOutcome, RejectionCode> {
    let terms = terms(n, amount);
    let id = terms.id;
    let place = HoldAction::Place(PlaceHold { terms, expires_at });
    let placed = outcome(decide(state, &Action::Hold(place)))?;
    state.holds.insert(id, placed.hold);
    Ok(placed)
}

fn capture(
    state: &mut State,
    n: u128,
    amount: Option<&str>,
    last: bool,
) -> Result<HoldOutcome, RejectionCode> {
    let to = Some(wallet(1));
    let action = HoldAction::Capture(CaptureHold {
        hold: terms(n, "1").id,
        placed_at: NOW,
        movement: movement(Kind::Payment, to, amount.unwrap_or("999999")),
        all: amount.is_none(),
        last,
    });
    outcome(decide(state, &Action::Hold(action)))
}

fn release(state: &mut State, n: u128, voided: bool) -> Result<HoldOutcome, RejectionCode> {
    let action = HoldAction::Release(ReleaseHold {
        terms: terms(n, "1"),
        placed_at: NOW,
        voided,
        reason: None,
    });
    outcome(decide(state, &Action::Hold(action)))
}

fn outcome(decided: Result<Outcome, RejectionCode>) -> Result<HoldOutcome, RejectionCode> {
    decided.map(|outcome| match outcome {
        Outcome::Hold(hold) => hold,
        other => panic!("a hold has an outcome of its own: {other:?}"),
    })
}

/// Posted, held and version of the payer's balance.
fn payer(state: &State) -> (String, String, u64) {
    let balance = state.balance(BalanceKey::main(wallet(0), eur()));
    (
        balance.posted.to_string(),
        balance.held.to_string(),
        balance.version,
    )
}

fn shape(posted: &str, held: &str, version: u64) -> (String, String, u64) {
    (posted.to_owned(), held.to_owned(), version)
}

#[test]
fn what_is_held_cannot_be_held_again_and_each_change_takes_one_version() {
    let mut state = state("100.00");
    place(&mut state, 1, "80.00").expect("there is enough");
    assert_eq!(payer(&state), shape("100.00", "80.00", 2));
    assert_eq!(
        place(&mut state, 2, "30.00"),
        Err(RejectionCode::InsufficientFunds)
    );
    let part = capture(&mut state, 1, Some("30.00"), false).expect("a part");
    assert_eq!(payer(&state), shape("70.00", "50.00", 3));
    assert_eq!(part.hold.remaining(), money("50.00"));
    let last = capture(&mut state, 1, Some("10.00"), true).expect("the last");
    assert_eq!(payer(&state), shape("60.00", "0.00", 4));
    assert_eq!(
        (last.hold.state, last.released),
        (HoldState::Captured, money("40.00"))
    );
    assert_eq!(last.legs.len(), 2, "one posting on the payer's balance");
}

#[test]
fn a_capture_without_an_amount_takes_all_that_remains_and_ends_the_hold() {
    let mut state = state("100.00");
    place(&mut state, 1, "80.00").expect("there is enough");
    capture(&mut state, 1, Some("0.01"), false).expect("a cent");
    let rest = capture(&mut state, 1, None, false).expect("the rest");
    assert_eq!(rest.hold.captured, money("80.00"));
    assert_eq!(payer(&state), shape("20.00", "0.00", 4));
    assert_eq!(
        capture(&mut state, 1, None, false),
        Err(RejectionCode::HoldCaptured)
    );
}

#[test]
fn a_cent_more_than_remains_is_too_much_and_changes_nothing() {
    let mut state = state("100.00");
    place(&mut state, 1, "80.00").expect("there is enough");
    for last in [false, true] {
        assert_eq!(
            capture(&mut state, 1, Some("80.01"), last),
            Err(RejectionCode::CaptureTooLarge)
        );
    }
    assert_eq!(payer(&state), shape("100.00", "80.00", 2));
    capture(&mut state, 1, Some("80.00"), false).expect("to the cent");
}

#[test]
fn a_hold_that_ran_out_is_not_captured_although_nobody_released_it() {
    let soon = NOW + TimeDelta::microseconds(1);
    let mut state = state("100.00");
    place_until(&mut state, 1, "80.00", Some(soon)).expect("a moment");
    let late = Context {
        now: soon,
        ..context()
    };
    let action = Action::Hold(HoldAction::Capture(CaptureHold {
        hold: terms(1, "1").id,
        placed_at: NOW,
        movement: movement(Kind::Payment, Some(wallet(1)), "1.00"),
        all: false,
        last: false,
    }));
    let refused = super::super::decide(&mut state, &action, &late);
    assert_eq!(refused, Err(RejectionCode::HoldExpired));
    capture(&mut state, 1, Some("1.00"), false).expect("before that moment");
    release(&mut state, 1, false).expect("it expires");
    assert_eq!(payer(&state), shape("99.00", "0.00", 4));
}

#[test]
fn a_hold_runs_out_in_the_future_and_not_too_late() {
    let most = TimeDelta::from_std(HOLD_AGE_MAX).expect("weeks");
    let first = TimeDelta::microseconds(1);
    for (age, good) in [
        (TimeDelta::zero(), false),
        (first, true),
        (most, true),
        (most + first, false),
    ] {
        let mut state = state("100.00");
        let placed = place_until(&mut state, 1, "1.00", Some(NOW + age));
        let expected = if good {
            Ok(NOW + age)
        } else {
            Err(RejectionCode::ExpiryOutOfRange)
        };
        assert_eq!(placed.map(|placed| placed.hold.expires_at), expected);
    }
    let default = place(&mut state("1.00"), 1, "1.00").expect("placed");
    assert_eq!(default.hold.expires_at, NOW + TimeDelta::days(7));
}

#[test]
fn a_frozen_wallet_neither_holds_nor_pays_but_what_was_held_comes_free() {
    for what in [
        WalletChange::Freeze(None),
        WalletChange::Freeze(Some(eur())),
        WalletChange::Block,
    ] {
        let mut state = state("100.00");
        place(&mut state, 1, "40.00").expect("there is enough");
        place(&mut state, 2, "40.00").expect("there is enough");
        let change = Action::ChangeWallet(ChangeWallet {
            wallet: wallet(0),
            change: what,
            reason: "because".to_owned(),
        });
        decide(&mut state, &change).expect("it was not so before");
        assert!(place(&mut state, 3, "1.00").is_err(), "{what:?}");
        assert!(capture(&mut state, 1, None, true).is_err(), "{what:?}");
        release(&mut state, 1, true).expect("voided");
        release(&mut state, 2, false).expect("expired");
        assert_eq!(payer(&state), shape("100.00", "0.00", 5), "{what:?}");
    }
}

#[test]
fn a_wallet_with_money_held_is_not_closed() {
    let mut state = state("10.00");
    place(&mut state, 1, "10.00").expect("there is enough");
    let close = || {
        Action::ChangeWallet(ChangeWallet {
            wallet: wallet(0),
            change: WalletChange::Close,
            reason: "because".to_owned(),
        })
    };
    assert_eq!(
        decide(&mut state, &close()),
        Err(RejectionCode::WalletNotEmpty)
    );
    capture(&mut state, 1, None, false).expect("all");
    decide(&mut state, &close()).expect("empty");
    assert_eq!(
        place(&mut state, 2, "1.00"),
        Err(RejectionCode::WalletClosed)
    );
}

proptest! {
    /// Whatever is asked in whatever order: what is held is what open holds have left, nothing is
    /// spent that is held, no hold pays more than itself, and a model agrees on all of it.
    #[test]
    fn what_is_held_is_what_open_holds_have_left(
        asks in prop::collection::vec((0_u8..5, 0_usize..4, 1_i64..9_000, any::<bool>()), 1..150),
    ) {
        let mut state = state("200.00");
        let (mut free, mut paid, mut changes) = (20_000_i64, 0_i64, 1_u64);
        // What each hold has left; none before it is placed and after its end.
        let mut left: Vec<Option<i64>> = Vec::new();
        for (what, which, minor, last) in asks {
            let text = format!("{}.{:02}", minor / 100, minor % 100);
            let n = left.len().saturating_sub(which + 1);
            let id = n as u128;
            let open = left.get(n).copied().flatten();
            let (decided, expected) = match what {
                0 => {
                    let id = left.len() as u128;
                    let fits = minor <= free;
                    if fits {
                        free -= minor;
                        left.push(Some(minor));
                    }
                    (place(&mut state, id, &text).map(|_| ()), fits)
                }
                1 => {
                    let out = Action::Move(movement(Kind::Withdrawal, None, &text));
                    let fits = minor <= free;
                    free -= if fits { minor } else { 0 };
                    (decide(&mut state, &out).map(|_| ()), fits)
                }
                _ if left.is_empty() => continue,
                2 | 3 => {
                    let fits = open.is_some_and(|rest| minor <= rest);
                    if let Some(rest) = open.filter(|_| fits) {
                        paid += minor;
                        let after = rest - minor;
                        free += if last { after } else { 0 };
                        left[n] = (after > 0 && !last).then_some(after);
                    }
                    (capture(&mut state, id, Some(&text), last).map(|_| ()), fits)
                }
                _ => {
                    free += open.unwrap_or(0);
                    left[n] = None;
                    (release(&mut state, id, last).map(|_| ()), open.is_some())
                }
            };
            prop_assert_eq!(decided.is_ok(), expected, "{:?}", decided);
            changes += u64::from(expected);
            let balance = state.balance(BalanceKey::main(wallet(0), eur()));
            let held: i64 = left.iter().flatten().sum();
            prop_assert_eq!(balance.held.amount().mantissa(), i128::from(held));
            prop_assert_eq!(balance.posted.amount().mantissa(), i128::from(free + held));
            prop_assert_eq!(balance.version, changes);
            let merchant = state.balance(BalanceKey::main(wallet(1), eur()));
            prop_assert_eq!(merchant.posted.amount().mantissa(), i128::from(paid));
        }
    }
}
