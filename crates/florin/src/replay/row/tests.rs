//! What is read, and how mistakes are named.

use super::*;

const HEADER: &str = "at,kind,wallet,counterparty,amount,currency,balance_after,reference";

fn refused(row: &str) -> String {
    let file = format!("{HEADER}\n2019-07-13T00:44:27Z,deposit,a,,1,KRW,,first\n{row}\n");
    parse(file.as_bytes()).expect_err(row).to_string()
}

#[test]
fn rows_are_read_as_they_stand() {
    let file = format!(
        "\u{feff}{HEADER}\n2019-07-13T09:44:27+09:00,payment,ann,booth,12.5,EUR,-0.50,r 1\n\
         2019-07-13T00:45:11Z,withdrawal,\"ann, the elder\",,7000,KRW,,r2\n"
    );
    let rows = parse(file.as_bytes()).expect("good");
    assert_eq!(rows[0].at.to_rfc3339(), "2019-07-13T00:44:27+00:00");
    assert_eq!(rows[0].amount.to_string(), "12.50");
    assert_eq!(
        rows[0].balance_after.map(|b| b.to_string()).as_deref(),
        Some("-0.50")
    );
    assert_eq!(rows[0].counterparty.as_deref(), Some("booth"));
    assert_eq!(
        (rows[1].number, rows[1].wallet.as_str()),
        (2, "ann, the elder")
    );
    assert_eq!(
        (&rows[1].balance_after, &rows[1].counterparty),
        (&None, &None)
    );
}

#[test]
fn an_adjustment_alone_may_take_away() {
    let file = format!("{HEADER}\n2019-07-13T00:00:00Z,adjustment,a,,-1.5,EUR,,r\n");
    let rows = parse(file.as_bytes()).expect("good");
    assert_eq!(rows[0].amount.to_string(), "-1.50");
}

#[test]
fn columns_may_stand_in_any_order_and_two_may_be_missing() {
    let file = "reference,currency,amount,wallet,kind,at\nr,EUR,1,a,deposit,2020-01-01T00:00:00Z\n";
    let rows = parse(file.as_bytes()).expect("good");
    assert_eq!(
        (rows[0].reference.as_str(), rows[0].wallet.as_str()),
        ("r", "a")
    );
}

#[test]
fn a_header_that_is_not_the_formats_is_refused() {
    for (header, words) in [
        (
            "at,kind,wallet,amount,currency",
            "line 1: the column reference is missing",
        ),
        ("at,at,kind", "line 1: the column at stands there twice"),
        ("at,when", "line 1: unknown column \"when\""),
        ("", "line 1: the column at is missing"),
    ] {
        let error = parse(header.as_bytes()).expect_err(header).to_string();
        assert!(error.starts_with(words), "{error}");
    }
}

/// Rows with a mistake, and what is said about it.
const MISTAKES: &[(&str, &str)] = &[
    (
        "yesterday,deposit,a,,1,KRW,,r",
        "line 3, column at: \"yesterday\"",
    ),
    (
        "2019-07-13T00:00:00Z,gift,a,,1,KRW,,r",
        "line 3, column kind: \"gift\" is none of",
    ),
    (
        "2019-07-13T00:00:00Z,refund,a,,1,KRW,,r",
        "column counterparty: a refund needs one",
    ),
    (
        "2019-07-13T00:00:00Z,refund,a,b,-1,KRW,,r",
        "column amount: \"-1\"",
    ),
    (
        "2019-07-13T00:00:00Z,adjustment,a,,--1,KRW,,r",
        "column amount: \"--1\"",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,,,1,KRW,,r",
        "line 3, column wallet: it is empty",
    ),
    (
        "2019-07-13T00:00:00Z,payment,a,,1,KRW,,r",
        "column counterparty: a payment needs one",
    ),
    (
        "2019-07-13T00:00:00Z,transfer,a,a,1,KRW,,r",
        "counterparty: it is the wallet itself",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1.5,KRW,,r",
        "column amount: \"1.5\" of KRW: the amount has more",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,-1,KRW,,r",
        "column amount: \"-1\"",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,XAU,,r",
        "column currency: \"XAU\"",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,KRW,1_0,r",
        "column balance_after: \"1_0\"",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,KRW,1.,r",
        "column balance_after: \"1.\"",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,KRW,0.1,r",
        "column balance_after: \"0.1\"",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,KRW,,",
        "column reference: it is empty",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,KRW,,first",
        "\"first\" stands on line 2 already",
    ),
    (
        "2019-07-13T00:00:00Z,deposit,a,,1,KRW,r",
        "line 3: 7 fields instead of 8",
    ),
];

#[test]
fn a_mistake_is_named_by_line_and_column() {
    for (row, words) in MISTAKES {
        let error = refused(row);
        assert!(error.contains(words), "{error} does not say {words}");
    }
    let error = parse(&b"at,kind,wallet,amount,currency,reference\n\xff,,,,,\n"[..]);
    assert_eq!(
        error.expect_err("not UTF-8").to_string(),
        "line 2: it is not UTF-8"
    );
}

#[test]
fn lines_are_counted_as_an_editor_does() {
    let file = format!("{HEADER}\n\n2019-07-13T00:00:00Z,deposit,\"a\nb\",,1,KRW,,r\n");
    let error = parse(file.as_bytes())
        .expect_err("a control character")
        .to_string();
    assert_eq!(error, "line 3, column wallet: it has a control character");
}
