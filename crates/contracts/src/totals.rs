//! Sums of many amounts, by currency. A `Decimal` holds 28 digits, which a sum over thousands of
//! the largest amounts exceeds; here a sum is a whole number of smallest units in 128 bits.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{Currency, Money};

/// Sums by currency, exact however many amounts there are. JSON: an object from the currency's
/// code to the sum as a string, at exactly the currency's scale.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals(BTreeMap<Currency, i128>);

impl Totals {
    /// Adds an amount.
    pub fn add(&mut self, money: Money) {
        // An amount of money has exactly its currency's scale, so its digits count the units.
        self.add_units(money.currency(), money.amount().mantissa());
    }

    /// Adds other sums.
    pub fn add_all(&mut self, other: &Self) {
        for (currency, units) in &other.0 {
            self.add_units(*currency, *units);
        }
    }

    /// Each currency with its sum, in order of the code.
    pub fn iter(&self) -> impl Iterator<Item = (Currency, String)> {
        let sums = self.0.iter();
        sums.map(|(currency, units)| (*currency, text(*units, currency.scale())))
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add_units(&mut self, currency: Currency, units: i128) {
        let sum = self.0.entry(currency).or_default();
        // The largest amount has 10^27 units: 10^11 of them fit, and no table holds as many rows.
        *sum = sum.saturating_add(units);
    }
}

impl Serialize for Totals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Totals {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut totals = Self::default();
        for (currency, sum) in BTreeMap::<Currency, String>::deserialize(deserializer)? {
            let units = units(&sum, currency.scale())
                .ok_or_else(|| de::Error::custom(format!("{sum} is no sum of {currency}")))?;
            totals.add_units(currency, units);
        }
        Ok(totals)
    }
}

fn text(units: i128, scale: u32) -> String {
    let scale = scale as usize;
    let sign = if units < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", units.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

fn units(text: &str, scale: u32) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || !plain(unsigned) || !plain(fraction) {
        return None;
    }
    // Exactly the currency's decimals: any other text is not ours.
    (fraction.len() == scale as usize).then(|| format!("{whole}{fraction}").parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_amount;

    fn money(amount: &str, currency: &str) -> Money {
        let currency = currency.parse().expect("a currency");
        parse_amount(amount, currency).expect("an amount")
    }

    #[test]
    fn a_sum_of_many_of_the_largest_amounts_is_exact() {
        let mut totals = Totals::default();
        // 79 of them are more than a Decimal holds at 18 decimals.
        for _ in 0..1_000 {
            totals.add(money("999999999.000000000000000001", "ETH"));
        }
        totals.add(money("7", "JPY"));
        totals.add(money("0.05", "EUR"));
        let json = serde_json::to_string(&totals).expect("serialises");
        assert_eq!(
            json,
            r#"{"ETH":"999999999000.000000000000001000","EUR":"0.05","JPY":"7"}"#
        );
        let mut twice: Totals = serde_json::from_str(&json).expect("parses");
        assert_eq!(twice, totals);
        twice.add_all(&totals);
        let sums: Vec<String> = twice.iter().map(|(_, sum)| sum).collect();
        assert_eq!(sums, ["1999999998000.000000000000002000", "0.10", "14"]);
    }

    #[test]
    fn what_is_no_sum_at_the_scale_of_its_currency_is_refused() {
        for json in [
            r#"{"EUR":"1"}"#,
            r#"{"EUR":"1.000"}"#,
            r#"{"EUR":".10"}"#,
            r#"{"EUR":"+1.00"}"#,
            r#"{"EUR":"1e2"}"#,
            r#"{"XAU":"1.00"}"#,
            r#"{"EUR":1.00}"#,
        ] {
            assert!(serde_json::from_str::<Totals>(json).is_err(), "{json}");
        }
        let negative: Totals = serde_json::from_str(r#"{"EUR":"-0.05"}"#).expect("a sum");
        assert_eq!(
            negative.iter().next().map(|sum| sum.1).as_deref(),
            Some("-0.05")
        );
    }
}
