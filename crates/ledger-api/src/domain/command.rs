//! What callers ask for, parsed and valid by type.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::{
    Account, Currency, FeeRuleId, Kind, Money, TransactionId, WalletId,
    event::{FeeTerms, Purpose, Rate, WalletKind},
};

use super::exchange::{KnownRate, Quote, Terms};

use super::{AccountChange, HoldAction};

/// SHA-256 of method, path, viewer and the parsed command in canonical form: what makes a
/// repeated key a replay rather than a reuse.
pub type Fingerprint = [u8; 32];

/// Who asks: the scope of idempotency keys (a token's `sub`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Caller(pub String);

impl Caller {
    /// The ledger itself, in the name of nobody. No token may have this `sub`: its bearer could
    /// use up keys that the ledger needs.
    pub const LEDGER: &'static str = "florin";

    /// The ledger itself.
    pub fn ledger() -> Self {
        Self(Self::LEDGER.to_owned())
    }
}

/// Whose balances the caller may see in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Staff and services see every leg's balance.
    All,
    /// A customer or merchant sees the balances of wallets of this owner alone.
    Owner(String),
}

impl Viewer {
    /// May a wallet of `owner` be seen?
    pub fn sees(&self, owner: &str) -> bool {
        match self {
            Self::All => true,
            Self::Owner(own) => own == owner,
        }
    }
}

/// Which wallets' balances an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Those of every wallet.
    All,
    /// Those of these wallets: the viewer's own among the ones that the command names.
    Wallets(Vec<WalletId>),
}

impl Sight {
    /// Do the balances of `wallet` show?
    pub fn shows(&self, wallet: WalletId) -> bool {
        match self {
            Self::All => true,
            Self::Wallets(own) => own.contains(&wallet),
        }
    }
}

/// One idempotent request for a change.
#[derive(Debug, Clone)]
pub struct Command {
    /// Who asks.
    pub caller: Caller,
    /// The `Idempotency-Key`, 1 to 255 visible ASCII characters.
    pub key: String,
    /// What the key stands for.
    pub fingerprint: Fingerprint,
    /// What to do.
    pub action: Action,
    /// What the answer shows.
    pub sight: Sight,
    /// W3C trace context of the request.
    pub traceparent: Option<String>,
}

/// What to do.
#[derive(Debug, Clone)]
pub enum Action {
    /// Open a wallet.
    OpenWallet(OpenWallet),
    /// Move money.
    Move(Movement),
    /// Change what a wallet may do.
    ChangeWallet(ChangeWallet),
    /// Pay back a payment, or part of it.
    Refund(Refund),
    /// Undo a transaction.
    Reverse(Reversal),
    /// Take a fee from here on.
    CreateFeeRule(FeeTerms),
    /// Take a fee no longer.
    DeactivateFeeRule(DeactivateFeeRule),
    /// Set money aside, take it, or release it.
    Hold(HoldAction),
    /// Change what all wallets of an owner may do.
    ChangeAccount(ChangeAccount),
    /// Say what currencies are worth.
    SetRates(SetRates),
    /// Give a price for an exchange.
    CreateQuote(CreateQuote),
    /// Exchange money at a price that was given.
    Exchange(Exchange),
}

impl Action {
    /// The name of a command that moves no money, as rejections of it spell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OpenWallet(_) => "wallet.open",
            Self::Move(movement) => movement.kind.as_str(),
            Self::ChangeWallet(change) => change.change.name(),
            Self::Refund(_) => Kind::Refund.as_str(),
            Self::Reverse(_) => Kind::Reversal.as_str(),
            Self::CreateFeeRule(_) => "fee_rule.create",
            Self::DeactivateFeeRule(_) => "fee_rule.deactivate",
            Self::Hold(hold) => hold.name(),
            Self::ChangeAccount(change) => change.change.name(),
            Self::SetRates(_) => "rates.set",
            Self::CreateQuote(_) => "quote.create",
            Self::Exchange(_) => Kind::Exchange.as_str(),
        }
    }

    /// The order that the command pays.
    pub fn order(&self) -> Option<OrderKey> {
        match self {
            Self::Move(movement) => movement.order(),
            Self::Hold(HoldAction::Capture(capture)) => capture.movement.order(),
            _ => None,
        }
    }
}

/// Opens a wallet.
#[derive(Debug, Clone)]
pub struct OpenWallet {
    /// Whose tokens may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// The creator's reference.
    pub reference: Option<String>,
    /// What a merchant deals in.
    pub category: Option<String>,
    /// The creator's own notes.
    pub metadata: BTreeMap<String, String>,
}

/// Moves money: every kind of transaction is one of these.
#[derive(Debug, Clone)]
pub struct Movement {
    /// What for.
    pub kind: Kind,
    /// The wallet it is about: the receiver of a deposit, else the sender.
    pub wallet: WalletId,
    /// The receiver of a transfer or payment.
    pub counterparty: Option<WalletId>,
    /// How much, above zero.
    pub amount: Money,
    /// When it counts; the moment of posting when the sender does not say.
    pub effective_at: Option<DateTime<Utc>>,
    /// The sender's reference.
    pub reference: Option<String>,
    /// The merchant's order, on payments.
    pub order_reference: Option<String>,
    /// What the merchant deals in, on payments; it follows from the counterparty.
    pub merchant_category: Option<String>,
    /// A line for people.
    pub description: Option<String>,
    /// The sender's own notes.
    pub metadata: BTreeMap<String, String>,
}

impl Movement {
    /// The order that it pays.
    pub fn order(&self) -> Option<OrderKey> {
        if self.kind != Kind::Payment {
            return None;
        }
        Some(OrderKey {
            merchant: self.counterparty?,
            reference: self.order_reference.clone()?,
        })
    }
}

/// A merchant's order, which is paid once. Its order is that of the columns' bytes in Postgres.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderKey {
    /// Who is paid.
    pub merchant: WalletId,
    /// The merchant's name for it.
    pub reference: String,
}

/// What somebody says about a correction.
#[derive(Debug, Clone, Default)]
pub struct Remarks {
    /// Why, in words; the description of the transaction.
    pub reason: String,
    /// When it counts; the moment of posting when nobody says.
    pub effective_at: Option<DateTime<Utc>>,
    /// The sender's reference.
    pub reference: Option<String>,
    /// The sender's own notes.
    pub metadata: BTreeMap<String, String>,
}

/// Pays back a payment, or part of it. What it says of the payment never changes.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The payment.
    pub payment: TransactionId,
    /// Who was paid.
    pub merchant: WalletId,
    /// Who paid.
    pub customer: WalletId,
    /// How much was paid.
    pub paid: Money,
    /// How much is paid back, above zero; all that is left when nobody says.
    pub amount: Option<Money>,
    /// What is said about it.
    pub remarks: Remarks,
}

/// Undoes a transaction. What it says of the original never changes.
#[derive(Debug, Clone)]
pub struct Reversal {
    /// What is undone.
    pub original: TransactionId,
    /// Its legs.
    pub legs: Vec<OriginalLeg>,
    /// The payment that the original paid back, and how much of it.
    pub refunded: Option<(TransactionId, Money)>,
    /// What is said about it.
    pub remarks: Remarks,
}

/// A leg of a transaction that is undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OriginalLeg {
    /// The wallet; none for the system's own accounts.
    pub wallet: Option<WalletId>,
    /// Which of its accounts.
    pub account: Account,
    /// By how much it changed.
    pub amount: Money,
    /// What it was, when not the transaction's own amount.
    pub purpose: Option<Purpose>,
}

/// Ends a fee rule.
#[derive(Debug, Clone)]
pub struct DeactivateFeeRule {
    /// The rule.
    pub rule: FeeRuleId,
    /// Why, in words.
    pub reason: String,
}

/// Says what currencies are worth.
#[derive(Debug, Clone)]
pub struct SetRates {
    /// Where the rates come from.
    pub source: String,
    /// The rates: none for the same two currencies and moment as another.
    pub rates: Vec<Rate>,
}

/// Gives a price for an exchange.
#[derive(Debug, Clone)]
pub struct CreateQuote {
    /// Whose money would be exchanged.
    pub wallet: WalletId,
    /// How much of what, above zero.
    pub amount: Money,
    /// For what: another currency.
    pub to: Currency,
    /// The newest rates that the price may come from.
    pub known: Vec<KnownRate>,
    /// How the house exchanges.
    pub terms: Terms,
}

/// Exchanges money at a price that was given.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The quote.
    pub quote: Quote,
    /// The sender's reference.
    pub reference: Option<String>,
    /// A line for people.
    pub description: Option<String>,
    /// The sender's own notes.
    pub metadata: BTreeMap<String, String>,
}

/// Changes what a wallet may do.
#[derive(Debug, Clone)]
pub struct ChangeWallet {
    /// The wallet.
    pub wallet: WalletId,
    /// How.
    pub change: WalletChange,
    /// Why, in words.
    pub reason: String,
}

/// How a wallet changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WalletChange {
    /// No debits, of any currency or of one.
    Freeze(Option<Currency>),
    /// Debits again.
    Unfreeze(Option<Currency>),
    /// Nothing moves.
    Block,
    /// Everything moves again.
    Unblock,
    /// For good; only without money and without money held.
    Close,
    /// How far below zero the balance in this currency may go: zero for a debit wallet.
    CreditLimit(Money),
}

impl WalletChange {
    /// As rejections spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Freeze(_) => "wallet.freeze",
            Self::Unfreeze(_) => "wallet.unfreeze",
            Self::Block => "wallet.block",
            Self::Unblock => "wallet.unblock",
            Self::Close => "wallet.close",
            Self::CreditLimit(_) => "wallet.set_credit_limit",
        }
    }

    /// The currency that it is about, when it is not about the whole wallet.
    pub const fn currency(self) -> Option<Currency> {
        match self {
            Self::Freeze(currency) | Self::Unfreeze(currency) => currency,
            Self::CreditLimit(limit) => Some(limit.currency()),
            Self::Block | Self::Unblock | Self::Close => None,
        }
    }
}

/// Changes what all wallets of an owner may do.
#[derive(Debug, Clone)]
pub struct ChangeAccount {
    /// Whose account.
    pub owner: String,
    /// How.
    pub change: AccountChange,
    /// Why, in words.
    pub reason: String,
}
