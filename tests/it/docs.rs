//! The committed pages say what the code says.

use system_tests::{
    docs::{errors, events, expect_committed, limits, metrics, settings},
    tidy::{expect_none, tree::Tree},
};

#[test]
fn the_event_catalogue_does_not_drift_from_the_contracts() {
    expect_committed(events::PAGE, &events::page(Tree::workspace()));
}

#[test]
fn the_table_of_errors_does_not_drift_from_the_codes() {
    expect_committed(errors::PAGE, &errors::page());
}

#[test]
fn every_error_is_produced_by_the_test_that_its_row_names() {
    expect_none(&errors::check(Tree::workspace()));
}

#[test]
fn the_table_of_limits_does_not_drift_from_the_contracts() {
    expect_committed(limits::PAGE, &limits::page(Tree::workspace()));
}

#[test]
fn the_table_of_settings_does_not_drift_from_the_flags() {
    expect_committed(settings::PAGE, &settings::page());
}

#[test]
fn the_table_of_metrics_does_not_drift_from_the_crates() {
    expect_committed(metrics::PAGE, &metrics::page());
}
