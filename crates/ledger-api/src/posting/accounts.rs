//! The accounts of a batch: locked first, and what they used last.

use std::collections::BTreeSet;

use contracts::WalletId;
use sqlx::PgConnection;

use crate::{
    domain::{AccountNeed, AccountState, Context, Needs, Restrictions, State, Usage, UsageKey},
    store::{self, StoreError},
};

/// Locks the accounts that wallets are opened for or that change, and wants every wallet of those
/// that change.
pub(super) async fn lock(
    tx: &mut PgConnection,
    context: &Context,
    wanted: &mut Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    if wanted.accounts.is_empty() {
        return Ok(());
    }
    let owners: Vec<String> = wanted.accounts.keys().cloned().collect();
    let changing: Vec<String> = wanted
        .accounts
        .iter()
        .filter(|(_, need)| **need != AccountNeed::Open)
        .map(|(owner, _)| owner.clone())
        .collect();
    let exclusive = !changing.is_empty();
    state.accounts = take(tx, &owners, exclusive).await?.into_iter().collect();
    let new: Vec<String> = owners
        .into_iter()
        .filter(|owner| !state.accounts.contains_key(owner))
        .collect();
    if !new.is_empty() {
        store::accounts::insert_missing_in_tx(tx, &new, context.now).await?;
        state.accounts.extend(take(tx, &new, exclusive).await?);
    }
    if exclusive {
        for (wallet, owner) in store::accounts::wallets_in_tx(tx, &changing).await? {
            wanted.wallets.insert(wallet);
            state.owners.insert(wallet, owner);
        }
    }
    Ok(())
}

/// One statement for a batch, so that there is one order: exclusive for all when one changes.
async fn take(
    tx: &mut PgConnection,
    owners: &[String],
    exclusive: bool,
) -> Result<Vec<(String, AccountState)>, StoreError> {
    if exclusive {
        store::accounts::lock_in_tx(tx, owners).await
    } else {
        store::accounts::share_in_tx(tx, owners).await
    }
}

/// Locks what accounts with limits used, as far as the batch may add to it. Comes after the
/// balances, because they tell whether there are limits: an account without a level costs nothing.
pub(super) async fn lock_usages(
    tx: &mut PgConnection,
    context: &Context,
    wanted: &Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    recount(tx, context, wanted, state).await?;
    let limited: BTreeSet<WalletId> = wanted
        .counted
        .iter()
        .filter(|key| state.balance(**key).restrictions.has(Restrictions::LIMITED))
        .map(|key| key.wallet)
        .collect();
    if !limited.is_empty() {
        let limited: Vec<WalletId> = limited.into_iter().collect();
        for (wallet, owner, account) in store::accounts::of_wallets_in_tx(tx, &limited).await? {
            state.accounts.entry(owner.clone()).or_insert(account);
            state.owners.insert(wallet, owner);
        }
    }
    let mut keys = BTreeSet::new();
    for counted in &wanted.counted {
        let Some(owner) = state.owners.get(&counted.wallet) else {
            continue;
        };
        let key = UsageKey {
            owner: owner.clone(),
            currency: counted.currency,
        };
        if state.account(owner).is_limited() {
            keys.insert(key);
        } else if wanted.accounts.get(owner) == Some(&AccountNeed::Limit) {
            // Spent in this very batch, before or after the account gets its first level.
            let none = Usage::none(counted.currency, context.now);
            state.usages.entry(key).or_insert(none);
        }
    }
    if keys.is_empty() {
        return Ok(());
    }
    let keys: Vec<UsageKey> = keys.into_iter().collect();
    let there = store::usages::lock_in_tx(tx, &keys).await?;
    state.usages.extend(there);
    let new: Vec<UsageKey> = keys
        .into_iter()
        .filter(|key| !state.usages.contains_key(key))
        .collect();
    if !new.is_empty() {
        store::usages::insert_missing_in_tx(tx, &new, context.now).await?;
        state
            .usages
            .extend(store::usages::lock_in_tx(tx, &new).await?);
    }
    Ok(())
}

/// What accounts used that get their first level: nobody has counted it before.
async fn recount(
    tx: &mut PgConnection,
    context: &Context,
    wanted: &Needs,
    state: &mut State,
) -> Result<(), StoreError> {
    for (owner, need) in &wanted.accounts {
        if *need == AccountNeed::Limit && !state.account(owner).is_limited() {
            let used = store::usages::recount_in_tx(tx, owner, context.now).await?;
            state.usages.extend(used);
        }
    }
    Ok(())
}
