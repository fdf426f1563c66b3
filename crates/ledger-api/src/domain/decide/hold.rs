//! Placing, capturing and releasing holds.
//!
//! To place a hold is a debit of what may be spent: it needs a wallet that may pay. To capture one
//! is a debit too, so a freeze that commits first wins against a capture after it. To release one
//! gives back, and is always allowed.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{
    Money, RejectionCode,
    event::{HoldState, LimitReached},
    limits::{HOLD_AGE_DEFAULT, HOLD_AGE_MAX},
};

use super::{
    super::{
        BalanceKey, CaptureHold, Hold, HoldAction, HoldStep, HoldTerms, Needs, PlaceHold,
        ReleaseHold, State,
    },
    Context, Outcome,
    draft::{Draft, PlannedLeg},
    limits::{self, Counted},
    movement, order,
};

/// A hold as a decision leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOutcome {
    /// The changes of balances: one for a hold that is placed or released.
    pub legs: Vec<PlannedLeg>,
    /// The hold now.
    pub hold: Hold,
    /// What was released.
    pub released: Money,
}

pub(super) fn needs(action: &HoldAction, context: &Context, needs: &mut Needs) {
    match action {
        HoldAction::Place(place) => {
            needs.balances.insert(balance_of(&place.terms));
            needs.counted.insert(balance_of(&place.terms));
        }
        HoldAction::Capture(capture) => {
            needs.holds.insert(capture.hold);
            movement::needs(&capture.movement, context, needs);
        }
        HoldAction::Release(release) => {
            needs.holds.insert(release.terms.id);
            needs.balances.insert(balance_of(&release.terms));
            needs.counted.insert(balance_of(&release.terms));
        }
    }
}

pub(super) fn decide(
    state: &mut State,
    action: &HoldAction,
    context: &Context,
) -> Result<Outcome, RejectionCode> {
    let outcome = match action {
        HoldAction::Place(place) => self::place(state, place, context.now),
        HoldAction::Capture(capture) => self::capture(state, capture, context),
        HoldAction::Release(release) => self::release(state, release, context.now),
    };
    outcome.map(Outcome::Hold)
}

fn place(
    state: &mut State,
    place: &PlaceHold,
    now: DateTime<Utc>,
) -> Result<HoldOutcome, RejectionCode> {
    let terms = &place.terms;
    let zero = Money::zero(terms.amount.currency());
    let age = |most| TimeDelta::from_std(most).expect("a limit of some weeks");
    let expires_at = place.expires_at.unwrap_or(now + age(HOLD_AGE_DEFAULT));
    // Decided, not parsed: the same request later is a replay, although its moment has passed.
    if expires_at <= now || expires_at > now + age(HOLD_AGE_MAX) {
        return Err(RejectionCode::ExpiryOutOfRange);
    }
    let mut draft = Draft::on(state);
    draft.change(balance_of(terms), zero, terms.amount, None)?;
    let planned = draft.finish()?;
    admit(state, place, now)
        .map_err(|_| RejectionCode::LimitExceeded)?
        .apply(state);
    let legs = planned.post(state);
    let hold = Hold {
        state: HoldState::Open,
        amount: terms.amount,
        captured: zero,
        expires_at,
    };
    // It is a row when the batch is logged, with the time of its event. Nobody knows its id until
    // then, so no command of the batch can ask for it.
    Ok(HoldOutcome {
        legs,
        hold,
        released: zero,
    })
}

fn capture(
    state: &mut State,
    capture: &CaptureHold,
    context: &Context,
) -> Result<HoldOutcome, RejectionCode> {
    let before = state.hold(capture.hold);
    let remaining = before.remaining();
    let mut movement = capture.movement.clone();
    if capture.all {
        movement.amount = remaining;
    }
    let left = remaining
        .checked_sub(movement.amount)
        .map_err(|_| RejectionCode::CaptureTooLarge)?;
    let last = capture.last || left.is_zero();
    let step = if last {
        HoldStep::CaptureLast
    } else {
        HoldStep::CapturePart
    };
    let next = step.from(before.state)?;
    // It ran out, whether or not somebody has written that down yet.
    if before.expires_at <= context.now {
        return Err(RejectionCode::HoldExpired);
    }
    if left.is_negative() {
        return Err(RejectionCode::CaptureTooLarge);
    }
    let captured = before.captured.checked_add(movement.amount);
    let hold = Hold {
        state: next,
        captured: captured.map_err(|_| RejectionCode::CaptureTooLarge)?,
        ..before
    };
    // The first capture pays the order, and the others are part of that.
    let order = movement.order();
    if before.captured.is_zero() {
        order::check(state, order.as_ref())?;
    }
    let freed = if last { remaining } else { movement.amount };
    let legs = movement::post(state, &movement, freed, context)?;
    order::pay(state, order);
    state.set_hold(capture.hold, hold);
    let released = if last {
        left
    } else {
        Money::zero(left.currency())
    };
    let payer = BalanceKey::main(movement.wallet, released.currency());
    limits::release(state, payer, released, capture.placed_at, context.now);
    Ok(HoldOutcome {
        legs,
        hold,
        released,
    })
}

/// What is set aside counts against the limits of the account like what is spent: a capture counts
/// no more, and what is released in the same window is given back.
///
/// # Errors
/// As [`limits::admit`].
pub(super) fn admit(
    state: &State,
    place: &PlaceHold,
    now: DateTime<Utc>,
) -> Result<Counted, Option<LimitReached>> {
    limits::admit(state, balance_of(&place.terms), place.terms.amount, now)
}

/// Nobody may object: neither a frozen nor a blocked wallet keeps money from coming free.
fn release(
    state: &mut State,
    release: &ReleaseHold,
    now: DateTime<Utc>,
) -> Result<HoldOutcome, RejectionCode> {
    let terms = &release.terms;
    let before = state.hold(terms.id);
    let released = before.remaining();
    // Whoever has a hold expire has seen that it is due, and a moment that has passed stays so.
    let step = if release.voided {
        HoldStep::Void
    } else {
        HoldStep::Expire
    };
    let hold = Hold {
        state: step.from(before.state)?,
        ..before
    };
    let mut draft = Draft::on(state);
    let zero = Money::zero(released.currency());
    draft.change(balance_of(terms), zero, released.negated(), None)?;
    let legs = draft.finish()?.post(state);
    state.set_hold(terms.id, hold);
    limits::release(state, balance_of(terms), released, release.placed_at, now);
    Ok(HoldOutcome {
        legs,
        hold,
        released,
    })
}

fn balance_of(terms: &HoldTerms) -> BalanceKey {
    BalanceKey::main(terms.wallet, terms.amount.currency())
}

#[cfg(test)]
mod tests;
