use contracts::parse_amount;
use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn money(text: &str, code: &str) -> Money {
    parse_amount(text, currency(code)).expect("an amount")
}

fn terms(percentage: &str, code: &str) -> FeeTerms {
    FeeTerms {
        kinds: vec![Kind::Payment, Kind::Transfer],
        merchant_category: None,
        currency: currency(code),
        percentage: Some(percentage.parse().expect("a number")),
        fixed: None,
        minimum: None,
        maximum: None,
    }
}

fn taken(terms: FeeTerms, kind: Kind, amount: &str) -> String {
    let currency = terms.currency;
    let mut rules = FeeRules::default();
    rules.add(terms);
    let fee = rules
        .of(kind, None, money(amount, currency.code()))
        .expect("it fits");
    fee.map_or_else(|| "none".to_owned(), |fee| fee.to_string())
}

#[test]
fn a_percentage_is_rounded_half_to_even_to_the_smallest_unit() {
    for (percentage, code, amount, fee) in [
        // 0.495 cents.
        ("1.5", "EUR", "0.33", "none"),
        ("1.5", "EUR", "0.34", "0.01"),
        // Exactly one half, one and a half and two and a half cents.
        ("0.5", "EUR", "1.00", "none"),
        ("1.5", "EUR", "1.00", "0.02"),
        ("2.5", "EUR", "1.00", "0.02"),
        ("1.5", "JPY", "100", "2"),
        ("0.0001", "EUR", "10000.00", "0.01"),
        ("100", "EUR", "12.34", "12.34"),
        ("33.3333", "ETH", "1", "0.333333000000000000"),
        ("100", "ETH", "1000000000", "1000000000.000000000000000000"),
    ] {
        assert_eq!(
            taken(terms(percentage, code), Kind::Transfer, amount),
            fee,
            "{percentage} % of {amount} {code}"
        );
    }
}

#[test]
fn a_fee_stays_between_its_minimum_and_its_maximum_and_within_what_is_received() {
    let all = FeeTerms {
        fixed: Some("0.10".parse().expect("a number")),
        minimum: Some("0.50".parse().expect("a number")),
        maximum: Some("2.00".parse().expect("a number")),
        ..terms("1", "EUR")
    };
    for (amount, fee) in [("10.00", "0.50"), ("100.00", "1.10"), ("900.00", "2.00")] {
        assert_eq!(taken(all.clone(), Kind::Payment, amount), fee);
    }
    assert_eq!(taken(all.clone(), Kind::Payment, "0.30"), "0.30");
    assert_eq!(taken(all, Kind::Transfer, "0.30"), "0.50");
}

#[test]
fn a_rule_for_the_category_goes_before_one_for_all_and_a_new_one_before_an_old_one() {
    let mut rules = FeeRules::default();
    let mut add = |percentage: &str, category: Option<&str>| {
        rules.add(FeeTerms {
            merchant_category: category.map(str::to_owned),
            ..terms(percentage, "EUR")
        });
    };
    add("1", None);
    add("2", Some("food"));
    add("3", None);
    add("4", Some("books"));
    let of = |kind, category| {
        let fee = rules.of(kind, category, money("100.00", "EUR"));
        fee.expect("it fits").map(|fee| fee.to_string())
    };
    assert_eq!(of(Kind::Payment, Some("food")).as_deref(), Some("2.00"));
    assert_eq!(of(Kind::Payment, Some("toys")).as_deref(), Some("3.00"));
    assert_eq!(of(Kind::Payment, None).as_deref(), Some("3.00"));
    assert_eq!(of(Kind::Deposit, None), None);
    let dollars = rules.of(Kind::Payment, None, money("100.00", "USD"));
    assert_eq!(dollars, Ok(None));
}

proptest! {
    /// Against a rational number: the fee is never further than half a unit from the share.
    #[test]
    fn the_share_is_within_half_a_unit_of_the_exact_one(
        cents in 1_i64..1_000_000_000_000_000, parts in 0_i64..=1_000_000,
    ) {
        let rate = Decimal::new(parts, PERCENTAGE_SCALE);
        let amount = Money::exact(Decimal::new(cents, 2), currency("EUR")).expect("exact");
        let by = FeeTerms { percentage: Some(rate), ..terms("0", "EUR") };
        let share = fee(&by, amount).expect("it fits").amount().mantissa();
        let exact = i128::from(cents) * i128::from(parts);
        prop_assert!((share * WHOLE - exact).abs() * 2 <= WHOLE);
    }
}
