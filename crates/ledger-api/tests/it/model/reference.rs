//! What should come out, in the simplest words: whole numbers and no engine.

use std::collections::BTreeMap;

use super::operations::{Coin, Operation, WALLETS};

/// The code of a rejection.
pub type Code = &'static str;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purse {
    pub minor: i64,
    pub limit: i64,
    pub frozen: bool,
    pub version: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wallet {
    pub purses: BTreeMap<Coin, Purse>,
    pub frozen: bool,
    pub blocked: bool,
    pub closed: bool,
}

impl Wallet {
    pub fn purse(&self, coin: Coin) -> Purse {
        self.purses.get(&coin).cloned().unwrap_or_default()
    }

    pub const fn status(&self) -> &'static str {
        match (self.closed, self.blocked, self.frozen) {
            (true, _, _) => "closed",
            (_, true, _) => "blocked",
            (_, _, true) => "frozen",
            _ => "active",
        }
    }

    const fn may_gain(&self) -> Result<(), Code> {
        match (self.closed, self.blocked) {
            (true, _) => Err("wallet_closed"),
            (_, true) => Err("wallet_blocked"),
            _ => Ok(()),
        }
    }

    fn may_spend(&self, coin: Coin) -> Result<(), Code> {
        self.may_gain()?;
        if self.frozen {
            return Err("wallet_frozen");
        }
        if self.purse(coin).frozen {
            return Err("currency_frozen");
        }
        Ok(())
    }

    fn change(&mut self, coin: Coin, minor: i64) {
        let purse = self.purses.entry(coin).or_default();
        purse.minor += minor;
        purse.version += 1;
    }
}

/// All wallets of a sequence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    pub wallets: [Wallet; WALLETS],
}

impl Reference {
    /// One command; nothing changes when it is refused.
    pub fn apply(&mut self, operation: &Operation) -> Result<(), Code> {
        let wallets = &mut self.wallets;
        match *operation {
            Operation::Deposit(to, coin, minor) => {
                wallets[to].may_gain()?;
                wallets[to].change(coin, minor);
            }
            Operation::Withdraw(from, coin, minor) => {
                wallets[from].may_spend(coin)?;
                suffices(&wallets[from], coin, minor)?;
                wallets[from].change(coin, -minor);
            }
            Operation::Transfer(_, from, to, coin, minor) => {
                wallets[from].may_spend(coin)?;
                wallets[to].may_gain()?;
                suffices(&wallets[from], coin, minor)?;
                wallets[from].change(coin, -minor);
                wallets[to].change(coin, minor);
            }
            Operation::Freeze(wallet, coin) => freeze(&mut wallets[wallet], coin, true)?,
            Operation::Unfreeze(wallet, coin) => freeze(&mut wallets[wallet], coin, false)?,
            Operation::Block(wallet) => block(&mut wallets[wallet], true)?,
            Operation::Unblock(wallet) => block(&mut wallets[wallet], false)?,
            Operation::Close(wallet) => {
                is_open(&wallets[wallet])?;
                if wallets[wallet]
                    .purses
                    .values()
                    .any(|purse| purse.minor != 0)
                {
                    return Err("wallet_not_empty");
                }
                wallets[wallet].closed = true;
            }
            Operation::CreditLimit(wallet, coin, limit) => {
                is_open(&wallets[wallet])?;
                let purse = wallets[wallet].purses.entry(coin).or_default();
                if purse.minor + limit < 0 {
                    return Err("credit_in_use");
                }
                purse.limit = limit;
            }
        }
        Ok(())
    }

    /// Commands that stand for themselves: an empty code for what is done.
    pub fn each(&mut self, operations: &[Operation]) -> Vec<Code> {
        let codes = operations.iter().map(|one| self.apply(one));
        codes.map(|done| done.err().unwrap_or_default()).collect()
    }

    /// All or none.
    pub fn linked(&mut self, operations: &[Operation]) -> Vec<Code> {
        let before = self.clone();
        for (guilty, operation) in operations.iter().enumerate() {
            if let Err(code) = self.apply(operation) {
                *self = before;
                let mut codes = vec!["batch_rejected"; operations.len()];
                codes[guilty] = code;
                return codes;
            }
        }
        vec![""; operations.len()]
    }
}

fn suffices(wallet: &Wallet, coin: Coin, minor: i64) -> Result<(), Code> {
    let purse = wallet.purse(coin);
    if purse.minor - minor < -purse.limit {
        return Err("insufficient_funds");
    }
    Ok(())
}

const fn is_open(wallet: &Wallet) -> Result<(), Code> {
    if wallet.closed {
        return Err("wallet_closed");
    }
    Ok(())
}

fn freeze(wallet: &mut Wallet, coin: Option<Coin>, frozen: bool) -> Result<(), Code> {
    is_open(wallet)?;
    let flag = match coin {
        Some(coin) => &mut wallet.purses.entry(coin).or_default().frozen,
        None => &mut wallet.frozen,
    };
    set(flag, frozen)
}

fn block(wallet: &mut Wallet, blocked: bool) -> Result<(), Code> {
    is_open(wallet)?;
    set(&mut wallet.blocked, blocked)
}

fn set(flag: &mut bool, to: bool) -> Result<(), Code> {
    if *flag == to {
        return Err("status_unchanged");
    }
    *flag = to;
    Ok(())
}
