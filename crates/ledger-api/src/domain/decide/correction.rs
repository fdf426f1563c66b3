//! Refunds and reversals: money goes back the way it came.

use contracts::{Money, RejectionCode};

use super::{
    super::{BalanceKey, Correction, Needs, OriginalLeg, Refund, Reversal, State, SystemShard},
    Context, Outcome,
    draft::Draft,
};

pub(super) fn refund_needs(refund: &Refund, needs: &mut Needs) {
    needs.corrections.insert(refund.payment);
    needs.balances.extend(refund_keys(refund));
}

fn refund_keys(refund: &Refund) -> [BalanceKey; 2] {
    [refund.merchant, refund.customer]
        .map(|wallet| BalanceKey::main(wallet, refund.paid.currency()))
}

/// From the merchant to who paid. The house keeps its fee: who wants it back has the payment
/// reversed.
pub(super) fn refund(state: &mut State, refund: &Refund) -> Result<Outcome, RejectionCode> {
    let before = state.correction(refund.payment);
    if before.reversed {
        return Err(RejectionCode::AlreadyReversed);
    }
    let paid = refund.paid.amount();
    let left = paid - before.refunded;
    let amount = refund.amount.map_or(left, Money::amount);
    if amount > left || left.is_zero() {
        return Err(RejectionCode::RefundTooLarge);
    }
    let amount =
        Money::exact(amount, refund.paid.currency()).map_err(|_| RejectionCode::LimitExceeded)?;
    let [merchant, customer] = refund_keys(refund);
    let mut draft = Draft::on(state);
    draft.leg(merchant, amount.negated())?;
    draft.leg(customer, amount)?;
    let legs = draft.finish()?.post(state);
    let after = Correction {
        refunded: before.refunded + amount.amount(),
        ..before
    };
    state.set_correction(refund.payment, after);
    Ok(Outcome::Posted(legs))
}

pub(super) fn reversal_needs(reversal: &Reversal, context: &Context, needs: &mut Needs) {
    needs.corrections.insert(reversal.original);
    needs
        .corrections
        .extend(reversal.refunded.map(|(payment, _)| payment));
    let keys = reversal.legs.iter().map(|leg| key(leg, context.shard));
    needs.balances.extend(keys);
}

/// The lane's own system accounts take the other side, whichever lane posted the original: their
/// sum is what counts.
fn key(leg: &OriginalLeg, shard: SystemShard) -> BalanceKey {
    let currency = leg.amount.currency();
    match leg.wallet {
        Some(wallet) => BalanceKey {
            wallet,
            account: leg.account,
            currency,
        },
        None => BalanceKey::system(leg.account, shard, currency),
    }
}

/// Exactly the original's legs with the other sign, fees included.
pub(super) fn reverse(
    state: &mut State,
    reversal: &Reversal,
    context: &Context,
) -> Result<Outcome, RejectionCode> {
    let before = state.correction(reversal.original);
    if before.reversed {
        return Err(RejectionCode::AlreadyReversed);
    }
    if !before.refunded.is_zero() {
        return Err(RejectionCode::AlreadyRefunded);
    }
    let mut draft = Draft::on(state);
    for leg in &reversal.legs {
        let (key, amount) = (key(leg, context.shard), leg.amount.negated());
        match leg.purpose {
            Some(purpose) => draft.leg_for(purpose, key, amount)?,
            None => draft.leg(key, amount)?,
        }
    }
    let legs = draft.finish()?.post(state);
    let after = Correction {
        reversed: true,
        ..before
    };
    state.set_correction(reversal.original, after);
    // A refund that is undone was none: its payment may be paid back once more.
    if let Some((payment, amount)) = reversal.refunded {
        let before = state.correction(payment);
        let after = Correction {
            refunded: before.refunded - amount.amount(),
            ..before
        };
        state.set_correction(payment, after);
    }
    Ok(Outcome::Posted(legs))
}
