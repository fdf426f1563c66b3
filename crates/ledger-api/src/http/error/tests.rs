use std::collections::BTreeSet;

use contracts::RejectionCode;

use super::*;

#[test]
fn codes_are_unique_and_sorted_by_status() {
    let names: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), ErrorCode::ALL.len());
    let statuses: Vec<u16> = ErrorCode::ALL
        .iter()
        .map(|code| code.status_number())
        .collect();
    assert!(statuses.is_sorted(), "{statuses:?}");
}

#[test]
fn a_decision_against_keeps_its_code() {
    for code in RejectionCode::ALL.iter().copied() {
        assert_eq!(ErrorCode::from(code).as_str(), code.as_str());
    }
}
