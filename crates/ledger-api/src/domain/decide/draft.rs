//! Legs that are being put together: nothing is changed until all of them are good.

use contracts::{Account, Money, RejectionCode, event::Purpose};

use super::super::{Balance, BalanceKey, State};

/// One side of a decided transaction, with the balance that follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedLeg {
    /// What changes.
    pub key: BalanceKey,
    /// By how much.
    pub amount: Money,
    /// The posted balance afterwards.
    pub balance_after: Money,
    /// By how much the reserved part changes.
    pub held: Money,
    /// The reserved part afterwards.
    pub held_after: Money,
    /// The balance's version afterwards.
    pub version: u64,
    /// What the leg is, when it is not the transaction's own amount.
    pub purpose: Option<Purpose>,
}

/// A transaction in the making, on top of an unchanged state.
pub(super) struct Draft<'a> {
    state: &'a State,
    changed: Vec<(BalanceKey, Balance)>,
    legs: Vec<PlannedLeg>,
}

impl<'a> Draft<'a> {
    pub(super) fn on(state: &'a State) -> Self {
        Self {
            state,
            changed: Vec::with_capacity(2),
            legs: Vec::with_capacity(2),
        }
    }

    /// The balance as the legs so far leave it.
    pub(super) fn balance(&self, key: BalanceKey) -> Balance {
        self.changed
            .iter()
            .find(|(changed, _)| *changed == key)
            .map_or_else(|| self.state.balance(key), |(_, balance)| *balance)
    }

    /// Adds a leg, if the balance's restrictions admit it.
    pub(super) fn leg(&mut self, key: BalanceKey, amount: Money) -> Result<(), RejectionCode> {
        self.change(key, amount, Money::zero(key.currency), None)
    }

    /// Adds a leg of a purpose of its own.
    pub(super) fn leg_for(
        &mut self,
        purpose: Purpose,
        key: BalanceKey,
        amount: Money,
    ) -> Result<(), RejectionCode> {
        self.change(key, amount, Money::zero(key.currency), Some(purpose))
    }

    /// Adds a leg that changes what is posted by `amount` and what is held by `held`: either may
    /// be zero.
    pub(super) fn change(
        &mut self,
        key: BalanceKey,
        amount: Money,
        held: Money,
        purpose: Option<Purpose>,
    ) -> Result<(), RejectionCode> {
        let before = self.balance(key);
        if purpose == Some(Purpose::Fee) {
            // It goes with money that comes in or leaves, which has been asked about; a frozen
            // wallet can be paid.
            before.restrictions.may_credit()?;
        } else if amount.is_negative() || (held.is_positive() && amount.is_zero()) {
            before.restrictions.may_debit()?;
        } else if amount.is_positive() {
            before.restrictions.may_credit()?;
        }
        // A sum that does not fit the digits of a decimal cannot be kept exactly.
        let sum = |a: Money, b| a.checked_add(b).map_err(|_| RejectionCode::LimitExceeded);
        let after = Balance {
            posted: sum(before.posted, amount)?,
            held: sum(before.held, held)?,
            version: before.version + 1,
            ..before
        };
        match self.changed.iter_mut().find(|(changed, _)| *changed == key) {
            Some((_, balance)) => *balance = after,
            None => self.changed.push((key, after)),
        }
        self.legs.push(PlannedLeg {
            key,
            amount,
            balance_after: after.posted,
            held,
            held_after: after.held,
            version: after.version,
            purpose,
        });
        Ok(())
    }

    /// Checks the floors of all balances together: what a transaction moves to and fro within
    /// one balance counts as a whole.
    pub(super) fn finish(self) -> Result<Planned, RejectionCode> {
        for (key, after) in &self.changed {
            if key.account != Account::Main {
                continue;
            }
            let slack = after.slack().ok_or(RejectionCode::LimitExceeded)?;
            let before = self.state.balance(*key).slack();
            // Money that comes in is welcome even where it does not yet reach the floor.
            if slack.is_negative() && before.is_none_or(|before| slack.amount() < before.amount()) {
                return Err(RejectionCode::InsufficientFunds);
            }
        }
        Ok(Planned {
            changed: self.changed,
            legs: self.legs,
        })
    }
}

/// A transaction that may be posted.
pub(super) struct Planned {
    changed: Vec<(BalanceKey, Balance)>,
    legs: Vec<PlannedLeg>,
}

impl Planned {
    /// Changes the balances of `state` and gives the legs.
    pub(super) fn post(self, state: &mut State) -> Vec<PlannedLeg> {
        for (key, balance) in self.changed {
            state.set_balance(key, balance);
        }
        self.legs
    }
}
