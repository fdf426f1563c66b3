//! Accounts and their limits, as answers show them.

use chrono::{DateTime, Utc};
use contracts::{
    Currency, Money,
    event::{AccountChanged, KycLevel, LimitReached, LimitWindow, RiskLevel},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    domain::{
        Usage,
        limit::{Limits, resets_at},
    },
    store::accounts::AccountRow,
};

/// The state that all wallets of an owner share.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountView {
    /// Whose.
    #[schema(example = "cust-1")]
    pub owner: String,
    /// `active`, `suspended` or `closed`.
    #[schema(example = "active")]
    pub status: &'static str,
    /// Are all its wallets frozen together?
    pub frozen: bool,
    /// `none`, `basic`, `standard` or `advanced`; null until somebody said so.
    #[schema(value_type = Option<String>)]
    pub kyc_level: Option<KycLevel>,
    /// What proves that.
    pub document_reference: Option<String>,
    /// `low`, `medium` or `high`; null until somebody said so.
    #[schema(value_type = Option<String>)]
    pub risk_level: Option<RiskLevel>,
    /// When its first wallet was opened, or something was first said about it.
    pub created_at: DateTime<Utc>,
}

impl AccountView {
    /// An account as it is stored.
    pub fn stored(account: AccountRow) -> Self {
        let state = account.state;
        Self {
            owner: account.owner,
            status: state.status(),
            frozen: state.is_frozen(),
            kyc_level: state.kyc_level,
            document_reference: state.document_reference,
            risk_level: state.risk_level,
            created_at: account.created_at,
        }
    }
}

/// An account that changed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AccountChangeView {
    /// Whose.
    #[schema(example = "cust-1")]
    pub owner: String,
    /// Its state now: `active`, `suspended` or `closed`.
    #[schema(example = "suspended")]
    pub status: String,
    /// Are all its wallets frozen together?
    pub frozen: bool,
    /// `none`, `basic`, `standard` or `advanced`; null until somebody said so.
    #[schema(value_type = Option<String>)]
    pub kyc_level: Option<KycLevel>,
    /// `low`, `medium` or `high`; null until somebody said so.
    #[schema(value_type = Option<String>)]
    pub risk_level: Option<RiskLevel>,
    /// Why.
    pub reason: String,
    /// Its position in the ledger's log.
    pub seq: u64,
    /// When the ledger wrote it.
    pub posted_at: DateTime<Utc>,
}

impl AccountChangeView {
    /// What the event says.
    pub fn of(event: &AccountChanged) -> Self {
        Self {
            owner: event.owner.clone(),
            status: event.status.clone(),
            frozen: event.frozen,
            kyc_level: event.kyc_level,
            risk_level: event.risk_level,
            reason: event.reason.clone(),
            seq: event.seq,
            posted_at: event.posted_at,
        }
    }
}

/// What an account may spend, and what it has spent of that.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LimitsView {
    /// Whose.
    #[schema(example = "cust-1")]
    pub owner: String,
    /// `none`, `basic`, `standard` or `advanced`; null until somebody said so.
    #[schema(value_type = Option<String>)]
    pub kyc_level: Option<KycLevel>,
    /// `low`, `medium` or `high`; null until somebody said so.
    #[schema(value_type = Option<String>)]
    pub risk_level: Option<RiskLevel>,
    /// The moment that this is of.
    pub as_of: DateTime<Utc>,
    /// One entry per currency of the owner's wallets; none while the account has no level, because
    /// then nothing limits it.
    pub currencies: Vec<CurrencyLimitsView>,
}

/// The limits in one currency. Amounts are strings at exactly the currency's scale.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CurrencyLimitsView {
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "USD")]
    pub currency: String,
    /// Of one transaction; null when only the sums are limited.
    pub transaction: Option<TransactionLimitView>,
    /// Of a day in UTC.
    pub day: Option<WindowView>,
    /// Of a calendar month in UTC.
    pub month: Option<WindowView>,
}

/// The largest transaction.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TransactionLimitView {
    /// How much at once.
    #[schema(example = "10000.00")]
    pub limit: String,
}

/// A sum that is limited.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WindowView {
    /// How much in all.
    #[schema(example = "50000.00")]
    pub limit: String,
    /// How much of it was spent; more than the limit, when that was lowered since.
    #[schema(example = "120.00")]
    pub used: String,
    /// How much may still be spent.
    #[schema(example = "49880.00")]
    pub remaining: String,
    /// When nothing is used again.
    pub resets_at: DateTime<Utc>,
}

impl LimitsView {
    /// The limits of an account at `now`.
    pub fn of(account: AccountRow, used: &[Usage], now: DateTime<Utc>) -> Self {
        let currencies = used
            .iter()
            .map(|used| {
                let currency = used.day_used.currency();
                let limits = Limits::of(&account.state, currency);
                CurrencyLimitsView {
                    currency: currency.code().to_owned(),
                    transaction: limits.transaction.map(|limit| TransactionLimitView {
                        limit: limit.to_string(),
                    }),
                    day: window(limits.day, used.day_used, LimitWindow::Day, now),
                    month: window(limits.month, used.month_used, LimitWindow::Month, now),
                }
            })
            .collect();
        Self {
            owner: account.owner,
            kyc_level: account.state.kyc_level,
            risk_level: account.state.risk_level,
            as_of: now,
            currencies,
        }
    }
}

fn window(
    limit: Option<Money>,
    used: Money,
    window: LimitWindow,
    now: DateTime<Utc>,
) -> Option<WindowView> {
    let limit = limit?;
    let rest = limit.checked_sub(used).ok();
    let remaining = rest.filter(|rest| !rest.is_negative());
    Some(WindowView {
        limit: limit.to_string(),
        used: used.to_string(),
        remaining: remaining
            .unwrap_or_else(|| Money::zero(used.currency()))
            .to_string(),
        resets_at: resets_at(window, now)?,
    })
}

/// The limit that a transaction would have exceeded, in its currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LimitReachedView {
    /// `transaction`, `day` or `month`.
    #[schema(value_type = String, example = "day")]
    pub window: LimitWindow,
    /// How much is allowed.
    #[schema(example = "1000.00")]
    pub limit: String,
    /// How much was used before.
    #[schema(example = "950.00")]
    pub used: String,
    /// How much would have been allowed.
    #[schema(example = "50.00")]
    pub remaining: String,
    /// When the window ends; absent for one transaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resets_at: Option<DateTime<Utc>>,
}

impl LimitReachedView {
    /// What the event says.
    pub fn of(reached: &LimitReached, currency: Currency) -> Self {
        let at_scale = |amount| Money::exact(amount, currency).map(|money| money.to_string());
        let text =
            |amount: rust_decimal::Decimal| at_scale(amount).unwrap_or_else(|_| amount.to_string());
        let rest = (reached.limit - reached.used).max(rust_decimal::Decimal::ZERO);
        Self {
            window: reached.window,
            limit: text(reached.limit),
            used: text(reached.used),
            remaining: text(rest),
            resets_at: reached.resets_at,
        }
    }

    /// In a sentence.
    pub fn sentence(&self, currency: Currency) -> String {
        let Self {
            limit, remaining, ..
        } = self;
        match self.window {
            LimitWindow::Transaction => {
                format!("a transaction of the account has at most {limit} {currency}")
            }
            window => format!(
                "the account may spend {limit} {currency} per {}, of which {remaining} are left",
                window.as_str()
            ),
        }
    }
}
