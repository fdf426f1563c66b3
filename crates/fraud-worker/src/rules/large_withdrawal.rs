//! `large_withdrawal`, severity high: much money leaves a wallet at once.
//!
//! * Looked at is **one** debit: a withdrawal or a transfer out. Payments are not.
//! * An alert is raised when its amount is **at or above** the threshold of its currency:
//!   with a threshold of 10,000, 10,000 raises one and 9,999.99 does not.
//! * A currency without a threshold raises none, and is counted in a metric: somebody should
//!   give it one.
//!
//! Evidence is the amount and the threshold. A threshold that is changed counts for what is
//! handled from then on.

use contracts::fraud::Rule;

use super::{Flow, Movement, Thresholds, Verdict};

/// Holds a movement against the rule.
pub fn check(movement: &Movement, thresholds: &Thresholds) -> Verdict {
    if movement.flow == Flow::Debit {
        thresholds.judge(Rule::LargeWithdrawal, movement.money)
    } else {
        Verdict::Quiet
    }
}
