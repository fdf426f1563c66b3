use proptest::prelude::*;

use super::*;

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

#[test]
fn the_stated_maxima_are_what_their_parts_say() {
    assert_eq!(AMOUNT_MAX, Decimal::from(10_000_000_000_000_u64));
    assert_eq!(AMOUNT_MAX_FINE, Decimal::from(1_000_000_000_u64));
}

#[test]
fn an_amount_has_one_grammar() {
    let eur = currency("EUR");
    for text in [
        "", ".", "1.", ".5", "-1", "+1", "1e3", "1_000", " 1", "1 ", "1,5", "NaN", "0x1", "１",
        "1.2.3", "1\0",
    ] {
        assert_eq!(
            parse_amount(text, eur),
            Err(AmountError::Syntax),
            "{text:?}"
        );
    }
    assert_eq!(parse_amount("10.005", eur), Err(AmountError::TooFine));
    assert_eq!(parse_amount("10.000", eur), Err(AmountError::TooFine));
    assert_eq!(parse_amount("0", eur), Err(AmountError::NotPositive));
    assert_eq!(parse_amount("0.00", eur), Err(AmountError::NotPositive));
    assert_eq!(
        parse_amount("1", currency("JPY")).map(|m| m.to_string()),
        Ok("1".into())
    );
    assert_eq!(
        parse_amount("1.0", currency("JPY")),
        Err(AmountError::TooFine)
    );
    assert_eq!(
        parse_amount("0012.5", eur).map(|m| m.to_string()),
        Ok("12.50".into())
    );
}

#[test]
fn the_largest_amount_passes_and_the_next_does_not() {
    let eur = currency("EUR");
    assert!(parse_amount("10000000000000.00", eur).is_ok());
    assert_eq!(
        parse_amount("10000000000000.01", eur),
        Err(AmountError::TooLarge)
    );
    assert_eq!(
        parse_amount(&"9".repeat(300), eur),
        Err(AmountError::TooLarge)
    );
    let eth = currency("ETH");
    assert!(parse_amount("1000000000.000000000000000000", eth).is_ok());
    assert_eq!(
        parse_amount("1000000000.000000000000000001", eth),
        Err(AmountError::TooLarge)
    );
    assert_eq!(
        parse_amount("0.000000000000000001", eth).map(|m| m.to_string()),
        Ok("0.000000000000000001".into())
    );
}

#[test]
fn a_sum_beyond_28_digits_is_an_overflow_and_never_rounded() {
    let eth = currency("ETH");
    let mut sum = parse_amount("1000000000.000000000000000001", eth)
        .or_else(|_| parse_amount("1000000000", eth))
        .expect("the maximum");
    let step = sum;
    let error = loop {
        match sum.checked_add(step) {
            Ok(next) => sum = next,
            Err(error) => break error,
        }
    };
    assert_eq!(error, MoneyError::Overflow);
    assert_eq!(sum.amount().scale(), 18);
}

#[test]
fn two_currencies_do_not_add_up() {
    let one = |code| parse_amount("1", currency(code)).expect("one");
    assert_eq!(
        one("EUR").checked_add(one("USD")),
        Err(MoneyError::CurrencyMismatch)
    );
}

proptest! {
    /// Sums agree with integer arithmetic in minor units, at every scale.
    #[test]
    fn sums_agree_with_big_integers(
        code in prop::sample::select(vec!["JPY", "EUR", "KWD", "BTC", "ETH"]),
        parts in prop::collection::vec((any::<bool>(), 0_u64..1_000_000_000_000_000), 1..40),
    ) {
        let currency = currency(code);
        let mut sum = Money::zero(currency);
        let mut oracle: i128 = 0;
        for (negative, minor) in parts {
            let amount = Decimal::from_i128_with_scale(i128::from(minor), currency.scale());
            let money = Money::exact(amount, currency).expect("fits");
            sum = if negative { sum.checked_sub(money) } else { sum.checked_add(money) }.expect("fits");
            oracle += if negative { -i128::from(minor) } else { i128::from(minor) };
        }
        prop_assert_eq!(sum.amount().mantissa(), oracle);
        prop_assert_eq!(sum.amount().scale(), currency.scale());
    }

    /// Whatever parses prints as itself and parses again to the same.
    #[test]
    fn what_parses_prints_canonically(text in "[0-9]{1,15}(\\.[0-9]{1,19})?") {
        for code in ["JPY", "EUR", "BTC", "ETH"] {
            if let Ok(money) = parse_amount(&text, currency(code)) {
                prop_assert_eq!(parse_amount(&money.to_string(), currency(code)), Ok(money));
            }
        }
    }

    /// No text makes the parser panic.
    #[test]
    fn any_text_is_answered(text in ".*") {
        let answered = parse_amount(&text, currency("EUR"));
        prop_assert!(answered.is_ok() || answered.is_err());
    }
}

#[test]
fn a_total_is_printed_at_its_scale_however_long_it_is() {
    let of = |text, code: &str| total_at_scale(text, code.parse().expect("a currency"));
    for (text, code, expected) in [
        ("0", "EUR", "0.00"),
        ("-1.5", "EUR", "-1.50"),
        ("12.3000", "EUR", "12.30"),
        ("7", "KRW", "7"),
        ("7.0", "KRW", "7"),
        (
            "123456789012345678901.000000000000000001",
            "ETH",
            "123456789012345678901.000000000000000001",
        ),
    ] {
        assert_eq!(of(text, code).as_deref(), Ok(expected), "{text} {code}");
    }
    for (text, code) in [
        ("0.001", "EUR"),
        ("1.5", "KRW"),
        ("", "EUR"),
        (".5", "EUR"),
        ("1e3", "EUR"),
        ("NaN", "EUR"),
        ("--1", "EUR"),
    ] {
        assert!(of(text, code).is_err(), "{text} {code}");
    }
}
