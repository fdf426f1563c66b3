use super::*;

fn money(amount: &str, currency: &str) -> Money {
    let currency = currency.parse().expect("a currency");
    Money::exact(amount.parse().expect("a decimal"), currency).expect("exact")
}

fn verdict(amount: &str, currency: &str) -> Verdict {
    let thresholds = Thresholds::default();
    let of = |rule| thresholds.judge(rule, money(amount, currency));
    assert_eq!(
        of(Rule::LargeWithdrawal),
        of(Rule::LargeDeposit),
        "the defaults of both rules are the same"
    );
    assert_eq!(of(Rule::RapidWithdrawals), Verdict::Quiet);
    of(Rule::LargeDeposit)
}

#[test]
fn large_begins_exactly_at_the_threshold_of_the_currency() {
    for (below, at, currency) in [
        ("9999.99", "10000", "USD"),
        ("9999.99", "10000", "EUR"),
        ("9999.99", "10000", "GBP"),
        ("999999", "1000000", "JPY"),
        ("4999999", "5000000", "KRW"),
    ] {
        assert_eq!(
            verdict(below, currency),
            Verdict::Quiet,
            "{below} {currency}"
        );
        let threshold = money(at, currency).amount();
        assert_eq!(
            verdict(at, currency),
            Verdict::Large { threshold },
            "{at} {currency}"
        );
    }
}

#[test]
fn the_last_decimal_decides() {
    let rules = r#"{"large_withdrawal": {}, "large_deposit": {"BTC": "10000"}}"#;
    let thresholds = Thresholds::parse(rules).expect("rules");
    let of = |amount| thresholds.judge(Rule::LargeDeposit, money(amount, "BTC"));
    assert_eq!(of("9999.9999"), Verdict::Quiet);
    assert_eq!(of("9999.99999999"), Verdict::Quiet);
    assert!(matches!(of("10000.00"), Verdict::Large { .. }));
}

#[test]
fn a_currency_without_a_threshold_is_neither_large_nor_quiet() {
    assert_eq!(verdict("1000000000", "BTC"), Verdict::NoThreshold);
    assert_eq!(verdict("0.01", "CHF"), Verdict::NoThreshold);
}

#[test]
fn a_file_is_taken_whole_or_not_at_all() {
    let good = r#"{"large_withdrawal": {"CHF": "1.5"}, "large_deposit": {}}"#;
    let thresholds = Thresholds::parse(good).expect("rules");
    assert_eq!(
        thresholds.judge(Rule::LargeDeposit, money("1.50", "CHF")),
        Verdict::NoThreshold
    );
    for wrong in [
        "",
        "{}",
        r#"{"large_withdrawal": {}}"#,
        r#"{"large_withdrawal": {}, "large_deposit": {}, "large_gift": {}}"#,
        r#"{"large_withdrawal": {"XXX": "1"}, "large_deposit": {}}"#,
        r#"{"large_withdrawal": {"CHF": 1}, "large_deposit": {}}"#,
        r#"{"large_withdrawal": {"CHF": "0"}, "large_deposit": {}}"#,
        r#"{"large_withdrawal": {"JPY": "0.5"}, "large_deposit": {}}"#,
        r#"{"large_withdrawal": {"CHF": "-1"}, "large_deposit": {}}"#,
    ] {
        assert!(Thresholds::parse(wrong).is_err(), "{wrong}");
    }
}
