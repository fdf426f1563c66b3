//! A merchant's order is paid once, whoever pays it and under whatever key.

use contracts::RejectionCode;

use super::super::{OrderKey, State};

/// May the order be paid? What was decided against left it free.
pub(super) fn check(state: &State, order: Option<&OrderKey>) -> Result<(), RejectionCode> {
    match order {
        Some(order) if state.orders.contains(order) => Err(RejectionCode::OrderAlreadyPaid),
        _ => Ok(()),
    }
}
