//! `decide(state, action)`: may it be done, and what follows from it?
//!
//! One file per family of commands. Each says what it [`needs`] to be locked, and decides on
//! exactly that.

mod account;
mod correction;
mod draft;
mod exchange;
mod fees;
mod hold;
mod limits;
mod movement;
mod order;
mod wallet;

use chrono::{DateTime, Utc};
use contracts::{
    RejectionCode,
    event::{FeeTerms, LimitReached},
};

pub use draft::PlannedLeg;
pub use hold::HoldOutcome;

use super::{
    AccountState, Action, HoldAction, Needs, Restrictions, State, SystemShard,
    exchange::{Conversion, Price},
};

/// What decisions depend on beside the locked rows.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The lane's system accounts.
    pub shard: SystemShard,
    /// The moment of the decision.
    pub now: DateTime<Utc>,
}

/// What was decided to happen. The state holds it already; the event tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A wallet is opened, with what its account may not do.
    Opened(Restrictions),
    /// Money moves: the legs sum to zero per currency.
    Posted(Vec<PlannedLeg>),
    /// Rates are set.
    RatesSet,
    /// A price is given.
    Quoted {
        /// The price.
        price: Price,
        /// What the amount becomes.
        to: Conversion,
    },
    /// A wallet has this status now.
    WalletChanged {
        /// In one word.
        status: &'static str,
    },
    /// A fee is taken from here on.
    FeeRuleCreated,
    /// This fee is taken no longer.
    FeeRuleDeactivated(FeeTerms),
    /// A hold is placed, captured or released.
    Hold(HoldOutcome),
    /// An account is so now.
    AccountChanged(AccountState),
}

/// Decides on one command and, when it may be done, changes `state`, so that the next command of
/// the batch sees it.
///
/// The state must hold everything that [`needs`] names.
///
/// # Errors
/// The business reason why it may not be done. The state is then unchanged.
pub fn decide(
    state: &mut State,
    action: &Action,
    context: &Context,
) -> Result<Outcome, RejectionCode> {
    match action {
        Action::OpenWallet(open) => account::open(state, open),
        Action::Move(movement) => movement::decide(state, movement, context),
        Action::ChangeWallet(change) => wallet::decide(state, change),
        Action::Refund(refund) => correction::refund(state, refund),
        Action::Reverse(reversal) => correction::reverse(state, reversal, context),
        Action::CreateFeeRule(terms) => fees::create(state, terms),
        Action::DeactivateFeeRule(end) => fees::deactivate(state, end),
        Action::Hold(hold) => hold::decide(state, hold, context),
        Action::ChangeAccount(change) => account::decide(state, change),
        Action::SetRates(_) => Ok(Outcome::RatesSet),
        Action::CreateQuote(asked) => exchange::quote(asked, context),
        Action::Exchange(asked) => exchange::execute(state, asked, context),
    }
}

/// Adds what a command is decided on.
pub fn needs(action: &Action, context: &Context, needs: &mut Needs) {
    match action {
        Action::OpenWallet(open) => account::open_needs(open, needs),
        Action::SetRates(_)
        | Action::CreateQuote(_)
        | Action::CreateFeeRule(_)
        | Action::DeactivateFeeRule(_) => {}
        Action::Move(movement) => movement::needs(movement, context, needs),
        Action::Hold(hold) => hold::needs(hold, context, needs),
        Action::ChangeWallet(change) => wallet::needs(change, needs),
        Action::Refund(refund) => correction::refund_needs(refund, needs),
        Action::Reverse(reversal) => correction::reversal_needs(reversal, context, needs),
        // Their rules are read with the head's version, and the batch is run again when it
        // changed: no row has to be locked.
        Action::ChangeAccount(change) => account::needs(change, needs),
        Action::Exchange(asked) => exchange::needs(asked, context.shard, needs),
    }
}

/// Which limit it was, after [`decide`] said `limit_exceeded` and left `state` unchanged. None when
/// no limit of an account was in the way.
pub fn limit_reached(state: &State, action: &Action, context: &Context) -> Option<LimitReached> {
    let admitted = match action {
        Action::Move(movement) => limits::admit_movement(state, movement, context.now),
        Action::Hold(HoldAction::Place(place)) => hold::admit(state, place, context.now),
        _ => return None,
    };
    admitted.err().flatten()
}

#[cfg(test)]
mod tests;
