//! What a batch of events adds up to.

use std::collections::BTreeMap;

use contracts::{Account, Currency, Kind, LedgerEvent, Money, MoneyError, Posted};
use rust_decimal::Decimal;

use crate::store::items::Item;

/// An event that the ledger does not write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// An amount is finer than its currency.
    #[error("an amount is not exact")]
    Inexact(#[from] MoneyError),
    /// A payment does not lead from one wallet to another.
    #[error("a payment has no payer or no receiver")]
    OneSided,
}

impl Unfit {
    /// Short, as dead letters have it.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Inexact(_) => "inexact_amount",
            Self::OneSided => "one_sided_payment",
        }
    }
}

/// A part of a sum: as much as fits a `Decimal` exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The legs.
    pub amount: Decimal,
    /// The legs without their signs.
    pub turnover: Decimal,
}

/// Sums over accounts, and the payments.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    /// In order of the key. Postgres adds the parts up: a sum may exceed 28 digits.
    accounts: BTreeMap<(Account, Currency), Vec<Part>>,
    items: Vec<Item>,
}

impl Sums {
    /// The parts of the sums, in order of account and currency.
    pub fn accounts(&self) -> impl Iterator<Item = (&(Account, Currency), &[Part])> {
        self.accounts.iter().map(|(key, parts)| (key, &parts[..]))
    }

    /// The payments, in the order they came.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Adds an event. Rejections and new wallets move nothing.
    ///
    /// # Errors
    /// When the ledger does not write such events.
    pub fn add(&mut self, event: &LedgerEvent) -> Result<(), Unfit> {
        let LedgerEvent::Posted(posted) = event else {
            return Ok(());
        };
        for leg in &posted.legs {
            let money = leg.money()?;
            let parts = self
                .accounts
                .entry((leg.account, leg.currency))
                .or_default();
            add(parts, money);
        }
        if posted.kind == Kind::Payment {
            self.items.push(item(posted)?);
        }
        Ok(())
    }
}

fn add(parts: &mut Vec<Part>, money: Money) {
    let moved = if money.is_negative() {
        money.negated()
    } else {
        money
    };
    let sum = |sum: Decimal, money: Money| {
        Money::exact(sum, money.currency())
            .and_then(|sum| sum.checked_add(money))
            .map(Money::amount)
    };
    if let Some(last) = parts.last_mut()
        && let (Ok(amount), Ok(turnover)) = (sum(last.amount, money), sum(last.turnover, moved))
    {
        *last = Part { amount, turnover };
    } else {
        parts.push(Part {
            amount: money.amount(),
            turnover: moved.amount(),
        });
    }
}

fn item(posted: &Posted) -> Result<Item, Unfit> {
    let side = |incoming: bool| {
        let mut legs = posted.legs.iter();
        legs.find(|leg| leg.wallet.is_some() && leg.amount.is_sign_positive() == incoming)
    };
    let (Some(payer), Some(receiver)) = (side(false), side(true)) else {
        return Err(Unfit::OneSided);
    };
    let (Some(customer), Some(merchant)) = (payer.wallet, receiver.wallet) else {
        return Err(Unfit::OneSided);
    };
    Ok(Item {
        transaction: posted.transaction,
        seq: posted.seq,
        event: posted.id,
        merchant,
        customer,
        amount: receiver.money()?,
        order_reference: posted.order_reference.clone(),
        effective_at: posted.effective_at,
        posted_at: posted.posted_at,
    })
}

#[cfg(test)]
mod tests;
