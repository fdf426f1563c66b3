//! What the house takes for transactions.
//!
//! Of the rules that are active, the most specific one decides alone: one that names the
//! merchant's category goes before one that does not; of equals the newest.
//!
//! The fee is the percentage of the amount, rounded half to even to the currency's smallest unit,
//! plus what is fixed, then at least the minimum and at most the maximum. Half to even, because
//! the roundings of many fees then cancel out and favour nobody.
//!
//! On payments the merchant pays it and on deposits the receiver, out of what is received: there
//! it is never more than the amount. On withdrawals and transfers the sender pays it on top.

use std::sync::Arc;

use contracts::{Currency, FeeRuleId, Kind, Money, RejectionCode, event::FeeTerms};
use rust_decimal::Decimal;

/// Decimals of a percentage.
pub const PERCENTAGE_SCALE: u32 = 4;
/// A whole, in units of the last decimal of a percentage.
const WHOLE: i128 = 1_000_000;

/// A rule that is active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeRule {
    /// Its id; a rule that this very batch begins has none yet.
    pub id: Option<FeeRuleId>,
    /// What it says.
    pub terms: FeeTerms,
}

/// The rules that are active, oldest first. Clones share them until one changes.
#[derive(Debug, Clone, Default)]
pub struct FeeRules(Arc<Vec<FeeRule>>);

impl FeeRules {
    /// Rules, oldest first.
    pub fn new(rules: Vec<FeeRule>) -> Self {
        Self(Arc::new(rules))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Begins a rule.
    pub fn add(&mut self, terms: FeeTerms) {
        Arc::make_mut(&mut self.0).push(FeeRule { id: None, terms });
    }

    /// Ends a rule, and tells what it said; nothing when it is not active.
    pub fn remove(&mut self, id: FeeRuleId) -> Option<FeeTerms> {
        let position = self.0.iter().position(|rule| rule.id == Some(id))?;
        Some(Arc::make_mut(&mut self.0).remove(position).terms)
    }

    /// May a fee be taken for such a transaction?
    pub fn may_take(&self, kind: Kind, currency: Currency) -> bool {
        self.0
            .iter()
            .any(|rule| rule.terms.currency == currency && rule.terms.kinds.contains(&kind))
    }

    /// The fee for a transaction of `amount`; none when it is zero.
    ///
    /// # Errors
    /// `LimitExceeded` when it is too large to be exact.
    pub fn of(
        &self,
        kind: Kind,
        category: Option<&str>,
        amount: Money,
    ) -> Result<Option<Money>, RejectionCode> {
        let Some(rule) = self.rule(kind, category, amount.currency()) else {
            return Ok(None);
        };
        let fee = fee(&rule.terms, amount).ok_or(RejectionCode::LimitExceeded)?;
        let received = matches!(kind, Kind::Payment | Kind::Deposit);
        let fee = if received && fee.amount() > amount.amount() {
            amount
        } else {
            fee
        };
        Ok(fee.is_positive().then_some(fee))
    }

    fn rule(&self, kind: Kind, category: Option<&str>, currency: Currency) -> Option<&FeeRule> {
        let matching = self.0.iter().filter(|FeeRule { terms, .. }| {
            let of_category = terms.merchant_category.as_deref();
            terms.currency == currency
                && terms.kinds.contains(&kind)
                && (of_category.is_none() || of_category == category)
        });
        // Of equals, `max_by_key` gives the last one, which is the newest.
        matching.max_by_key(|rule| rule.terms.merchant_category.is_some())
    }
}

/// The fee by a rule's terms; none when it is too large to be exact.
fn fee(terms: &FeeTerms, amount: Money) -> Option<Money> {
    let currency = terms.currency;
    let units = |part: Decimal| Some(Money::exact(part, currency).ok()?.amount().mantissa());
    let or_zero = |part: Option<Decimal>| units(part.unwrap_or_default());
    let rate = terms.percentage.unwrap_or_default();
    // 10^27 units of the largest amount times 10^6 are within the 10^38 of 128 bits.
    let share = half_even(amount.amount().mantissa().checked_mul(parts(rate)?)?);
    let mut fee = share.checked_add(or_zero(terms.fixed)?)?;
    fee = fee.max(or_zero(terms.minimum)?);
    if let Some(maximum) = terms.maximum {
        fee = fee.min(units(maximum)?);
    }
    let fee = Decimal::try_from_i128_with_scale(fee, currency.scale()).ok()?;
    Money::exact(fee, currency).ok()
}

/// A percentage in parts of [`WHOLE`]: one and a half percent are 15,000.
fn parts(percentage: Decimal) -> Option<i128> {
    let mut rescaled = percentage.normalize();
    if rescaled.scale() > PERCENTAGE_SCALE {
        return None;
    }
    rescaled.rescale(PERCENTAGE_SCALE);
    Some(rescaled.mantissa())
}

/// A positive number of [`WHOLE`]s, rounded half to even.
const fn half_even(parts: i128) -> i128 {
    let (whole, rest) = (parts / WHOLE, parts % WHOLE);
    if rest * 2 > WHOLE || (rest * 2 == WHOLE && whole % 2 == 1) {
        whole + 1
    } else {
        whole
    }
}

#[cfg(test)]
mod tests;
