//! Phase 4, and what of it has to wait for the log: the rows that a batch changed.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    batch::{Decision, Fresh},
    record::Log,
};
use crate::{
    domain::{OrderKey, State},
    store::{self, StoreError, corrections::Change},
};

/// The orders that are paid now, sorted, each with the answer that tells of it first.
pub(super) fn paid_orders(
    state: &State,
    fresh: &[Fresh<'_>],
    decisions: &[Vec<Decision>],
) -> Vec<(OrderKey, Uuid)> {
    let mut orders = BTreeMap::new();
    if state.touched.orders.is_empty() {
        return Vec::new();
    }
    let items = fresh.iter().flat_map(|group| &group.items);
    for (item, decision) in items.zip(decisions.iter().flatten()) {
        if let (Ok(_), Some(order)) = (decision, item.command.action.order())
            && state.touched.orders.contains(&order)
        {
            orders.entry(order).or_insert(item.answer_id);
        }
    }
    orders.into_iter().collect()
}

/// Phase 4: writes the rows that changed.
pub(super) async fn write(
    tx: &mut PgConnection,
    state: &State,
    orders: &[(OrderKey, Uuid)],
) -> Result<(), StoreError> {
    let touched = &state.touched;
    if !touched.accounts.is_empty() {
        let changes: Vec<_> = touched
            .accounts
            .iter()
            .map(|owner| (owner, &state.accounts[owner]))
            .collect();
        store::accounts::write_in_tx(tx, &changes).await?;
    }
    if !touched.wallets.is_empty() {
        let changes: Vec<_> = touched
            .wallets
            .iter()
            .map(|id| (*id, state.wallets[id]))
            .collect();
        store::wallets::write_in_tx(tx, &changes).await?;
    }
    if !touched.holds.is_empty() {
        let changes: Vec<_> = touched
            .holds
            .iter()
            .map(|id| (*id, state.holds[id]))
            .collect();
        store::holds::write_in_tx(tx, &changes).await?;
    }
    if !touched.balances.is_empty() {
        let changes: Vec<_> = touched
            .balances
            .iter()
            .map(|key| (*key, state.balances[key]))
            .collect();
        store::balances::write_in_tx(tx, &changes).await?;
    }
    if !touched.usages.is_empty() {
        let changes: Vec<_> = touched
            .usages
            .iter()
            .map(|key| (key, state.usages[key]))
            .collect();
        store::usages::write_in_tx(tx, &changes).await?;
    }
    // Before the head is locked: this may wait for another currency of the same merchant.
    if !orders.is_empty() {
        store::orders::pay_in_tx(tx, orders).await?;
    }
    Ok(())
}

/// Writes rows that speak of what has its name only now, under the head's lock. All of them are
/// new or locked already, and few batches have any.
pub(super) async fn write_named(
    tx: &mut PgConnection,
    state: &State,
    log: &mut Log,
) -> Result<(), StoreError> {
    let at = log.head.posted_at;
    if !log.wallets.is_empty() {
        for wallet in &mut log.wallets {
            // As the account is after the whole batch, which may have changed it since.
            wallet.restrictions = state.account(&wallet.owner).restrictions;
        }
        store::wallets::insert_in_tx(tx, &log.wallets, at).await?;
    }
    if !log.holds.is_empty() {
        store::holds::insert_in_tx(tx, &log.holds).await?;
    }
    log.exchange.write(tx, at).await?;
    if !log.new_rules.is_empty() || !log.ended_rules.is_empty() {
        store::fee_rules::write_in_tx(tx, &log.new_rules, &log.ended_rules, at).await?;
    }
    let corrected = &state.touched.corrections;
    if !corrected.is_empty() {
        let changes: Vec<Change> = corrected
            .iter()
            .map(|id| Change {
                transaction: *id,
                refunded: state.corrections[id].refunded,
                reversed_by: log.reversals.get(id).copied(),
            })
            .collect();
        store::corrections::write_in_tx(tx, &changes).await?;
    }
    Ok(())
}
