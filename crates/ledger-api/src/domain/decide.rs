//! `decide(state, movement)`: may it be posted, and as which legs?

use contracts::{Kind, Money, RejectionCode, WalletId};

use super::{Balance, BalanceKey, Movement, State, SystemShard, WalletStatus};

/// One side of a decided transaction, with the balance that follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedLeg {
    /// What changes.
    pub key: BalanceKey,
    /// By how much.
    pub amount: Money,
    /// The posted balance afterwards.
    pub balance_after: Money,
    /// The balance's version afterwards.
    pub version: u64,
}

/// A movement that may be posted: legs that sum to zero.
pub type Decision = [PlannedLeg; 2];

/// Decides on one movement and, when it may be posted, moves the balances of `state`, so that
/// the next movement of the batch sees them.
///
/// The state must hold every wallet and balance that [`legs`] names.
///
/// # Errors
/// The business reason why it may not be posted. The state is then unchanged.
pub fn decide(
    state: &mut State,
    movement: &Movement,
    shard: SystemShard,
) -> Result<Decision, RejectionCode> {
    let [debit, credit] = legs(movement, shard);
    may_debit(state, debit.wallet)?;
    may_credit(state, credit.wallet)?;
    let debited = apply(balance(state, debit), movement.amount.negated())?;
    let credited = apply(balance(state, credit), movement.amount)?;
    refuse_below_floor(&debited)?;

    let planned = |key, amount, after: Balance| PlannedLeg {
        key,
        amount,
        balance_after: after.posted,
        version: after.version,
    };
    let decision = [
        planned(debit, movement.amount.negated(), debited),
        planned(credit, movement.amount, credited),
    ];
    state.balances.insert(debit, debited);
    state.balances.insert(credit, credited);
    Ok(decision)
}

/// The two balances that a movement changes: debited first.
pub fn legs(movement: &Movement, shard: SystemShard) -> [BalanceKey; 2] {
    let currency = movement.amount.currency();
    let own = BalanceKey::main(movement.wallet, currency);
    let funding = BalanceKey::funding(shard, currency);
    match movement.kind {
        Kind::Deposit => [funding, own],
        Kind::Withdrawal => [own, funding],
        Kind::Transfer | Kind::Payment => {
            let counterparty = movement
                .counterparty
                .expect("parsing gives transfers and payments a counterparty");
            [own, BalanceKey::main(counterparty, currency)]
        }
    }
}

fn balance(state: &State, key: BalanceKey) -> Balance {
    *state
        .balances
        .get(&key)
        .expect("every balance of a batch is locked before it is decided on")
}

fn apply(balance: Balance, amount: Money) -> Result<Balance, RejectionCode> {
    // A sum that does not fit the digits of a decimal cannot be kept exactly.
    let posted = balance
        .posted
        .checked_add(amount)
        .map_err(|_| RejectionCode::LimitExceeded)?;
    Ok(Balance {
        posted,
        version: balance.version + 1,
        ..balance
    })
}

fn refuse_below_floor(debited: &Balance) -> Result<(), RejectionCode> {
    let Some(credit_limit) = debited.credit_limit else {
        return Ok(());
    };
    let slack = debited
        .posted
        .checked_sub(debited.held)
        .and_then(|available| available.checked_add(credit_limit))
        .map_err(|_| RejectionCode::LimitExceeded)?;
    if slack.is_negative() {
        return Err(RejectionCode::InsufficientFunds);
    }
    Ok(())
}

fn may_debit(state: &State, wallet: WalletId) -> Result<(), RejectionCode> {
    match status(state, wallet) {
        WalletStatus::Active => Ok(()),
        WalletStatus::Frozen => Err(RejectionCode::WalletFrozen),
        WalletStatus::Blocked => Err(RejectionCode::WalletBlocked),
        WalletStatus::Suspended => Err(RejectionCode::WalletSuspended),
        WalletStatus::Closed => Err(RejectionCode::WalletClosed),
    }
}

fn may_credit(state: &State, wallet: WalletId) -> Result<(), RejectionCode> {
    match status(state, wallet) {
        // A frozen wallet may still be paid: the money is safe there.
        WalletStatus::Active | WalletStatus::Frozen => Ok(()),
        WalletStatus::Blocked => Err(RejectionCode::WalletBlocked),
        WalletStatus::Suspended => Err(RejectionCode::WalletSuspended),
        WalletStatus::Closed => Err(RejectionCode::WalletClosed),
    }
}

fn status(state: &State, wallet: WalletId) -> WalletStatus {
    // The system's own wallets have no status to lose.
    state
        .wallets
        .get(&wallet)
        .map_or(WalletStatus::Active, |wallet| wallet.status)
}

#[cfg(test)]
mod tests;
