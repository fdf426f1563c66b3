use super::*;

fn currency(code: &str) -> Currency {
    code.parse().expect("a currency")
}

fn money(text: &str, code: &str) -> Money {
    Money::exact(text.parse().expect("a number"), currency(code)).expect("an amount")
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

fn account(kyc_level: Option<KycLevel>, risk_level: Option<RiskLevel>) -> AccountState {
    AccountState {
        kyc_level,
        risk_level,
        ..AccountState::default()
    }
}

fn printed(limits: Limits) -> [String; 3] {
    [limits.transaction, limits.day, limits.month]
        .map(|limit| limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string()))
}

#[test]
fn risk_limits_are_those_of_the_published_table() {
    for (level, code, expected) in [
        (RiskLevel::Low, "USD", ["10000.00", "50000.00", "200000.00"]),
        (
            RiskLevel::Medium,
            "USD",
            ["5000.00", "25000.00", "100000.00"],
        ),
        (RiskLevel::High, "USD", ["1000.00", "5000.00", "20000.00"]),
        (RiskLevel::Low, "EUR", ["8500.00", "42500.00", "170000.00"]),
        (
            RiskLevel::Medium,
            "EUR",
            ["4250.00", "21250.00", "85000.00"],
        ),
        (RiskLevel::High, "EUR", ["850.00", "4250.00", "17000.00"]),
        (RiskLevel::Low, "GBP", ["7500.00", "37500.00", "150000.00"]),
        (
            RiskLevel::Medium,
            "GBP",
            ["3750.00", "18750.00", "75000.00"],
        ),
        (RiskLevel::High, "GBP", ["750.00", "3750.00", "15000.00"]),
    ] {
        let limits = Limits::of(&account(None, Some(level)), currency(code));
        assert_eq!(printed(limits), expected, "{level:?} {code}");
    }
}

#[test]
fn verification_limits_are_those_of_the_published_table_in_every_currency() {
    for (level, code, expected) in [
        (KycLevel::None, "USD", ["-", "1000.00", "5000.00"]),
        (KycLevel::Basic, "USD", ["-", "5000.00", "20000.00"]),
        (KycLevel::Standard, "USD", ["-", "10000.00", "50000.00"]),
        (KycLevel::Advanced, "USD", ["-", "50000.00", "200000.00"]),
        (KycLevel::None, "JPY", ["-", "150000", "750000"]),
        (KycLevel::None, "KWD", ["-", "300.000", "1500.000"]),
        (KycLevel::None, "BTC", ["-", "0.01000000", "0.05000000"]),
    ] {
        let limits = Limits::of(&account(Some(level), None), currency(code));
        assert_eq!(printed(limits), expected, "{level:?} {code}");
    }
}

#[test]
fn of_verification_and_risk_the_lower_limit_counts_and_without_a_level_none() {
    let of = |kyc, risk| printed(Limits::of(&account(kyc, risk), currency("USD")));
    assert_eq!(of(None, None), ["-", "-", "-"]);
    assert_eq!(
        of(Some(KycLevel::Advanced), Some(RiskLevel::High)),
        ["1000.00", "5000.00", "20000.00"]
    );
    assert_eq!(
        of(Some(KycLevel::None), Some(RiskLevel::Low)),
        ["10000.00", "1000.00", "5000.00"]
    );
}

#[test]
fn nothing_is_spent_in_a_currency_whose_value_the_house_does_not_know() {
    let limits = Limits::of(&account(Some(KycLevel::Advanced), None), currency("KPW"));
    let now = at("2026-03-01T12:00:00Z");
    let reached = limits.admit(
        &Usage::none(currency("KPW"), now),
        money("0.01", "KPW"),
        now,
    );
    let reached = reached.expect_err("no rate");
    assert_eq!(
        (reached.window, reached.limit),
        (LimitWindow::Day, Decimal::ZERO)
    );
}

#[test]
fn a_limit_may_be_reached_and_not_passed_and_the_shortest_window_is_told() {
    let limits = Limits::of(
        &account(Some(KycLevel::None), Some(RiskLevel::High)),
        currency("USD"),
    );
    let now = at("2026-03-31T23:59:59.999999Z");
    let none = Usage::none(currency("USD"), now);
    let window = |used: &Usage, amount| {
        let admitted = limits.admit(used, money(amount, "USD"), now);
        admitted.err().map(|reached| reached.window)
    };
    assert_eq!(window(&none, "1000.00"), None);
    assert_eq!(window(&none, "1000.01"), Some(LimitWindow::Transaction));
    let all = none.count(money("1000.00", "USD"), now).expect("fits");
    assert_eq!(window(&all, "0.01"), Some(LimitWindow::Day));
    let month = Usage {
        day_used: money("0.00", "USD"),
        month_used: money("4999.99", "USD"),
        ..none
    };
    assert_eq!(window(&month, "0.01"), None);
    assert_eq!(window(&month, "0.02"), Some(LimitWindow::Month));
    let reached = limits
        .admit(&all, money("0.01", "USD"), now)
        .expect_err("used up");
    assert_eq!(reached.used, Decimal::new(100_000, 2));
    assert_eq!(reached.resets_at, Some(at("2026-04-01T00:00:00Z")));
}

#[test]
fn days_and_months_begin_at_midnight_utc_without_anybody_resetting_them() {
    let evening = at("2026-12-31T23:59:59.999999Z");
    let used = Usage::none(currency("JPY"), evening)
        .count(money("700", "JPY"), evening)
        .expect("fits");
    assert_eq!(used.at(evening), used);
    let midnight = used.at(at("2027-01-01T00:00:00Z"));
    assert!(midnight.day_used.is_zero() && midnight.month_used.is_zero());

    let noon = at("2026-12-30T12:00:00Z");
    let used = Usage::none(currency("JPY"), noon)
        .count(money("300", "JPY"), noon)
        .and_then(|used| used.count(money("700", "JPY"), evening))
        .expect("fits");
    let both = (used.day_used.to_string(), used.month_used.to_string());
    assert_eq!(both, ("700".to_owned(), "1000".to_owned()));
}

#[test]
fn what_is_released_is_given_back_in_the_windows_that_still_last() {
    let placed = at("2026-02-27T10:00:00Z");
    let used = Usage::none(currency("USD"), placed)
        .count(money("80.00", "USD"), placed)
        .expect("fits");
    let back = |text: &str, amount: &str| {
        let used = used.release(money(amount, "USD"), placed, at(text));
        (used.day_used.to_string(), used.month_used.to_string())
    };
    let pair = |day: &str, month: &str| (day.to_owned(), month.to_owned());
    assert_eq!(
        back("2026-02-27T23:00:00Z", "30.00"),
        pair("50.00", "50.00")
    );
    assert_eq!(back("2026-02-28T00:00:00Z", "30.00"), pair("0.00", "50.00"));
    assert_eq!(back("2026-03-01T00:00:00Z", "30.00"), pair("0.00", "0.00"));
    assert_eq!(back("2026-02-27T23:00:00Z", "80.01"), pair("0.00", "0.00"));
    // What is spent in the next month is not given back with what was set aside before it.
    let march = at("2026-03-01T09:00:00Z");
    let spent = used.count(money("20.00", "USD"), march).expect("fits");
    assert_eq!(spent.release(money("80.00", "USD"), placed, march), spent);
}

proptest::proptest! {
    /// Whatever is asked for and whenever: no window ever sums to more than its limit.
    #[test]
    fn no_window_ever_exceeds_its_limit(
        asked in proptest::collection::vec((1_i64..60_000, 0_u64..20_000), 1..200),
    ) {
        let limits = Limits::of(&account(Some(KycLevel::None), None), currency("EUR"));
        let mut now = at("2026-01-28T00:00:00Z");
        let mut usage = Usage::none(currency("EUR"), now);
        let mut spent: Vec<(NaiveDate, Decimal)> = Vec::new();
        for (cents, later) in asked {
            now += std::time::Duration::from_secs(later);
            let amount = Money::exact(Decimal::new(cents, 2), currency("EUR")).expect("cents");
            if limits.admit(&usage, amount, now).is_ok() {
                usage = usage.count(amount, now).expect("fits");
                spent.push((now.date_naive(), amount.amount()));
            }
            let day: Decimal = spent.iter().filter(|(day, _)| *day == now.date_naive())
                .map(|(_, amount)| *amount).sum();
            let month: Decimal = spent.iter()
                .filter(|(day, _)| first_of_month(*day) == first_of_month(now.date_naive()))
                .map(|(_, amount)| *amount).sum();
            let used = usage.at(now);
            proptest::prop_assert_eq!((used.day_used.amount(), used.month_used.amount()), (day, month));
            proptest::prop_assert!(day <= Decimal::new(850, 0) && month <= Decimal::new(4_250, 0));
        }
    }
}
