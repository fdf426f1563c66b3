//! Deposits, withdrawals, transfers, payments and adjustments, from what is free or from a hold.

use contracts::{Account, Kind, Money, RejectionCode, event::Purpose};

use super::{
    super::{BalanceKey, Movement, Needs, State, SystemShard},
    Context, Outcome,
    draft::{Draft, PlannedLeg},
    limits, order,
};

pub(super) fn decide(
    state: &mut State,
    movement: &Movement,
    context: &Context,
) -> Result<Outcome, RejectionCode> {
    let order = movement.order();
    order::check(state, order.as_ref())?;
    let nothing = Money::zero(movement.amount.currency());
    let legs = post(state, movement, nothing, context)?;
    order::pay(state, order);
    Ok(Outcome::Posted(legs))
}

/// Posts a movement. `freed` of what is held on the debited balance comes free with it, in the
/// same version: what a capture takes, and what it releases.
pub(super) fn post(
    state: &mut State,
    movement: &Movement,
    freed: Money,
    context: &Context,
) -> Result<Vec<PlannedLeg>, RejectionCode> {
    let [debit, credit] = legs(movement, context.shard);
    let amount = if movement.amount.is_negative() {
        movement.amount.negated()
    } else {
        movement.amount
    };
    let mut draft = Draft::on(state);
    draft.change(debit, amount.negated(), freed.negated(), None)?;
    draft.leg(credit, amount)?;
    let category = movement.merchant_category.as_deref();
    if let Some(fee) = state.fees.of(movement.kind, category, amount)? {
        let payer = match movement.kind {
            Kind::Withdrawal | Kind::Transfer => debit,
            _ => credit,
        };
        let revenue = BalanceKey::system(Account::Revenue, context.shard, amount.currency());
        draft.leg_for(Purpose::Fee, payer, fee.negated())?;
        draft.leg_for(Purpose::Fee, revenue, fee)?;
    }
    let planned = draft.finish()?;
    // What comes out of a hold was counted when it was set aside.
    if freed.is_zero() {
        limits::admit_movement(state, movement, context.now)
            .map_err(|_| RejectionCode::LimitExceeded)?
            .apply(state);
    }
    Ok(planned.post(state))
}

/// The balances that a movement changes, and the one that its fee would go to.
pub(super) fn needs(movement: &Movement, context: &Context, needs: &mut Needs) {
    needs.balances.extend(legs(movement, context.shard));
    let currency = movement.amount.currency();
    if needs.fees.may_take(movement.kind, currency) {
        let revenue = BalanceKey::system(Account::Revenue, context.shard, currency);
        needs.balances.insert(revenue);
    }
    needs.orders.extend(movement.order());
    limits::needs(movement, needs);
}

/// The two balances that a movement changes: debited first.
fn legs(movement: &Movement, shard: SystemShard) -> [BalanceKey; 2] {
    let currency = movement.amount.currency();
    let own = BalanceKey::main(movement.wallet, currency);
    let system = |account| BalanceKey::system(account, shard, currency);
    match movement.kind {
        Kind::Deposit => [system(Account::Funding), own],
        Kind::Withdrawal => [own, system(Account::Funding)],
        Kind::Transfer | Kind::Payment => {
            let counterparty = movement
                .counterparty
                .expect("parsing gives transfers and payments a counterparty");
            [own, BalanceKey::main(counterparty, currency)]
        }
        Kind::Adjustment if movement.amount.is_negative() => [own, system(Account::Adjustment)],
        Kind::Adjustment => [system(Account::Adjustment), own],
        Kind::Refund | Kind::Reversal | Kind::Exchange => {
            unreachable!("these are commands of their own")
        }
    }
}
