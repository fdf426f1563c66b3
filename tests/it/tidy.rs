//! The house rules, kept by the workspace as it stands.

use system_tests::tidy::{
    alerts, arrows, expect_none, features, lengths, links, orphans, proofs, reasons, rules::RULES,
    tree::Tree, words,
};

#[test]
fn every_line_is_in_its_room() {
    let sources = &Tree::workspace().sources;
    let found: Vec<_> = RULES.iter().flat_map(|rule| rule.check(sources)).collect();
    expect_none(&found);
}

#[test]
fn every_exception_of_a_room_is_needed() {
    let sources = &Tree::workspace().sources;
    let found: Vec<_> = RULES
        .iter()
        .flat_map(|rule| rule.stale_exceptions(sources))
        .collect();
    expect_none(&found);
}

#[test]
fn files_and_functions_are_short() {
    let sources = &Tree::workspace().sources;
    expect_none(&lengths::check(
        sources,
        lengths::LONG_FILES,
        lengths::LONG_FUNCTIONS,
    ));
}

#[test]
fn crates_depend_on_one_another_in_one_direction() {
    expect_none(&arrows::check(&arrows::packages(Tree::workspace())));
}

#[test]
fn texts_say_nothing_that_is_only_true_today() {
    expect_none(&words::check(&Tree::workspace().files));
}

#[test]
fn links_between_pages_lead_somewhere() {
    expect_none(&links::check(Tree::workspace()));
}

#[test]
fn every_alert_names_a_runbook() {
    expect_none(&alerts::check(Tree::workspace()));
}

#[test]
fn every_feature_has_its_row_and_what_is_done_names_its_test() {
    let tree = Tree::workspace();
    let page = tree.text(features::PAGE).expect("the page is there");
    expect_none(&features::check(page, features::FAMILIES));
}

#[test]
fn tests_that_pages_name_are_there() {
    expect_none(&proofs::check(Tree::workspace()));
}

#[test]
fn every_file_is_part_of_its_crate() {
    expect_none(&orphans::check(&Tree::workspace().sources));
}

#[test]
fn every_limit_states_its_reason() {
    expect_none(&reasons::check(&Tree::workspace().sources));
}
