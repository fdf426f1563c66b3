//! Holds two sets of sums against each other. Pure.

use std::collections::{BTreeMap, BTreeSet};

use contracts::{
    Currency,
    rpc::{MerchantTotal, TieOut},
    settlement::BreakKind,
};

use crate::store::sums::{AccountSum, MerchantSum};

/// What the worker added up from events.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ours {
    /// Over accounts.
    pub accounts: Vec<AccountSum>,
    /// Over merchants' items.
    pub merchants: Vec<MerchantSum>,
}

/// What the ledger's tables say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// Balances and postings.
    pub books: TieOut,
    /// Payments to merchants.
    pub payments: Vec<MerchantTotal>,
}

/// Two sums that are not equal; totals as text at the currency's scale.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Which two.
    pub kind: BreakKind,
    /// Of what: an account, a merchant, or one balance.
    pub scope: String,
    /// The currency.
    pub currency: Currency,
    /// The worker's; of one balance, its postings.
    pub ours: String,
    /// The ledger's.
    pub theirs: String,
}

type Totals = BTreeMap<(BreakKind, String, Currency), String>;

/// Every difference, in order. What one side does not have counts as nothing.
pub fn differences(ours: &Ours, theirs: &Theirs) -> Vec<Difference> {
    let (mut mine, mut others) = (Totals::new(), Totals::new());
    for sum in &ours.accounts {
        let mut add = |kind, total: &str| {
            mine.insert((kind, sum.account.clone(), sum.currency), total.to_owned());
        };
        add(BreakKind::Balances, &sum.amount);
        add(BreakKind::Postings, &sum.amount);
        add(BreakKind::Turnover, &sum.turnover);
    }
    for sum in &theirs.books.accounts {
        let mut add = |kind, total: &str| {
            others.insert((kind, sum.account.clone(), sum.currency), total.to_owned());
        };
        add(BreakKind::Balances, &sum.balances);
        add(BreakKind::Postings, &sum.postings);
        add(BreakKind::Turnover, &sum.turnover);
    }
    for sum in &ours.merchants {
        let key = (BreakKind::Payments, sum.merchant.to_string(), sum.currency);
        mine.insert(key, sum.amount.clone());
    }
    for sum in &theirs.payments {
        let key = (BreakKind::Payments, sum.merchant.to_string(), sum.currency);
        others.insert(key, sum.amount.clone());
    }
    for uneven in &theirs.books.shown {
        let scope = format!("{} {}", uneven.wallet, uneven.account);
        let key = (BreakKind::Balance, scope, uneven.currency);
        mine.insert(key.clone(), uneven.postings.clone());
        others.insert(key, uneven.posted.clone());
    }
    compare(&mine, &others)
}

fn compare(mine: &Totals, others: &Totals) -> Vec<Difference> {
    let keys: BTreeSet<_> = mine.keys().chain(others.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let of = |totals: &Totals| {
            let nothing = || contracts::Money::zero(key.2).to_string();
            totals.get(key).cloned().unwrap_or_else(nothing)
        };
        let (ours, theirs) = (of(mine), of(others));
        if ours != theirs {
            let (kind, scope, currency) = key.clone();
            found.push(Difference {
                kind,
                scope,
                currency,
                ours,
                theirs,
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use contracts::{
        WalletId,
        rpc::{AccountTotals, UnevenBalance},
    };

    use super::*;

    fn eur() -> Currency {
        "EUR".parse().expect("a currency")
    }

    fn wallet() -> WalletId {
        "wal_0190aaaaaaaa7bbbbbbbcccccccccccc"
            .parse()
            .expect("an id")
    }

    fn sides() -> (Ours, Theirs) {
        let account = AccountSum {
            account: "main".to_owned(),
            currency: eur(),
            amount: "75.00".to_owned(),
            turnover: "125.00".to_owned(),
        };
        let totals = AccountTotals {
            account: "main".to_owned(),
            currency: eur(),
            balances: "75.00".to_owned(),
            postings: "75.00".to_owned(),
            turnover: "125.00".to_owned(),
        };
        let ours = Ours {
            accounts: vec![account],
            merchants: vec![MerchantSum {
                merchant: wallet(),
                currency: eur(),
                amount: "10.00".to_owned(),
            }],
        };
        let theirs = Theirs {
            books: TieOut {
                accounts: vec![totals],
                uneven: 0,
                shown: Vec::new(),
            },
            payments: vec![MerchantTotal {
                merchant: wallet(),
                currency: eur(),
                amount: "10.00".to_owned(),
            }],
        };
        (ours, theirs)
    }

    fn kinds(ours: &Ours, theirs: &Theirs) -> Vec<BreakKind> {
        let found = differences(ours, theirs);
        found.iter().map(|one| one.kind).collect()
    }

    #[test]
    fn what_agrees_is_quiet_and_a_cent_is_found_wherever_it_is() {
        let (ours, theirs) = sides();
        assert_eq!(kinds(&ours, &theirs), []);

        let mut planted = theirs.clone();
        planted.books.accounts[0].balances = "75.01".to_owned();
        planted.books.shown.push(UnevenBalance {
            wallet: wallet(),
            account: "main".to_owned(),
            currency: eur(),
            posted: "75.01".to_owned(),
            postings: "75.00".to_owned(),
        });
        let expected = [BreakKind::Balances, BreakKind::Balance];
        assert_eq!(kinds(&ours, &planted), expected);

        let mut planted = theirs.clone();
        planted.books.accounts[0].turnover = "125.02".to_owned();
        assert_eq!(kinds(&ours, &planted), [BreakKind::Turnover]);

        let mut planted = ours.clone();
        planted.merchants[0].amount = "9.99".to_owned();
        assert_eq!(kinds(&planted, &theirs), [BreakKind::Payments]);
    }

    #[test]
    fn what_only_one_side_has_is_held_against_nothing() {
        let (ours, mut theirs) = sides();
        theirs.payments.clear();
        let found = differences(&ours, &theirs);
        assert_eq!(
            (found[0].ours.as_str(), found[0].theirs.as_str()),
            ("10.00", "0.00")
        );
        assert_eq!(differences(&Ours::default(), &theirs).len(), 3);
    }
}
