//! Deposits, withdrawals, transfers, payments and adjustments.

use contracts::{Account, Kind, RejectionCode, event::Purpose};

use super::{
    super::{BalanceKey, Movement, Needs, State, SystemShard},
    Context, Outcome,
    draft::Draft,
    limits,
};

pub(super) fn decide(
    state: &mut State,
    movement: &Movement,
    context: &Context,
) -> Result<Outcome, RejectionCode> {
    let [debit, credit] = legs(movement, context.shard);
    let amount = if movement.amount.is_negative() {
        movement.amount.negated()
    } else {
        movement.amount
    };
    let mut draft = Draft::on(state);
    draft.leg(debit, amount.negated())?;
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
    let counted = limits::admit_movement(state, movement, context.now)
        .map_err(|_| RejectionCode::LimitExceeded)?;
    counted.apply(state);
    Ok(Outcome::Posted(planned.post(state)))
}

/// The balances that a movement changes, and the one that its fee would go to.
pub(super) fn needs(movement: &Movement, context: &Context, needs: &mut Needs) {
    needs.balances.extend(legs(movement, context.shard));
    let currency = movement.amount.currency();
    if needs.fees.may_take(movement.kind, currency) {
        let revenue = BalanceKey::system(Account::Revenue, context.shard, currency);
        needs.balances.insert(revenue);
    }
}

/// The two balances that a movement changes: debited first.
pub(super) fn legs(movement: &Movement, shard: SystemShard) -> [BalanceKey; 2] {
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
