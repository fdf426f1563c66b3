//! What a debit counts against: the limits of the account behind the wallet.

use chrono::{DateTime, Utc};
use contracts::{Money, event::LimitReached};

use super::super::{
    BalanceKey, Movement, Needs, State,
    limit::{Limits, Usage, UsageKey, counts},
};

/// What an account has used when a debit is done; nothing where nobody counts.
pub(super) struct Counted(Option<(UsageKey, Usage)>);

impl Counted {
    /// Changes the usage of `state`.
    pub(super) fn apply(self, state: &mut State) {
        if let Some((key, usage)) = self.0 {
            state.set_usage(key, usage);
        }
    }
}

/// Names the balance whose debit a movement may have to count.
pub(super) fn needs(movement: &Movement, needs: &mut Needs) {
    if counts(movement.kind) {
        let currency = movement.amount.currency();
        needs
            .counted
            .insert(BalanceKey::main(movement.wallet, currency));
    }
}

/// Gives back what was counted at `placed_at` and comes free now.
pub(super) fn release(
    state: &mut State,
    freed: BalanceKey,
    amount: Money,
    placed_at: DateTime<Utc>,
    now: DateTime<Utc>,
) {
    let used = key(state, freed).and_then(|key| {
        let used = *state.usages.get(&key)?;
        Some((key, used))
    });
    if let Some((key, used)) = used {
        state.set_usage(key, used.release(amount, placed_at, now));
    }
}

/// Whose usage a balance's debits count in, as far as the state knows the owner.
fn key(state: &State, balance: BalanceKey) -> Option<UsageKey> {
    Some(UsageKey {
        owner: state.owners.get(&balance.wallet)?.clone(),
        currency: balance.currency,
    })
}

/// May a movement debit so much? Kinds that do not count always may.
///
/// # Errors
/// As [`admit`].
pub(super) fn admit_movement(
    state: &State,
    movement: &Movement,
    now: DateTime<Utc>,
) -> Result<Counted, Option<LimitReached>> {
    if !counts(movement.kind) {
        return Ok(Counted(None));
    }
    let key = BalanceKey::main(movement.wallet, movement.amount.currency());
    admit(state, key, movement.amount, now)
}

/// May `amount` be taken from a balance? The usage is there when the account has limits, or gets
/// its first in this batch.
///
/// # Errors
/// The limit that would be exceeded, or nothing when the sum does not fit the digits of a
/// decimal.
pub(super) fn admit(
    state: &State,
    debited: BalanceKey,
    amount: Money,
    now: DateTime<Utc>,
) -> Result<Counted, Option<LimitReached>> {
    let Some(key) = key(state, debited) else {
        return Ok(Counted(None));
    };
    let Some(used) = state.usages.get(&key) else {
        return Ok(Counted(None));
    };
    Limits::of(state.account(&key.owner), debited.currency).admit(used, amount, now)?;
    let usage = used.count(amount, now).ok_or(None)?;
    Ok(Counted(Some((key, usage))))
}
