//! A merchant's order is paid once, whoever pays it and under whatever key: by one payment, or by
//! the captures of one hold.

use contracts::RejectionCode;

use super::super::{OrderKey, State};

/// May the order be paid? What was decided against left it free.
pub(super) fn check(state: &State, order: Option<&OrderKey>) -> Result<(), RejectionCode> {
    match order {
        Some(order) if state.orders.contains(order) => Err(RejectionCode::OrderAlreadyPaid),
        _ => Ok(()),
    }
}

/// Marks the order as paid, if it is not yet.
pub(super) fn pay(state: &mut State, order: Option<OrderKey>) {
    if let Some(order) = order
        && state.orders.insert(order.clone())
    {
        state.touched.orders.insert(order);
    }
}
