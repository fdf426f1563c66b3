//! Phase 2: everything that a batch decides on is locked, class by class.

use contracts::{HoldId, QuoteId, TransactionId, WalletId};
use sqlx::PgConnection;

use super::{
    SubmitError, accounts,
    batch::{BatchError, Fresh},
    pending::Item,
};
use crate::{
    domain::{Action, BalanceKey, Context, FeeRules, Needs, OrderKey, State, needs},
    store,
};

/// Locks what the commands need, in one order for everybody: accounts, wallets that change, holds,
/// quotes, corrections, balances, the balances that were not there, and last what accounts with
/// limits used. Orders are read when the merchants' balances are locked.
pub(super) async fn lock(
    tx: &mut PgConnection,
    context: &Context,
    rules: &FeeRules,
    fresh: &[Fresh<'_>],
) -> Result<State, BatchError> {
    let mut wanted = Needs {
        fees: possible(rules, fresh),
        ..Needs::default()
    };
    for item in fresh.iter().flat_map(|group| &group.items) {
        needs(&item.command.action, context, &mut wanted);
    }
    let mut state = State {
        fees: rules.clone(),
        ..State::default()
    };
    accounts::lock(tx, context, &mut wanted, &mut state).await?;
    if !wanted.wallets.is_empty() {
        let ids: Vec<WalletId> = wanted.wallets.iter().copied().collect();
        state.wallets = store::wallets::lock_in_tx(tx, &ids).await?;
        refuse_unknown(fresh, context, |needs| {
            needs
                .wallets
                .iter()
                .all(|id| state.wallets.contains_key(id))
        })?;
        wanted
            .balances
            .extend(store::balances::keys_in_tx(tx, &ids).await?);
    }
    if !wanted.holds.is_empty() {
        let ids: Vec<HoldId> = wanted.holds.iter().copied().collect();
        state.holds = store::holds::lock_in_tx(tx, &ids).await?;
        refuse_unknown(fresh, context, |needs| {
            needs.holds.iter().all(|id| state.holds.contains_key(id))
        })?;
    }
    if !wanted.quotes.is_empty() {
        let ids: Vec<QuoteId> = wanted.quotes.iter().copied().collect();
        state.quotes = store::quotes::lock_in_tx(tx, &ids).await?;
        refuse_unknown(fresh, context, |needs| {
            needs.quotes.iter().all(|id| state.quotes.contains_key(id))
        })?;
    }
    if !wanted.corrections.is_empty() {
        let ids: Vec<TransactionId> = wanted.corrections.iter().copied().collect();
        state.corrections = store::corrections::lock_in_tx(tx, &ids).await?;
    }
    lock_balances(tx, &wanted, &mut state).await?;
    if !wanted.orders.is_empty() {
        let orders: Vec<OrderKey> = wanted.orders.iter().cloned().collect();
        state.orders = store::orders::paid_in_tx(tx, &orders).await?;
    }
    // A wallet that is remembered may be gone with the server that knew it.
    if wanted.balances.len() > state.balances.len() {
        refuse_unknown(fresh, context, |needs| {
            needs
                .balances
                .iter()
                .all(|key| state.balances.contains_key(key))
        })?;
    }
    accounts::lock_usages(tx, context, &wanted, &mut state).await?;
    Ok(state)
}

/// The rules that hold before the batch, and those that it begins: the commands behind them are
/// decided by these.
fn possible(rules: &FeeRules, fresh: &[Fresh<'_>]) -> FeeRules {
    let mut possible = rules.clone();
    for item in fresh.iter().flat_map(|group| &group.items) {
        if let Action::CreateFeeRule(terms) = &item.command.action {
            possible.add(terms.clone());
        }
    }
    possible
}

async fn lock_balances(
    tx: &mut PgConnection,
    wanted: &Needs,
    state: &mut State,
) -> Result<(), BatchError> {
    if wanted.balances.is_empty() {
        return Ok(());
    }
    let keys: Vec<BalanceKey> = wanted.balances.iter().copied().collect();
    let there = store::balances::lock_in_tx(tx, &keys).await?;
    state.balances = there.into_iter().collect();
    // Few: each balance is new once. A row that somebody commits just now and holds again is
    // locked here out of order; should two transactions then wait for each other, Postgres ends
    // one, and its batch is run again.
    let new: Vec<BalanceKey> = keys
        .into_iter()
        .filter(|key| !state.balances.contains_key(key))
        .collect();
    if !new.is_empty() {
        store::balances::insert_missing_in_tx(tx, &new).await?;
        let there = store::balances::lock_in_tx(tx, &new).await?;
        state.balances.extend(there);
    }
    Ok(())
}

/// Names the commands that need what is not there.
fn refuse_unknown(
    fresh: &[Fresh<'_>],
    context: &Context,
    is_there: impl Fn(&Needs) -> bool,
) -> Result<(), BatchError> {
    let is_refused = |item: &&&Item| {
        let mut own = Needs::default();
        needs(&item.command.action, context, &mut own);
        !is_there(&own)
    };
    let refused: Vec<_> = fresh
        .iter()
        .flat_map(|group| &group.items)
        .filter(is_refused)
        .map(|item| (item.answer_id, SubmitError::UnknownWallet))
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(BatchError::Without(refused))
    }
}
