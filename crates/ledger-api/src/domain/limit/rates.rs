//! What a dollar is in other currencies, for limits alone.

use contracts::Currency;
use rust_decimal::Decimal;

/// Units of each currency per dollar, and decimals of the number: `(5, 1)` is 0.5.
///
/// These are house rates, round on purpose and fixed on purpose: a limit that follows the market
/// would be another one every second, and nobody could tell a customer what it is. Euro and pound
/// are those of the house's published limits. No price is made from them.
const PER_DOLLAR: &[(&str, i64, u32)] = &[
    ("USD", 1, 0),
    ("EUR", 85, 2),
    ("GBP", 75, 2),
    ("AED", 367, 2),
    ("AUD", 15, 1),
    ("BGN", 166, 2),
    ("BHD", 38, 2),
    ("BRL", 5, 0),
    ("CAD", 135, 2),
    ("CHF", 9, 1),
    ("CLP", 950, 0),
    ("CNY", 7, 0),
    ("COP", 4_000, 0),
    ("CZK", 23, 0),
    ("DKK", 63, 1),
    ("HKD", 78, 1),
    ("HUF", 360, 0),
    ("IDR", 15_000, 0),
    ("ILS", 36, 1),
    ("INR", 83, 0),
    ("ISK", 140, 0),
    ("JOD", 71, 2),
    ("JPY", 150, 0),
    ("KES", 130, 0),
    ("KRW", 1_300, 0),
    ("KWD", 3, 1),
    ("MXN", 17, 0),
    ("MYR", 45, 1),
    ("NGN", 1_500, 0),
    ("NOK", 105, 1),
    ("NZD", 165, 2),
    ("OMR", 38, 2),
    ("PEN", 37, 1),
    ("PHP", 56, 0),
    ("PLN", 4, 0),
    ("QAR", 364, 2),
    ("RON", 45, 1),
    ("SAR", 375, 2),
    ("SEK", 105, 1),
    ("SGD", 135, 2),
    ("THB", 35, 0),
    ("TND", 31, 1),
    ("TRY", 32, 0),
    ("TWD", 31, 0),
    ("UAH", 40, 0),
    ("VND", 24_000, 0),
    ("ZAR", 18, 0),
    // 100,000 and 4,000 dollars each.
    ("BTC", 1, 5),
    ("ETH", 25, 5),
    ("USDT", 1, 0),
];

/// Units of `currency` per dollar; `None` when the house has no rate.
pub(super) fn per_dollar(currency: Currency) -> Option<Decimal> {
    let code = currency.code();
    PER_DOLLAR
        .iter()
        .find(|(known, ..)| *known == code)
        .map(|(_, number, decimals)| Decimal::new(*number, *decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_currency_with_a_rate_is_one_that_the_ledger_keeps_and_stands_once() {
        for (code, number, _) in PER_DOLLAR {
            assert!(code.parse::<Currency>().is_ok() && *number > 0, "{code}");
            let same = PER_DOLLAR.iter().filter(|(other, ..)| other == code);
            assert_eq!(same.count(), 1, "{code}");
        }
    }
}
