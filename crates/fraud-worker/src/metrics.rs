//! Every metric of the worker, with its help text.

use contracts::fraud::Rule;
use service_runtime::metrics::Metric;

service_runtime::metrics_table! {
    ALERTS = Counter "florin_fraud_alerts_total" [rule],
        "Alerts that were raised, by rule.";
    UNMEASURED = Counter "florin_fraud_unmeasured_total" [rule, currency],
        "Movements in a currency for which a rule has no threshold, by rule and currency.";
}

/// Shows what is known before anything has happened.
pub(crate) fn show() {
    ALL.iter().for_each(Metric::describe);
    for rule in Rule::ALL {
        ALERTS.show(&[("rule", rule.as_str())]);
    }
}
