//! Exact amounts. No float comes near them, and no operation rounds.
//!
//! `rust_decimal` rounds silently in `from_str` and in `checked_add` when 28 digits do not
//! suffice. So texts are checked against a grammar and read with `from_str_exact`, and a
//! result whose scale would differ from the currency's is an overflow.

use std::fmt;

use rust_decimal::Decimal;

use crate::Currency;

/// The largest amount of one movement: 10^13 units, so that sums of many still fit the 96 bits
/// of a `Decimal` at eight decimals (7.9 * 10^20 units).
pub const AMOUNT_MAX: Decimal = Decimal::from_parts(1_316_134_912, 2328, 0, false, 0);
/// The same for currencies of more than eight decimals: 10^9 units (at 18 decimals a `Decimal`
/// holds 7.9 * 10^10).
pub const AMOUNT_MAX_FINE: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Currencies with more decimals than this have the smaller maximum.
pub const FINE_SCALE: u32 = 8;

/// An exact amount of one currency, of either sign, at exactly the currency's scale.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Decimal,
    currency: Currency,
}

/// Why an operation on money has no exact result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met.
    #[error("amounts of two currencies do not add up")]
    CurrencyMismatch,
    /// The result does not fit 28 digits at the currency's scale.
    #[error("the amount is too large to be exact")]
    Overflow,
    /// The value has more decimals than the currency.
    #[error("the amount is finer than the currency's smallest unit")]
    TooFine,
}

/// Why a text is not an amount that may be moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not `digits[.digits]`: no sign, exponent, underscore or space.
    #[error("an amount is written as digits, or digits.digits")]
    Syntax,
    /// Zero.
    #[error("an amount must be above zero")]
    NotPositive,
    /// More decimals than the currency has.
    #[error("the amount has more decimals than the currency")]
    TooFine,
    /// Above [`AMOUNT_MAX`] or [`AMOUNT_MAX_FINE`].
    #[error("the amount is above the largest that one movement may have")]
    TooLarge,
}

impl Money {
    /// Nothing, in `currency`.
    pub fn zero(currency: Currency) -> Self {
        Self {
            amount: Decimal::new(0, currency.scale()),
            currency,
        }
    }

    /// `amount` brought to the currency's scale, if that loses nothing.
    ///
    /// # Errors
    /// `TooFine` when digits would be lost, `Overflow` when the digits do not fit.
    pub fn exact(amount: Decimal, currency: Currency) -> Result<Self, MoneyError> {
        let mut rescaled = amount.normalize();
        if rescaled.scale() > currency.scale() {
            return Err(MoneyError::TooFine);
        }
        rescaled.rescale(currency.scale());
        // `rescale` settles for fewer decimals when 96 bits do not suffice.
        if rescaled.scale() != currency.scale() {
            return Err(MoneyError::Overflow);
        }
        Ok(Self {
            amount: rescaled,
            currency,
        })
    }

    /// The bare number, at the currency's scale.
    pub const fn amount(self) -> Decimal {
        self.amount
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The exact sum.
    ///
    /// # Errors
    /// Two currencies, or a sum that does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let sum = self
            .amount
            .checked_add(other.amount)
            .ok_or(MoneyError::Overflow)?;
        if sum.scale() != self.currency.scale() {
            return Err(MoneyError::Overflow);
        }
        Ok(Self {
            amount: sum,
            currency: self.currency,
        })
    }

    /// The exact difference.
    ///
    /// # Errors
    /// Two currencies, or a difference that does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(other.negated())
    }

    /// The same amount with the other sign. Zero has no sign.
    #[must_use]
    pub fn negated(self) -> Self {
        let amount = if self.amount.is_zero() {
            self.amount
        } else {
            -self.amount
        };
        Self {
            amount,
            currency: self.currency,
        }
    }

    /// Below zero?
    pub fn is_negative(self) -> bool {
        self.amount.is_sign_negative() && !self.amount.is_zero()
    }

    /// Above zero?
    pub fn is_positive(self) -> bool {
        self.amount.is_sign_positive() && !self.amount.is_zero()
    }

    /// Exactly zero?
    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }
}

impl fmt::Display for Money {
    /// The number alone, with exactly the currency's decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.amount, f)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Reads an amount to be moved: `digits[.digits]`, above zero, no finer than the currency, at
/// most [`AMOUNT_MAX`]. Trailing zeros within the scale do not matter: `12.5` is `12.50`.
///
/// # Errors
/// See [`AmountError`].
pub fn parse_amount(text: &str, currency: Currency) -> Result<Money, AmountError> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(AmountError::Syntax),
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(AmountError::Syntax);
    }
    if fraction.len() > currency.scale() as usize {
        return Err(AmountError::TooFine);
    }
    // Any whole part of more than 14 significant digits is above both maxima; refusing it here
    // keeps the parse below exact at every scale.
    let maximum = if currency.scale() > FINE_SCALE {
        AMOUNT_MAX_FINE
    } else {
        AMOUNT_MAX
    };
    if whole.trim_start_matches('0').len() > 14 {
        return Err(AmountError::TooLarge);
    }
    // Leading zeros would count against the 28 digits.
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        significant => significant,
    };
    let text = if fraction.is_empty() {
        whole.to_owned()
    } else {
        format!("{whole}.{fraction}")
    };
    let amount = Decimal::from_str_exact(&text).map_err(|_| AmountError::TooLarge)?;
    if amount > maximum {
        return Err(AmountError::TooLarge);
    }
    if amount.is_zero() {
        return Err(AmountError::NotPositive);
    }
    Money::exact(amount, currency).map_err(|_| AmountError::TooLarge)
}

/// A total as Postgres prints it, of any length and either sign, at exactly the currency's
/// scale. Sums may exceed the 28 digits of a `Decimal`, so they travel as text.
///
/// # Errors
/// `TooFine` when digits would be lost, or when the text is no plain number.
pub fn total_at_scale(text: &str, currency: Currency) -> Result<String, MoneyError> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let scale = currency.scale() as usize;
    let (kept, lost) = fraction.split_at(fraction.len().min(scale));
    if whole.is_empty() || !plain(whole) || !plain(fraction) || lost.contains(|c| c != '0') {
        return Err(MoneyError::TooFine);
    }
    let point = if scale == 0 { "" } else { "." };
    Ok(format!("{sign}{whole}{point}{kept:0<scale$}"))
}

#[cfg(test)]
mod tests;
