//! `large_deposit`, severity medium: much money comes into a wallet at once.
//!
//! * Looked at is **one** deposit. Transfers in are not: they are somebody's transfer out.
//! * An alert is raised when its amount is **at or above** the threshold of its currency.
//! * A currency without a threshold raises none, and is counted in a metric.
//!
//! Evidence is the amount and the threshold. A threshold that is changed counts for what is
//! handled from then on.

use contracts::fraud::Rule;

use super::{Flow, Movement, Thresholds, Verdict};

/// Holds a movement against the rule.
pub fn check(movement: &Movement, thresholds: &Thresholds) -> Verdict {
    if movement.flow == Flow::Deposit {
        thresholds.judge(Rule::LargeDeposit, movement.money)
    } else {
        Verdict::Quiet
    }
}
