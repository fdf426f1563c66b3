//! Fee rules that begin and end. Each moves the version by which every lane decides.

use contracts::{
    EventType, FeeRuleId,
    event::{FeeRuleChanged, FeeTerms},
};
use service_runtime::entropy;

use super::Log;
use crate::{
    domain::{Action, Caller, DeactivateFeeRule},
    store::fee_rules::RuleAt,
};

/// The rule that a command is about.
pub(super) fn about(action: &Action) -> Option<String> {
    match action {
        Action::DeactivateFeeRule(end) => Some(end.rule.to_string()),
        _ => None,
    }
}

impl Log {
    pub(super) fn fee_rule_created(&mut self, terms: &FeeTerms, caller: &Caller) -> FeeRuleChanged {
        let id = FeeRuleId::mint(self.head.posted_at, entropy());
        self.new_rules.push((self.rule_at(id), terms.clone()));
        self.head.rules_version += 1;
        self.fee_rule(EventType::FeeRuleCreated, id, terms.clone(), caller, None)
    }

    pub(super) fn fee_rule_ended(
        &mut self,
        end: &DeactivateFeeRule,
        terms: FeeTerms,
        caller: &Caller,
    ) -> FeeRuleChanged {
        self.ended_rules.push(self.rule_at(end.rule));
        self.head.rules_version += 1;
        let reason = Some(end.reason.clone());
        self.fee_rule(
            EventType::FeeRuleDeactivated,
            end.rule,
            terms,
            caller,
            reason,
        )
    }

    fn rule_at(&self, id: FeeRuleId) -> RuleAt {
        RuleAt {
            id,
            seq: self.head.seq,
        }
    }

    fn fee_rule(
        &self,
        event_type: EventType,
        rule: FeeRuleId,
        terms: FeeTerms,
        caller: &Caller,
        reason: Option<String>,
    ) -> FeeRuleChanged {
        FeeRuleChanged {
            id: self.event_id(),
            event_type,
            seq: self.head.seq,
            rule,
            terms,
            actor: caller.0.clone(),
            reason,
            posted_at: self.head.posted_at,
        }
    }
}
