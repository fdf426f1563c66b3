//! What may be asked for, and how often.

use contracts::{Kind, Money, WalletId, parse_amount};
use ledger_api::domain::{Action, ChangeWallet, WalletChange};
use proptest::prelude::*;

use crate::books::movement_of;

/// How many wallets a sequence is about.
pub const WALLETS: usize = 4;

/// Two currencies of different scales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coin {
    Euro,
    Yen,
}

impl Coin {
    pub const ALL: [Self; 2] = [Self::Euro, Self::Yen];

    pub const fn code(self) -> &'static str {
        match self {
            Self::Euro => "EUR",
            Self::Yen => "JPY",
        }
    }

    /// So many of the smallest unit, at least one.
    pub fn money(self, minor: i64) -> Money {
        let text = match self {
            Self::Euro => format!("{}.{:02}", minor / 100, minor % 100),
            Self::Yen => minor.to_string(),
        };
        let currency = self.code().parse().expect("a currency");
        parse_amount(&text, currency).unwrap_or_else(|_| Money::zero(currency))
    }
}

/// One command: wallets by number, amounts in the smallest unit.
#[derive(Debug, Clone)]
pub enum Operation {
    Deposit(usize, Coin, i64),
    Withdraw(usize, Coin, i64),
    /// Payments are decided alike, but for their receiver.
    Transfer(Kind, usize, usize, Coin, i64),
    Freeze(usize, Option<Coin>),
    Unfreeze(usize, Option<Coin>),
    Block(usize),
    Unblock(usize),
    Close(usize),
    CreditLimit(usize, Coin, i64),
}

impl Operation {
    /// As the ledger takes it.
    pub fn action(&self, wallets: &[WalletId]) -> Action {
        let change = |wallet: usize, change| {
            Action::ChangeWallet(ChangeWallet {
                wallet: wallets[wallet],
                change,
                reason: "because".to_owned(),
            })
        };
        let currency =
            |coin: Option<Coin>| coin.map(|coin| coin.code().parse().expect("a currency"));
        match *self {
            Self::Deposit(to, coin, minor) => {
                movement_of(Kind::Deposit, wallets[to], None, coin.money(minor))
            }
            Self::Withdraw(from, coin, minor) => {
                movement_of(Kind::Withdrawal, wallets[from], None, coin.money(minor))
            }
            Self::Transfer(kind, from, to, coin, minor) => {
                movement_of(kind, wallets[from], Some(wallets[to]), coin.money(minor))
            }
            Self::Freeze(wallet, coin) => change(wallet, WalletChange::Freeze(currency(coin))),
            Self::Unfreeze(wallet, coin) => change(wallet, WalletChange::Unfreeze(currency(coin))),
            Self::Block(wallet) => change(wallet, WalletChange::Block),
            Self::Unblock(wallet) => change(wallet, WalletChange::Unblock),
            Self::Close(wallet) => change(wallet, WalletChange::Close),
            Self::CreditLimit(wallet, coin, minor) => {
                change(wallet, WalletChange::CreditLimit(coin.money(minor)))
            }
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub enum Step {
    One(Operation),
    /// All or none.
    Linked(Vec<Operation>),
    /// Each for itself.
    Each(Vec<Operation>),
    /// Told and not done; linked or each.
    Rehearsal(bool, Vec<Operation>),
    /// An earlier step once more, under its keys.
    Again(usize),
}

fn any_operation() -> impl Strategy<Value = Operation> {
    use Operation::{
        Block, Close, CreditLimit, Deposit, Freeze, Transfer, Unblock, Unfreeze, Withdraw,
    };
    let wallet = 0..WALLETS;
    let coin = prop::sample::select(&Coin::ALL[..]);
    let kind = prop::sample::select(&[Kind::Transfer, Kind::Payment][..]);
    // Few different amounts, so that balances meet zero and their floors exactly.
    let minor = prop::sample::select(&[1_i64, 100, 250, 500, 1_000][..]);
    let money = (wallet.clone(), coin.clone(), minor.clone());
    let one = (wallet.clone(), prop::option::of(coin.clone()));
    prop_oneof![
        8 => money.clone().prop_map(|(to, coin, minor)| Deposit(to, coin, minor)),
        8 => money.clone().prop_map(|(from, coin, minor)| Withdraw(from, coin, minor)),
        // The receiver is another wallet: the same one is refused when the request is read.
        12 => (kind, wallet.clone(), 1..WALLETS, coin.clone(), minor).prop_map(
            |(kind, from, further, coin, minor)| {
                Transfer(kind, from, (from + further) % WALLETS, coin, minor)
            }
        ),
        2 => one.clone().prop_map(|(wallet, coin)| Freeze(wallet, coin)),
        3 => one.prop_map(|(wallet, coin)| Unfreeze(wallet, coin)),
        1 => wallet.clone().prop_map(Block),
        2 => wallet.clone().prop_map(Unblock),
        1 => wallet.clone().prop_map(Close),
        2 => (wallet, coin, prop::sample::select(&[0_i64, 250, 500][..]))
            .prop_map(|(wallet, coin, minor)| CreditLimit(wallet, coin, minor)),
    ]
}

pub fn any_step() -> impl Strategy<Value = Step> {
    let some = prop::collection::vec(any_operation(), 1..5).boxed();
    prop_oneof![
        8 => any_operation().prop_map(Step::One),
        3 => some.clone().prop_map(Step::Linked),
        3 => some.clone().prop_map(Step::Each),
        1 => (any::<bool>(), some).prop_map(|(linked, some)| Step::Rehearsal(linked, some)),
        1 => (0..40_usize).prop_map(Step::Again),
    ]
}
