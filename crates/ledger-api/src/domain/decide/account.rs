//! Opening wallets for an account, and changing accounts with all their wallets.

use std::collections::HashSet;

use contracts::{Account, RejectionCode, WalletId};

use super::{
    super::{
        AccountChange, AccountNeed, BalanceKey, ChangeAccount, Needs, OpenWallet, Restrictions,
        State,
    },
    Outcome,
};

pub(super) fn open_needs(open: &OpenWallet, needs: &mut Needs) {
    needs.account(&open.owner, AccountNeed::Open);
}

/// A wallet is born with what its account may not do.
pub(super) fn open(state: &State, open: &OpenWallet) -> Result<Outcome, RejectionCode> {
    let account = state.account(&open.owner);
    if account.restrictions.has(Restrictions::CLOSED) {
        return Err(RejectionCode::AccountClosed);
    }
    Ok(Outcome::Opened(account.restrictions))
}

pub(super) fn needs(change: &ChangeAccount, needs: &mut Needs) {
    let need = if change.change.sets_level() {
        AccountNeed::Limit
    } else {
        AccountNeed::Change
    };
    needs.account(&change.owner, need);
}

/// Changes the account, its wallets and their balances: a movement locks and reads balances
/// alone.
pub(super) fn decide(state: &mut State, change: &ChangeAccount) -> Result<Outcome, RejectionCode> {
    let before = state.account(&change.owner).clone();
    let after = before.after(&change.change)?;
    let wallets = wallets_of(state, &change.owner);
    let balances = balances_of(state, &wallets);
    if change.change == AccountChange::Close {
        let is_empty = balances.iter().all(|key| {
            let balance = state.balance(*key);
            balance.posted.is_zero() && balance.held.is_zero()
        });
        if !is_empty {
            return Err(RejectionCode::AccountNotEmpty);
        }
    }
    let added = after.restrictions.without(before.restrictions);
    let lifted = before.restrictions.without(after.restrictions);
    if added != lifted {
        let apply = |own: Restrictions| own.with(added).without(lifted);
        for wallet in &wallets {
            state.set_wallet(*wallet, apply(state.wallets[wallet]));
        }
        for key in balances {
            let mut balance = state.balance(key);
            balance.restrictions = apply(balance.restrictions);
            state.set_balance(key, balance);
        }
    }
    if after.is_limited() && !before.is_limited() {
        // What was spent before counts from now on: it was read from the books.
        state.touch_usages_of(&change.owner);
    }
    state.set_account(&change.owner, after.clone());
    Ok(Outcome::AccountChanged(after))
}

/// All of the account's wallets: they were locked with it.
fn wallets_of(state: &State, owner: &str) -> HashSet<WalletId> {
    let own = state.owners.iter().filter(|(_, own)| *own == owner);
    own.map(|(wallet, _)| *wallet).collect()
}

fn balances_of(state: &State, wallets: &HashSet<WalletId>) -> Vec<BalanceKey> {
    let keys = state.balances.keys().copied();
    keys.filter(|key| key.account == Account::Main && wallets.contains(&key.wallet))
        .collect()
}
