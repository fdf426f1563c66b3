//! From which amounts on a movement is large, by rule and currency.

use std::collections::BTreeMap;

use contracts::{AmountError, Currency, Money, fraud::Rule, parse_amount};
use rust_decimal::Decimal;
use serde::Deserialize;

/// What the worker brings along.
const DEFAULT: &str = include_str!("../../rules.json");

/// The thresholds of the rules about one movement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thresholds {
    large_withdrawal: BTreeMap<Currency, Money>,
    large_deposit: BTreeMap<Currency, Money>,
}

/// What a rule says about one movement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to see.
    Quiet,
    /// An alert.
    Large {
        /// From which amount on.
        threshold: Decimal,
    },
    /// Nobody said what is large in this currency.
    NoThreshold,
}

/// Why a text is no file of thresholds.
#[derive(Debug, thiserror::Error)]
pub enum ThresholdsError {
    /// No JSON, a rule or currency that there is not, or a missing rule.
    #[error("the rules are not of the agreed shape")]
    Malformed(#[source] serde_json::Error),
    /// An amount that nobody could move.
    #[error("the threshold {amount} {currency} is no amount")]
    Amount {
        /// As the file has it.
        amount: String,
        /// Its currency.
        currency: Currency,
        /// What is wrong with it.
        #[source]
        error: AmountError,
    },
}

/// The file: amounts are texts, so that no digit is lost.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    large_withdrawal: BTreeMap<Currency, String>,
    large_deposit: BTreeMap<Currency, String>,
}

impl Thresholds {
    /// Reads a file of thresholds.
    ///
    /// # Errors
    /// See [`ThresholdsError`].
    pub fn parse(text: &str) -> Result<Self, ThresholdsError> {
        let file: File = serde_json::from_str(text).map_err(ThresholdsError::Malformed)?;
        Ok(Self {
            large_withdrawal: amounts(file.large_withdrawal)?,
            large_deposit: amounts(file.large_deposit)?,
        })
    }

    /// Holds an amount against the threshold that a rule has for its currency.
    pub fn judge(&self, rule: Rule, money: Money) -> Verdict {
        let thresholds = match rule {
            Rule::LargeWithdrawal => &self.large_withdrawal,
            Rule::LargeDeposit => &self.large_deposit,
            // It counts, and weighs nothing.
            Rule::RapidWithdrawals => return Verdict::Quiet,
        };
        match thresholds.get(&money.currency()) {
            Some(threshold) if money.amount() >= threshold.amount() => Verdict::Large {
                threshold: threshold.amount(),
            },
            Some(_) => Verdict::Quiet,
            None => Verdict::NoThreshold,
        }
    }
}

impl Default for Thresholds {
    fn default() -> Self {
        Self::parse(DEFAULT).expect("a test reads the file that is built in")
    }
}

fn amounts(
    texts: BTreeMap<Currency, String>,
) -> Result<BTreeMap<Currency, Money>, ThresholdsError> {
    let parse = |(currency, amount): (Currency, String)| match parse_amount(&amount, currency) {
        Ok(money) => Ok((currency, money)),
        Err(error) => Err(ThresholdsError::Amount {
            amount,
            currency,
            error,
        }),
    };
    texts.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests;
