//! Movements of money, per wallet, currency and category.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::{Currency, Kind, LedgerEvent, MoneyError, Posted, WalletId};
use rust_decimal::Decimal;

/// Why money came or went. The spelling is that of the answer's fields and of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Category {
    /// From outside.
    Deposited,
    /// To outside.
    Withdrawn,
    /// To a merchant.
    Paid,
    /// From a customer.
    Received,
    /// From another wallet.
    TransferredIn,
    /// To another wallet.
    TransferredOut,
}

impl Category {
    /// Every category.
    pub const ALL: &'static [Self] = &[
        Self::Deposited,
        Self::Withdrawn,
        Self::Paid,
        Self::Received,
        Self::TransferredIn,
        Self::TransferredOut,
    ];

    /// The spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deposited => "deposited",
            Self::Withdrawn => "withdrawn",
            Self::Paid => "paid",
            Self::Received => "received",
            Self::TransferredIn => "transferred_in",
            Self::TransferredOut => "transferred_out",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|category| category.as_str() == text)
    }

    const fn of(kind: Kind, outgoing: bool) -> Option<Self> {
        match (kind, outgoing) {
            (Kind::Deposit, _) => Some(Self::Deposited),
            (Kind::Withdrawal, _) => Some(Self::Withdrawn),
            (Kind::Payment, true) => Some(Self::Paid),
            (Kind::Payment, false) => Some(Self::Received),
            (Kind::Transfer, true) => Some(Self::TransferredOut),
            (Kind::Transfer, false) => Some(Self::TransferredIn),
            (Kind::Refund | Kind::Reversal | Kind::Exchange | Kind::Adjustment, _) => None,
        }
    }
}

/// When a wallet was first and last seen, in event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// The earliest.
    pub first: DateTime<Utc>,
    /// The latest.
    pub last: DateTime<Utc>,
}

/// What a batch of events adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Count and positive sum, in order of the key: the order in which rows are locked.
    pub tallies: BTreeMap<(WalletId, Currency, Category), (u64, Decimal)>,
    /// Wallets that moved money.
    pub seen: BTreeMap<WalletId, Seen>,
}

/// Folds events into one set of changes. All others move nothing. Fees are not counted, nor what
/// takes back: refunds, reversals and adjustments leave the tallies as they are.
///
/// # Errors
/// When an amount is finer than its currency or sums do not fit: then Florin did not write it.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a LedgerEvent>) -> Result<Changes, MoneyError> {
    let mut changes = Changes::default();
    for event in events {
        if let LedgerEvent::Posted(posted) = event {
            add(&mut changes, posted)?;
        }
    }
    Ok(changes)
}

fn add(changes: &mut Changes, posted: &Posted) -> Result<(), MoneyError> {
    for leg in &posted.legs {
        // Legs without a wallet are the system's own.
        let Some(wallet) = leg.wallet else { continue };
        let money = leg.money()?;
        // What the house takes is no payment of its own.
        let category = Category::of(posted.kind, money.is_negative());
        if let Some(category) = category.filter(|_| leg.purpose.is_none()) {
            let moved = money.amount().abs();
            let (count, sum) = changes
                .tallies
                .entry((wallet, leg.currency, category))
                .or_insert((0, Decimal::ZERO));
            let added = sum.checked_add(moved).ok_or(MoneyError::Overflow)?;
            // A sum of another scale was rounded.
            if added.scale() < moved.scale() {
                return Err(MoneyError::Overflow);
            }
            (*count, *sum) = (*count + 1, added);
        }
        let at = posted.effective_at;
        let seen = changes.seen.entry(wallet).or_insert(Seen {
            first: at,
            last: at,
        });
        *seen = Seen {
            first: seen.first.min(at),
            last: seen.last.max(at),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests;
