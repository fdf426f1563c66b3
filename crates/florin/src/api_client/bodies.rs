//! The bodies that the API takes and gives.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use contracts::event::{Purpose, WalletKind};
use contracts::{Account, Currency, Kind, TransactionId, WalletId};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A wallet to be opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewWallet {
    /// Whose tokens may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// The creator's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The creator's own notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// A deposit, withdrawal or, with `to_wallet`, a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movement {
    /// The receiver; on transfers only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to_wallet: Option<WalletId>,
    /// How much, as the API writes amounts.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// A line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The sender's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
    /// The sender's own notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

impl Movement {
    /// `amount` of `currency`, and nothing else said.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "texts, amounts and currencies are all passed alike"
    )]
    pub fn of(amount: impl ToString, currency: impl ToString) -> Self {
        Self {
            to_wallet: None,
            amount: amount.to_string(),
            currency: currency.to_string(),
            description: None,
            reference: None,
            effective_at: None,
            metadata: BTreeMap::new(),
        }
    }

    /// The same to another wallet.
    #[must_use]
    pub fn to(mut self, wallet: WalletId) -> Self {
        self.to_wallet = Some(wallet);
        self
    }
}

/// A payment of a customer to a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewPayment {
    /// Who pays.
    pub wallet: WalletId,
    /// Who is paid.
    pub merchant: WalletId,
    /// How much, as the API writes amounts.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// The merchant's order.
    pub order_reference: String,
    /// A line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The sender's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
    /// The sender's own notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// Money to pay back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewRefund {
    /// How much, as the API writes amounts; all that is left without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Why.
    pub reason: String,
    /// The sender's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
}

/// A correction of a balance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NewAdjustment {
    /// By how much, with a sign when it is taken away.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// Why.
    pub reason: String,
    /// The sender's reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// When it counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
    /// The sender's own notes.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
}

/// How far below zero a wallet may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CreditLimit {
    /// As the API writes amounts.
    pub amount: String,
    /// Of which currency.
    pub currency: String,
    /// Why.
    pub reason: String,
}

/// A wallet as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wallet {
    /// The wallet.
    pub id: WalletId,
    /// Whose tokens may use it.
    pub owner: String,
    /// Customer or merchant.
    pub kind: WalletKind,
    /// `active`, `frozen`, …
    pub status: String,
    /// The creator's reference.
    pub reference: Option<String>,
    /// One entry per currency that ever moved.
    pub balances: Vec<Balance>,
}

impl Wallet {
    /// What is posted in a currency; nothing when it never moved.
    pub fn posted(&self, currency: Currency) -> Decimal {
        let found = self
            .balances
            .iter()
            .find(|balance| balance.currency == currency);
        found.map_or(Decimal::ZERO, |balance| balance.posted)
    }
}

/// What a wallet holds of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The currency.
    pub currency: Currency,
    /// The sum of everything posted.
    pub posted: Decimal,
    /// The part of it that is reserved.
    pub held: Decimal,
    /// What may be spent.
    pub available: Decimal,
    /// Counts every change.
    pub version: u64,
}

/// A transaction as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The transaction.
    pub id: TransactionId,
    /// What it was for.
    pub kind: Kind,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// Both sides.
    pub legs: Vec<Leg>,
    /// When it counts.
    pub effective_at: DateTime<Utc>,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
    /// The sender's reference.
    pub reference: Option<String>,
}

impl Transaction {
    /// The leg of a wallet.
    pub fn leg(&self, wallet: WalletId) -> Option<&Leg> {
        self.legs.iter().find(|leg| leg.wallet == Some(wallet))
    }
}

/// One side of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The wallet; absent on legs of system accounts.
    #[serde(default)]
    pub wallet: Option<WalletId>,
    /// The account.
    pub account: Account,
    /// The currency.
    pub currency: Currency,
    /// Signed.
    pub amount: Decimal,
    /// The posted balance afterwards, where the caller may see it.
    #[serde(default)]
    pub balance_after: Option<Decimal>,
    /// The balance's version afterwards, where the caller may see it.
    #[serde(default)]
    pub version: Option<u64>,
    /// What the leg is, when it is not the transaction's own amount.
    #[serde(default)]
    pub purpose: Option<Purpose>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Where the next page begins; none after the last.
    pub next_cursor: Option<String>,
}

/// What a write brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The answer.
    pub body: T,
    /// Whether it had been given before, under the same key.
    pub replayed: bool,
}
