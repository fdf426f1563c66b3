//! What the ledger answers to those who tie out their own sums against its tables. Totals are
//! texts at the currency's scale: they may exceed the 28 digits of a `Decimal`.

use serde::{Deserialize, Serialize};

use crate::{Currency, WalletId};

/// Asks for the sums as of a position in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TieOutRequest {
    /// Only what events up to here posted.
    pub at: u64,
}

/// The ledger's own sums, all of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TieOut {
    /// One entry per account and currency.
    pub accounts: Vec<AccountTotals>,
    /// How many balances are not the sum of their postings.
    pub uneven: u64,
    /// The first of them.
    pub shown: Vec<UnevenBalance>,
}

/// The sums over one kind of account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTotals {
    /// `main`, `funding` or `revenue`; text, so that a newer ledger's account is no riddle.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// The balances as they were at the position.
    pub balances: String,
    /// The postings up to the position.
    pub postings: String,
    /// The same, without their signs.
    pub turnover: String,
}

/// A balance that is not the sum of its postings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnevenBalance {
    /// The wallet.
    pub wallet: WalletId,
    /// The account.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// The balance.
    pub posted: String,
    /// The sum of its postings.
    pub postings: String,
}

/// Asks what merchants were paid up to a position in the log, in order of their wallets. What a
/// position covers never changes, so pages of several snapshots fit together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsRequest {
    /// Only payments up to here.
    pub at: u64,
    /// Only merchants after this one.
    pub after: Option<WalletId>,
}

/// What some merchants were paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentsPage {
    /// In order of merchant and currency; those that were paid nothing are left out.
    pub totals: Vec<MerchantTotal>,
    /// Goes into `after` for the next page; nothing on the last one.
    pub next: Option<WalletId>,
}

/// What a merchant was paid in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantTotal {
    /// The merchant's wallet.
    pub merchant: WalletId,
    /// The currency.
    pub currency: Currency,
    /// The sum of the payments.
    pub amount: String,
}
