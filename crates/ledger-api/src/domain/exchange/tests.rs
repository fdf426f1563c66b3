use contracts::parse_amount;
use proptest::prelude::*;

use super::*;

/// Scales 2, 2, 0, 3, 8 and 18.
const CURRENCIES: [&str; 6] = ["EUR", "USD", "JPY", "KWD", "BTC", "ETH"];

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn money(amount: &str, code: &str) -> Money {
    parse_amount(amount, currency(code)).expect("an amount")
}

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("in range")
}

fn known(base: &str, quote: &str, rate: &str) -> KnownRate {
    KnownRate {
        rate: Rate {
            base: currency(base),
            quote: currency(quote),
            rate: decimal(rate),
            as_of: at(0),
            spread: None,
        },
        seq: 1,
    }
}

fn terms(spread: &str) -> Terms {
    Terms {
        spread: decimal(spread),
        rate_age_max: TimeDelta::days(1),
        quote_life: TimeDelta::seconds(30),
    }
}

fn priced(from: &str, to: &str, known: &[KnownRate], spread: &str) -> Price {
    price(currency(from), currency(to), known, &terms(spread), at(0)).expect("a price")
}

fn converted(amount: &str, from: &str, to: &str, price: &Price) -> [String; 2] {
    let done = convert(money(amount, from), currency(to), price).expect("an amount");
    [done.value, done.amount].map(|money| money.to_string())
}

#[test]
fn an_exchange_is_computed_as_by_hand() {
    let ecb = [known("EUR", "USD", "1.1684"), known("EUR", "JPY", "186.75")];
    let price = priced("EUR", "JPY", &ecb, "0.5");
    assert_eq!(
        [price.mid_rate, price.rate, price.spread].map(|number| number.to_string()),
        ["186.75", "185.81625", "0.5"]
    );
    // 25 * 186.75 = 4668.75 and 25 * 185.81625 = 4645.40625
    assert_eq!(converted("25.00", "EUR", "JPY", &price), ["4668", "4645"]);

    // 186.75 / 1.1684 = 159.833960972269770626…
    let cross = priced("USD", "JPY", &ecb, "0");
    assert_eq!(cross.mid_rate.to_string(), "159.83396097226977");
    assert_eq!(cross.rate, cross.mid_rate);
    // 1 / 186.75 = 0.005354752342704149933065…
    let inverse = priced("JPY", "EUR", &ecb, "0");
    assert_eq!(inverse.mid_rate.to_string(), "0.00535475234270414993");
    assert_eq!(
        converted("4668", "JPY", "EUR", &inverse),
        ["24.99", "24.99"]
    );
}

#[test]
fn of_several_rates_the_newest_counts_and_of_one_moment_the_later() {
    let mut rates = [known("EUR", "USD", "1.1"), known("EUR", "USD", "1.2")];
    rates[1].seq = 2;
    let mid = |rates: &[KnownRate]| priced("EUR", "USD", rates, "0").mid_rate.to_string();
    assert_eq!(mid(&rates), "1.2");
    rates[0].rate.as_of = at(1);
    assert_eq!(mid(&rates), "1.1");
    // Whichever way round it was set.
    let mut turned = known("USD", "EUR", "0.8");
    turned.rate.as_of = at(2);
    let all = [rates[0].clone(), rates[1].clone(), turned];
    assert_eq!(mid(&all), "1.25");
}

#[test]
fn where_there_are_two_ways_the_lower_rate_counts() {
    let rates = |own: &str| {
        vec![
            known("EUR", "USD", "1.25"),
            known("EUR", "JPY", "200"),
            known("USD", "JPY", own),
        ]
    };
    for (own, there, back) in [
        ("150", "150", "0.00625"),
        ("170", "160", "0.00588235294117647058"),
    ] {
        let mid = |from, to| priced(from, to, &rates(own), "0").mid_rate.to_string();
        assert_eq!(
            [mid("USD", "JPY"), mid("JPY", "USD")],
            [there, back].map(str::to_owned)
        );
    }
}

#[test]
fn a_spread_is_that_of_the_rate_or_the_houses_and_the_larger_of_two() {
    let with = |spread: Option<&str>, quote: &str| {
        let mut rate = known("EUR", quote, "2");
        rate.rate.spread = spread.map(decimal);
        rate
    };
    for (usd, jpy, direct, cross) in [
        (Some("0.1"), Some("0.2"), "0.1", "0.2"),
        (Some("0.1"), None, "0.1", "0.5"),
        (Some("3.00"), None, "3", "3"),
        (None, None, "0.5", "0.5"),
        (Some("0"), Some("0"), "0", "0"),
    ] {
        let rates = [with(usd, "USD"), with(jpy, "JPY")];
        let spread = |from, to| priced(from, to, &rates, "0.5").spread.to_string();
        assert_eq!(spread("EUR", "USD"), direct, "{usd:?}");
        assert_eq!(spread("USD", "JPY"), cross, "{usd:?} {jpy:?}");
    }
}

#[test]
fn without_a_rate_or_with_an_old_one_there_is_no_price() {
    let ask = |rates: &[KnownRate], now| {
        price(
            currency("USD"),
            currency("JPY"),
            rates,
            &terms("0"),
            at(now),
        )
        .map(|price| price.as_of)
    };
    let rates = [known("EUR", "USD", "1"), known("EUR", "JPY", "1")];
    assert_eq!(ask(&rates[..1], 0), Err(RejectionCode::RateUnknown));
    let day = 24 * 3600;
    assert_eq!(ask(&rates, day), Ok(at(0)));
    assert_eq!(ask(&rates, day + 1), Err(RejectionCode::RateStale));
    // One old leg of two is one too many; a rate of their own that is fresh is enough.
    let mut mixed = rates.to_vec();
    mixed[0].rate.as_of = at(day);
    assert_eq!(ask(&mixed, day + 1), Err(RejectionCode::RateStale));
    let mut own = known("USD", "JPY", "1");
    own.rate.as_of = at(day);
    mixed.push(own);
    assert_eq!(ask(&mixed, day + 1), Ok(at(day)));
}

#[test]
fn what_would_become_nothing_or_too_much_is_refused() {
    let price = |rate: &str| Price {
        mid_rate: decimal(rate),
        rate: decimal(rate),
        spread: Decimal::ZERO,
        as_of: at(0),
    };
    let ask = |amount, from, to, rate| {
        convert(money(amount, from), currency(to), &price(rate)).map(|done| done.amount.to_string())
    };
    let small = Err(RejectionCode::AmountTooSmall);
    let large = Err(RejectionCode::LimitExceeded);
    assert_eq!(ask("0.01", "EUR", "JPY", "99.999"), small);
    assert_eq!(ask("0.01", "EUR", "JPY", "100"), Ok("1".to_owned()));
    assert_eq!(
        ask("10000000000000", "EUR", "USD", "1"),
        Ok("10000000000000.00".to_owned())
    );
    assert_eq!(
        ask("10000000000000", "EUR", "USD", "1.000000000000001"),
        large
    );
    assert_eq!(ask("1000000001", "USD", "ETH", "1"), large);
    assert_eq!(
        ask("999999999.999999999999999999", "ETH", "BTC", "999999999999"),
        large
    );
    assert_eq!(
        ask("0.000000000000000001", "ETH", "ETH", "1"),
        Ok("0.000000000000000001".to_owned())
    );
}

/// A rate as it may be set: up to 18 significant digits, 10^-12 to 10^12.
fn any_rate() -> impl Strategy<Value = Decimal> {
    let any = (1_i64..1_000_000_000_000, 0_u32..=12);
    // Most are such that money of one currency becomes a like number of units of the other.
    let like = (1_i64..1_000_000, 2_u32..=5);
    prop_oneof![any, like.clone(), like].prop_map(|(number, scale)| Decimal::new(number, scale))
}

/// Rates of all currencies against the hub in either direction, and some of their own.
fn any_rates() -> impl Strategy<Value = Vec<KnownRate>> {
    let hub = prop::collection::vec((any_rate(), any::<bool>()), CURRENCIES.len() - 1);
    let own = prop::collection::vec((0_usize..6, 0_usize..6, any_rate()), 0..4);
    (hub, own).prop_map(|(hub, own)| {
        let hub = CURRENCIES[1..]
            .iter()
            .zip(hub)
            .map(|(code, (rate, turned))| {
                let (base, quote) = if turned {
                    (*code, "EUR")
                } else {
                    ("EUR", *code)
                };
                known(base, quote, &rate.to_string())
            });
        let own = own
            .into_iter()
            .filter(|(a, b, _)| *a != *b && *a != 0 && *b != 0);
        hub.chain(own.map(|(a, b, rate)| known(CURRENCIES[a], CURRENCIES[b], &rate.to_string())))
            .collect()
    })
}

fn any_units() -> impl Strategy<Value = i64> {
    prop_oneof![1_i64..100, 1_i64..1_000_000_000_000_000]
}

fn units(number: i64, code: &str) -> Money {
    let currency = currency(code);
    Money::exact(Decimal::new(number, currency.scale()), currency).expect("at its scale")
}

proptest! {
    #[test]
    fn no_circle_of_exchanges_ends_with_more_than_it_began(
        rates in any_rates(),
        way in prop::collection::vec(0_usize..6, 2..6),
        number in any_units(),
        spread in 0_i64..500_000,
    ) {
        let start = way[0];
        let mut money = units(number, CURRENCIES[start]);
        let spread = Decimal::new(spread, 4).to_string();
        for step in way.windows(2).map(|pair| (pair[0], pair[1])).chain([(way[way.len() - 1], start)]) {
            if step.0 == step.1 {
                continue;
            }
            let price = priced(CURRENCIES[step.0], CURRENCIES[step.1], &rates, &spread);
            match convert(money, currency(CURRENCIES[step.1]), &price) {
                Ok(done) => money = done.amount,
                Err(_) => return Ok(()),
            }
        }
        prop_assert!(money.amount() <= units(number, CURRENCIES[start]).amount(), "{money:?}");
    }

    #[test]
    fn many_small_exchanges_to_and_fro_bring_no_more_than_none(
        rates in any_rates(),
        pair in (0_usize..6, 0_usize..6),
        parts in prop::collection::vec(1_i64..100_000, 1..20),
    ) {
        prop_assume!(pair.0 != pair.1);
        let (from, to) = (CURRENCIES[pair.0], CURRENCIES[pair.1]);
        let (there, back) = (priced(from, to, &rates, "0"), priced(to, from, &rates, "0"));
        let mut gained = Money::zero(currency(to));
        let mut given = Money::zero(currency(from));
        for part in parts {
            let part = units(part, from);
            given = given.checked_add(part).expect("fits");
            if let Ok(done) = convert(part, currency(to), &there) {
                gained = gained.checked_add(done.amount).expect("fits");
            }
        }
        if gained.is_positive()
            && let Ok(done) = convert(gained, currency(from), &back)
        {
            prop_assert!(done.amount.amount() <= given.amount());
        }
    }

    #[test]
    fn the_house_keeps_what_the_spread_says_and_never_less_than_nothing(
        rates in any_rates(),
        pair in (0_usize..6, 0_usize..6),
        number in any_units(),
        spread in 0_i64..500_000,
    ) {
        prop_assume!(pair.0 != pair.1);
        let (from, to) = (CURRENCIES[pair.0], CURRENCIES[pair.1]);
        let price = priced(from, to, &rates, &Decimal::new(spread, 4).to_string());
        prop_assert!(price.rate <= price.mid_rate);
        let digits = |rate: Decimal| rate.mantissa().to_string().len();
        prop_assert!(digits(price.mid_rate) <= 26 && price.mid_rate.scale() <= 28);
        if let Ok(done) = convert(units(number, from), currency(to), &price) {
            prop_assert!(done.amount.amount() <= done.value.amount());
            prop_assert_eq!(done.amount.amount().scale(), currency(to).scale());
            prop_assert!(done.amount.is_positive());
        }
    }

    /// The other way to the same number: multiply first, then look whether one unit more would
    /// be too much.
    #[test]
    fn an_amount_is_the_largest_that_the_rate_allows(
        rate in any_rate(),
        pair in (0_usize..6, 0_usize..6),
        number in any_units(),
    ) {
        let (from, to) = (currency(CURRENCIES[pair.0]), currency(CURRENCIES[pair.1]));
        let price = Price { mid_rate: rate, rate, spread: Decimal::ZERO, as_of: at(0) };
        if let Ok(done) = convert(units(number, CURRENCIES[pair.0]), to, &price) {
            // amount * 10^(scale of from + scale of rate) against units * rate * 10^scale of to
            let whole = |units: i128, digits: u32| BigUint::from(units.unsigned_abs()) * ten_to(digits);
            let given = whole(i128::from(number) , to.scale()) * BigUint::from(rate.mantissa().unsigned_abs());
            let taken = |units: i128| whole(units, from.scale() + rate.scale());
            let got = done.amount.amount().mantissa();
            prop_assert!(taken(got) <= given && taken(got + 1) > given);
        }
    }
}
