//! Freezing, blocking and closing wallets, and their credit limits.

use contracts::{Account, RejectionCode, WalletId};

use super::{
    super::{BalanceKey, ChangeWallet, Needs, Restrictions, State, WalletChange},
    Outcome,
};

pub(super) fn needs(change: &ChangeWallet, needs: &mut Needs) {
    needs.wallets.insert(change.wallet);
    if let Some(currency) = change.change.currency() {
        needs
            .balances
            .insert(BalanceKey::main(change.wallet, currency));
    }
}

pub(super) fn decide(state: &mut State, change: &ChangeWallet) -> Result<Outcome, RejectionCode> {
    let wallet = change.wallet;
    let before = *state
        .wallets
        .get(&wallet)
        .expect("a wallet is locked before it is changed");
    if before.has(Restrictions::CLOSED) {
        return Err(RejectionCode::WalletClosed);
    }
    match change.change {
        WalletChange::Freeze(None) => set(state, wallet, Restrictions::FROZEN)?,
        WalletChange::Unfreeze(None) => lift(state, wallet, Restrictions::FROZEN)?,
        WalletChange::Block => set(state, wallet, Restrictions::BLOCKED)?,
        WalletChange::Unblock => lift(state, wallet, Restrictions::BLOCKED)?,
        WalletChange::Close => {
            let empty = balances_of(state, wallet).into_iter().all(|key| {
                let balance = state.balance(key);
                balance.posted.is_zero() && balance.held.is_zero()
            });
            if !empty {
                return Err(RejectionCode::WalletNotEmpty);
            }
            set(state, wallet, Restrictions::CLOSED)?;
        }
        WalletChange::Freeze(Some(currency)) => {
            change_balance(state, BalanceKey::main(wallet, currency), |own| {
                own.with(Restrictions::CURRENCY_FROZEN)
            })?;
        }
        WalletChange::Unfreeze(Some(currency)) => {
            change_balance(state, BalanceKey::main(wallet, currency), |own| {
                own.without(Restrictions::CURRENCY_FROZEN)
            })?;
        }
        WalletChange::CreditLimit(limit) => {
            let key = BalanceKey::main(wallet, limit.currency());
            let mut balance = state.balance(key);
            balance.credit_limit = Some(limit);
            let slack = balance.slack().ok_or(RejectionCode::LimitExceeded)?;
            if slack.is_negative() {
                return Err(RejectionCode::CreditInUse);
            }
            state.set_balance(key, balance);
        }
    }
    Ok(Outcome::WalletChanged {
        status: state.wallets[&wallet].status(),
    })
}

/// Every balance that the wallet has: they were locked with it.
fn balances_of(state: &State, wallet: WalletId) -> Vec<BalanceKey> {
    state
        .balances
        .keys()
        .filter(|key| key.wallet == wallet && key.account == Account::Main)
        .copied()
        .collect()
}

fn set(state: &mut State, wallet: WalletId, added: Restrictions) -> Result<(), RejectionCode> {
    restrict(state, wallet, |own| own.with(added))
}

fn lift(state: &mut State, wallet: WalletId, lifted: Restrictions) -> Result<(), RejectionCode> {
    restrict(state, wallet, |own| own.without(lifted))
}

/// Changes the wallet and all of its balances: a movement locks and reads balances alone.
fn restrict(
    state: &mut State,
    wallet: WalletId,
    change: impl Fn(Restrictions) -> Restrictions,
) -> Result<(), RejectionCode> {
    let before = state.wallets[&wallet];
    let after = change(before);
    if after == before {
        return Err(RejectionCode::StatusUnchanged);
    }
    state.set_wallet(wallet, after);
    for key in balances_of(state, wallet) {
        let mut balance = state.balance(key);
        balance.restrictions = change(balance.restrictions);
        state.set_balance(key, balance);
    }
    Ok(())
}

fn change_balance(
    state: &mut State,
    key: BalanceKey,
    change: impl Fn(Restrictions) -> Restrictions,
) -> Result<(), RejectionCode> {
    let mut balance = state.balance(key);
    let after = change(balance.restrictions);
    if after == balance.restrictions {
        return Err(RejectionCode::StatusUnchanged);
    }
    balance.restrictions = after;
    state.set_balance(key, balance);
    Ok(())
}
