//! What a decision is made on: the locked rows of one batch, in memory.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fmt,
};

use contracts::{Account, Currency, HoldId, Money, QuoteId, TransactionId, WalletId};
use uuid::Uuid;

use super::{
    AccountNeed, AccountState, Correction, FeeRules, Hold, OrderKey, Restrictions, Usage, UsageKey,
};

/// The key of a balance. Its order is the order in which locks are taken, the same as that of
/// the columns' bytes in Postgres.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BalanceKey {
    /// The wallet, or the system's own.
    pub wallet: WalletId,
    /// Which of its accounts.
    pub account: Account,
    /// In which currency.
    pub currency: Currency,
}

impl BalanceKey {
    /// A wallet's own money.
    pub const fn main(wallet: WalletId, currency: Currency) -> Self {
        Self {
            wallet,
            account: Account::Main,
            currency,
        }
    }

    /// An account of the system itself.
    pub const fn system(account: Account, shard: SystemShard, currency: Currency) -> Self {
        Self {
            wallet: shard.wallet(),
            account,
            currency,
        }
    }

    fn sort_key(&self) -> (Uuid, &'static str, &str) {
        (
            self.wallet.as_uuid(),
            self.account.as_str(),
            self.currency.code(),
        )
    }
}

impl PartialOrd for BalanceKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for BalanceKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.sort_key().cmp(&other.sort_key())
    }
}

impl fmt::Debug for BalanceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            self.wallet,
            self.account.as_str(),
            self.currency
        )
    }
}

/// Which of the system's wallets a lane uses. Every deposit touches a system account; with one
/// shard per lane, lanes do not wait for each other there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemShard(u8);

impl SystemShard {
    /// How many there are; migrations create their wallets.
    pub const COUNT: u8 = 16;

    /// The shard of a lane; lanes beyond [`Self::COUNT`] share.
    pub const fn of_lane(lane: u8) -> Self {
        Self(lane % Self::COUNT)
    }

    /// The system wallet of this shard.
    pub const fn wallet(self) -> WalletId {
        WalletId::from_uuid(Uuid::from_u128(
            0x0000_0000_0000_7000_8000_0000_0000_0000 | self.0 as u128,
        ))
    }

    /// Is this one of the system's own wallets?
    pub fn is_system(wallet: WalletId) -> bool {
        (0..Self::COUNT).any(|shard| Self(shard).wallet() == wallet)
    }
}

/// A balance: what is posted, what of it is held, and how often it changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// The sum of the postings.
    pub posted: Money,
    /// The part of it that is reserved.
    pub held: Money,
    /// How far below zero the available balance may go; none for system accounts.
    pub credit_limit: Option<Money>,
    /// Counts every change, without gaps.
    pub version: u64,
    /// What the wallet, or this currency of it, may not do.
    pub restrictions: Restrictions,
}

impl Balance {
    /// A balance that nothing has touched yet.
    pub fn fresh(key: BalanceKey) -> Self {
        let zero = Money::zero(key.currency);
        let credit_limit = (key.account == Account::Main).then_some(zero);
        Self {
            posted: zero,
            held: zero,
            credit_limit,
            version: 0,
            restrictions: Restrictions::NONE,
        }
    }

    /// What may be spent without credit; `None` when it does not fit the digits of a decimal.
    pub fn available(&self) -> Option<Money> {
        self.posted.checked_sub(self.held).ok()
    }

    /// What may be spent with the credit line: below zero, the balance is under its floor.
    /// `None` when there is no floor, or the number does not fit.
    pub fn slack(&self) -> Option<Money> {
        self.available()?.checked_add(self.credit_limit?).ok()
    }
}

/// The locked rows of a batch, and which of them were changed.
#[derive(Debug, Default, Clone)]
pub struct State {
    /// Balances that commands of the batch may change.
    pub balances: HashMap<BalanceKey, Balance>,
    /// Restrictions of the wallets that commands of the batch change.
    pub wallets: HashMap<WalletId, Restrictions>,
    /// What was taken back of transactions that commands of the batch correct.
    pub corrections: HashMap<TransactionId, Correction>,
    /// Those orders of the batch that are paid already.
    pub orders: HashSet<OrderKey>,
    /// The fee rules that hold at this point of the log.
    pub fees: FeeRules,
    /// Holds that commands of the batch capture or release.
    pub holds: HashMap<HoldId, Hold>,
    /// Accounts that commands of the batch change or open wallets for, and those whose limits
    /// count, by owner.
    pub accounts: HashMap<String, AccountState>,
    /// The owners of those accounts' wallets: of all of them when the account changes.
    pub owners: HashMap<WalletId, String>,
    /// What accounts with limits used, as far as commands of the batch may add to it.
    pub usages: HashMap<UsageKey, Usage>,
    /// Quotes that commands of the batch execute, and whether they were executed.
    pub quotes: HashMap<QuoteId, bool>,
    /// What has to be written.
    pub touched: Touched,
}

/// The keys of changed rows, in the order in which they are written.
#[derive(Debug, Default, Clone)]
pub struct Touched {
    /// Of balances.
    pub balances: BTreeSet<BalanceKey>,
    /// Of wallets.
    pub wallets: BTreeSet<WalletId>,
    /// Of corrections.
    pub corrections: BTreeSet<TransactionId>,
    /// Orders that are paid now.
    pub orders: BTreeSet<OrderKey>,
    /// Of holds.
    pub holds: BTreeSet<HoldId>,
    /// Of accounts.
    pub accounts: BTreeSet<String>,
    /// Of usages.
    pub usages: BTreeSet<UsageKey>,
}

impl State {
    /// A balance that was locked.
    pub fn balance(&self, key: BalanceKey) -> Balance {
        *self
            .balances
            .get(&key)
            .expect("every balance of a batch is locked before it is decided on")
    }

    /// Changes a balance.
    pub fn set_balance(&mut self, key: BalanceKey, balance: Balance) {
        self.balances.insert(key, balance);
        self.touched.balances.insert(key);
    }

    /// What was taken back of a transaction that was locked.
    pub fn correction(&self, transaction: TransactionId) -> Correction {
        *self
            .corrections
            .get(&transaction)
            .expect("a transaction's correction is locked before it is decided on")
    }

    /// Changes what was taken back of a transaction.
    pub fn set_correction(&mut self, transaction: TransactionId, correction: Correction) {
        self.corrections.insert(transaction, correction);
        self.touched.corrections.insert(transaction);
    }

    /// A hold that was locked.
    pub fn hold(&self, id: HoldId) -> Hold {
        *self
            .holds
            .get(&id)
            .expect("every hold of a batch is locked before it is decided on")
    }

    /// Changes a hold.
    pub fn set_hold(&mut self, id: HoldId, hold: Hold) {
        self.holds.insert(id, hold);
        self.touched.holds.insert(id);
    }

    /// Changes a wallet.
    pub fn set_wallet(&mut self, wallet: WalletId, restrictions: Restrictions) {
        self.wallets.insert(wallet, restrictions);
        self.touched.wallets.insert(wallet);
    }

    /// An account that was locked.
    pub fn account(&self, owner: &str) -> &AccountState {
        self.accounts
            .get(owner)
            .expect("every account of a batch is locked before it is decided on")
    }

    /// Changes an account.
    pub fn set_account(&mut self, owner: &str, account: AccountState) {
        self.accounts.insert(owner.to_owned(), account);
        self.touched.accounts.insert(owner.to_owned());
    }

    /// Changes what an account used.
    pub fn set_usage(&mut self, key: UsageKey, usage: Usage) {
        self.usages.insert(key.clone(), usage);
        self.touched.usages.insert(key);
    }

    /// Has everything written that an account used.
    pub fn touch_usages_of(&mut self, owner: &str) {
        let own = self.usages.keys().filter(|key| key.owner == owner);
        self.touched.usages.extend(own.cloned());
    }
}

/// The rows that commands decide on: all of them are locked first, class by class, each class
/// in the order of its keys.
#[derive(Debug, Default)]
pub struct Needs {
    /// Wallets that change: locked with every balance they have.
    pub wallets: BTreeSet<WalletId>,
    /// What was taken back of transactions; rows that are not there are made.
    pub corrections: BTreeSet<TransactionId>,
    /// Orders to be paid. They need no lock: whoever pays a merchant in one currency holds its
    /// balance, and two currencies meet at the primary key.
    pub orders: BTreeSet<OrderKey>,
    /// Every fee rule that may hold somewhere in the batch.
    pub fees: FeeRules,
    /// Holds that change.
    pub holds: BTreeSet<HoldId>,
    /// Quotes that are executed.
    pub quotes: BTreeSet<QuoteId>,
    /// Balances; rows that are not there are made.
    pub balances: BTreeSet<BalanceKey>,
    /// Accounts by owner; those that change are locked with all their wallets.
    pub accounts: BTreeMap<String, AccountNeed>,
    /// Of the balances, those whose debit counts against the limits of the account, if it has
    /// any. What it used is locked last, when the balances have told.
    pub counted: BTreeSet<BalanceKey>,
}

impl Needs {
    /// Adds an account.
    pub fn account(&mut self, owner: &str, need: AccountNeed) {
        let wanted = self.accounts.entry(owner.to_owned()).or_insert(need);
        *wanted = need.max(*wanted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_wallets_are_those_that_the_migration_creates() {
        assert_eq!(
            SystemShard::of_lane(11).wallet().as_uuid().to_string(),
            "00000000-0000-7000-8000-00000000000b"
        );
        assert_eq!(SystemShard::of_lane(16), SystemShard::of_lane(0));
        assert!(SystemShard::is_system(SystemShard::of_lane(3).wallet()));
    }

    #[test]
    fn balances_sort_as_postgres_sorts_their_columns() {
        let wallet = |n: u128| WalletId::from_uuid(Uuid::from_u128(n));
        let currency = |code: &str| code.parse().expect("a currency");
        let mut keys = [
            BalanceKey::main(wallet(2), currency("EUR")),
            BalanceKey::main(wallet(1), currency("USD")),
            BalanceKey {
                wallet: wallet(1),
                account: Account::Revenue,
                currency: currency("EUR"),
            },
            BalanceKey {
                wallet: wallet(1),
                account: Account::Funding,
                currency: currency("USD"),
            },
            BalanceKey::main(wallet(1), currency("EUR")),
        ];
        keys.sort();
        let printed: Vec<String> = keys
            .iter()
            .map(|key| format!("{key:?}")[33..].to_owned())
            .collect();
        assert_eq!(
            printed,
            [
                "001/funding/USD",
                "001/main/EUR",
                "001/main/USD",
                "001/revenue/EUR",
                "002/main/EUR"
            ]
            .map(str::to_owned)
        );
    }
}
