//! What an account may spend: per transaction, per day and per month, in each currency.
//!
//! Counted are withdrawals, transfers and payments that debit a wallet of the account, with the
//! transaction's own amount. Deposits, refunds, reversals, exchanges, adjustments and fees are
//! not. A hold counts when it is placed, and its captures no more. Days and months are those of UTC. Nothing resets them: what was used on another day
//! counts for nothing as soon as somebody looks.

mod rates;

use std::cmp;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Utc};
use contracts::{
    Currency, Kind, Money,
    event::{KycLevel, LimitReached, LimitWindow, RiskLevel},
};
use rust_decimal::{Decimal, RoundingStrategy};

use super::AccountState;

/// The largest sums of one currency. `None` where nothing limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Of one transaction.
    pub transaction: Option<Money>,
    /// Of a day.
    pub day: Option<Money>,
    /// Of a month.
    pub month: Option<Money>,
}

/// Dollars per day and month, by how well the owner is known.
const fn of_kyc(level: KycLevel) -> [i64; 2] {
    match level {
        KycLevel::None => [1_000, 5_000],
        KycLevel::Basic => [5_000, 20_000],
        KycLevel::Standard => [10_000, 50_000],
        KycLevel::Advanced => [50_000, 200_000],
    }
}

/// Dollars per transaction, day and month, by risk.
const fn of_risk(level: RiskLevel) -> [i64; 3] {
    match level {
        RiskLevel::Low => [10_000, 50_000, 200_000],
        RiskLevel::Medium => [5_000, 25_000, 100_000],
        RiskLevel::High => [1_000, 5_000, 20_000],
    }
}

impl Limits {
    /// The limits of an account in a currency; of verification and risk, the lower one counts.
    ///
    /// The amounts are those of dollars, at the house's fixed rate. In a currency that has no
    /// rate, nothing may be spent: its value is not known, so any amount might be too much.
    pub fn of(account: &AccountState, currency: Currency) -> Self {
        let kyc = account.kyc_level.map(of_kyc);
        let risk = account.risk_level.map(of_risk);
        let lower = |kyc: Option<i64>, risk: Option<i64>| {
            let dollars = match (kyc, risk) {
                (Some(kyc), Some(risk)) => Some(cmp::min(kyc, risk)),
                (kyc, risk) => kyc.or(risk),
            };
            dollars.map(|dollars| in_currency(dollars, currency))
        };
        Self {
            transaction: lower(None, risk.map(|[transaction, ..]| transaction)),
            day: lower(kyc.map(|[day, _]| day), risk.map(|[_, day, _]| day)),
            month: lower(kyc.map(|[_, month]| month), risk.map(|[.., month]| month)),
        }
    }

    /// May `amount` be spent on top of what was used?
    ///
    /// # Errors
    /// The shortest window whose limit it would exceed. What comes to the limit exactly may.
    pub fn admit(
        &self,
        used: &Usage,
        amount: Money,
        now: DateTime<Utc>,
    ) -> Result<(), LimitReached> {
        let used = used.at(now);
        let nothing = Money::zero(amount.currency());
        for (window, limit, used) in [
            (LimitWindow::Transaction, self.transaction, nothing),
            (LimitWindow::Day, self.day, used.day_used),
            (LimitWindow::Month, self.month, used.month_used),
        ] {
            let Some(limit) = limit else { continue };
            // A sum that does not fit the digits of a decimal is above every limit.
            let fits = used
                .checked_add(amount)
                .is_ok_and(|sum| sum.amount() <= limit.amount());
            if !fits {
                return Err(LimitReached {
                    window,
                    limit: limit.amount(),
                    used: used.amount(),
                    resets_at: resets_at(window, now),
                });
            }
        }
        Ok(())
    }
}

/// So many dollars as an amount of `currency`: rounded down, as a limit should be.
fn in_currency(dollars: i64, currency: Currency) -> Money {
    let rate = rates::per_dollar(currency).unwrap_or_default();
    let amount = (Decimal::from(dollars) * rate)
        .round_dp_with_strategy(currency.scale(), RoundingStrategy::ToZero);
    Money::exact(amount, currency).expect("limits have a few digits and no more than the currency")
}

/// When a window ends that `now` is in; never, for one transaction.
pub fn resets_at(window: LimitWindow, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let today = now.date_naive();
    let end = match window {
        LimitWindow::Transaction => return None,
        LimitWindow::Day => today.checked_add_days(Days::new(1))?,
        LimitWindow::Month => first_of_month(today).checked_add_months(Months::new(1))?,
    };
    Some(end.and_time(NaiveTime::MIN).and_utc())
}

/// The first day of the month that `day` is in.
pub fn first_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1).expect("every month has a first day")
}

/// Does a transaction of this kind count against the limits of the account that it debits?
pub const fn counts(kind: Kind) -> bool {
    matches!(kind, Kind::Withdrawal | Kind::Transfer | Kind::Payment)
}

/// The key of a usage. Its order is the order in which locks are taken, the same as that of the
/// columns' bytes in Postgres.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct UsageKey {
    /// Whose account.
    pub owner: String,
    /// In which currency.
    pub currency: Currency,
}

impl PartialOrd for UsageKey {
    fn partial_cmp(&self, other: &Self) -> Option<cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for UsageKey {
    fn cmp(&self, other: &Self) -> cmp::Ordering {
        (self.owner.as_str(), self.currency.code())
            .cmp(&(other.owner.as_str(), other.currency.code()))
    }
}

/// What an account used of one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The day that `day_used` is of.
    pub day: NaiveDate,
    /// What was spent on it.
    pub day_used: Money,
    /// The first day of the month that `month_used` is of.
    pub month: NaiveDate,
    /// What was spent in it.
    pub month_used: Money,
}

impl Usage {
    /// Nothing yet.
    pub fn none(currency: Currency, now: DateTime<Utc>) -> Self {
        let day = now.date_naive();
        Self {
            day,
            day_used: Money::zero(currency),
            month: first_of_month(day),
            month_used: Money::zero(currency),
        }
    }

    /// What is used at a moment: another day's use counts for nothing.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>) -> Self {
        let fresh = Self::none(self.day_used.currency(), now);
        let month_used = if self.month == fresh.month {
            self.month_used
        } else {
            fresh.month_used
        };
        let day_used = if self.day == fresh.day {
            self.day_used
        } else {
            fresh.day_used
        };
        Self {
            day_used,
            month_used,
            ..fresh
        }
    }

    /// With `amount` spent at `now`. `None` when the sum does not fit the digits of a decimal.
    #[must_use]
    pub fn count(self, amount: Money, now: DateTime<Utc>) -> Option<Self> {
        let used = self.at(now);
        Some(Self {
            day_used: used.day_used.checked_add(amount).ok()?,
            month_used: used.month_used.checked_add(amount).ok()?,
            ..used
        })
    }

    /// With `amount` given back at `now` that was counted at `placed_at`: in the windows that are
    /// still the same.
    #[must_use]
    pub fn release(self, amount: Money, placed_at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        let used = self.at(now);
        let placed = Self::none(amount.currency(), placed_at);
        // Never below zero, whatever was counted: a gift would be spent beyond the limit.
        let less = |used: Money| {
            let rest = used.checked_sub(amount).ok();
            rest.filter(|rest| !rest.is_negative())
                .unwrap_or_else(|| Money::zero(amount.currency()))
        };
        Self {
            day_used: if placed.day == used.day {
                less(used.day_used)
            } else {
                used.day_used
            },
            month_used: if placed.month == used.month {
                less(used.month_used)
            } else {
                used.month_used
            },
            ..used
        }
    }
}

#[cfg(test)]
mod tests;
