//! Fee rules begin and end. They hold for what is decided after them, in the same batch too.

use contracts::{RejectionCode, event::FeeTerms, limits::FEE_RULES_MAX};

use super::{
    super::{DeactivateFeeRule, State},
    Outcome,
};

pub(super) fn create(state: &mut State, terms: &FeeTerms) -> Result<Outcome, RejectionCode> {
    if state.fees.len() >= FEE_RULES_MAX {
        return Err(RejectionCode::TooManyFeeRules);
    }
    state.fees.add(terms.clone());
    Ok(Outcome::FeeRuleCreated)
}

pub(super) fn deactivate(
    state: &mut State,
    end: &DeactivateFeeRule,
) -> Result<Outcome, RejectionCode> {
    let ended = state.fees.remove(end.rule);
    ended
        .map(Outcome::FeeRuleDeactivated)
        .ok_or(RejectionCode::FeeRuleInactive)
}
