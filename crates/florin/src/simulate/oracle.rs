//! The simulation's own books: what every wallet must hold and what its statistics must say,
//! counted from the plan alone.

use std::collections::BTreeMap;

use contracts::rpc::{CurrencyStats, Tally};
use contracts::{Currency, Kind, Money, MoneyError};
use rust_decimal::Decimal;

use super::market::{Action, Expect, Party, Step};

/// What every person of the market must have.
#[derive(Debug, Clone)]
pub struct Books(Vec<BTreeMap<Currency, Page>>);

#[derive(Debug, Clone)]
struct Page {
    balance: Money,
    stats: CurrencyStats,
}

impl Action {
    /// What it is for.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Deposit { .. } => Kind::Deposit,
            Self::Withdraw { .. } => Kind::Withdrawal,
            Self::Transfer { .. } => Kind::Transfer,
            Self::Pay { .. } => Kind::Payment,
        }
    }
}

impl Books {
    /// Empty books for so many people.
    pub fn new(people: usize) -> Self {
        Self(vec![BTreeMap::new(); people])
    }

    /// Writes a step down, if it is one that is posted.
    ///
    /// # Errors
    /// When a sum is too large to be exact.
    pub fn apply(&mut self, step: &Step) -> Result<(), MoneyError> {
        let Expect::Posted(money) = step.expect else {
            return Ok(());
        };
        match step.action {
            Action::Deposit { to } => self.add(to, money, |stats| &mut stats.deposited),
            Action::Withdraw { from } => self.take(from, money, |stats| &mut stats.withdrawn),
            Action::Pay { from, merchant } => {
                self.take(from, money, |stats| &mut stats.paid)?;
                self.add(merchant, money, |stats| &mut stats.received)
            }
            Action::Transfer { from, to } => {
                self.take(from, money, |stats| &mut stats.transferred_out)?;
                match to {
                    Party::Person(to) => self.add(to, money, |stats| &mut stats.transferred_in),
                    Party::Nobody(_) => Ok(()),
                }
            }
        }
    }

    /// What a person holds, one amount for each currency that moved.
    pub fn balances(&self, person: usize) -> Vec<Money> {
        self.0[person].values().map(|page| page.balance).collect()
    }

    /// What a person's statistics say, in order of the currency's code.
    pub fn stats(&self, person: usize) -> Vec<CurrencyStats> {
        let mut stats: Vec<_> = self.0[person]
            .values()
            .map(|page| page.stats.clone())
            .collect();
        stats.sort_by(|one, other| one.currency.code().cmp(other.currency.code()));
        stats
    }

    fn add(
        &mut self,
        person: usize,
        money: Money,
        tally: fn(&mut CurrencyStats) -> &mut Tally,
    ) -> Result<(), MoneyError> {
        let page = self.page(person, money.currency());
        page.balance = page.balance.checked_add(money)?;
        count(tally(&mut page.stats), money)
    }

    fn take(
        &mut self,
        person: usize,
        money: Money,
        tally: fn(&mut CurrencyStats) -> &mut Tally,
    ) -> Result<(), MoneyError> {
        let page = self.page(person, money.currency());
        page.balance = page.balance.checked_sub(money)?;
        count(tally(&mut page.stats), money)
    }

    fn page(&mut self, person: usize, currency: Currency) -> &mut Page {
        self.0[person].entry(currency).or_insert_with(|| Page {
            balance: Money::zero(currency),
            stats: empty(currency),
        })
    }
}

fn count(tally: &mut Tally, money: Money) -> Result<(), MoneyError> {
    tally.count += 1;
    let sum = Money::exact(tally.amount, money.currency())?.checked_add(money)?;
    tally.amount = sum.amount();
    Ok(())
}

fn empty(currency: Currency) -> CurrencyStats {
    let nothing = || Tally {
        count: 0,
        amount: Decimal::new(0, currency.scale()),
    };
    CurrencyStats {
        currency,
        deposited: nothing(),
        withdrawn: nothing(),
        paid: nothing(),
        received: nothing(),
        transferred_in: nothing(),
        transferred_out: nothing(),
    }
}
