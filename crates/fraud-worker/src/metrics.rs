//! Every metric of the worker, with its help text.

service_runtime::metrics_table! {
    ALERTS = Counter "florin_fraud_alerts_total",
        "Alerts that were raised, by rule.";
    UNMEASURED = Counter "florin_fraud_unmeasured_total",
        "Movements in a currency for which a rule has no threshold, by rule and currency.";
}
