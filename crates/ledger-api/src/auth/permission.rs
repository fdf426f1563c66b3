//! Permissions, roles, and the one table from roles to permissions.

use std::{fmt, str::FromStr};

/// What a route, or a field of a request, asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Open a wallet for oneself.
    WalletsCreate,
    /// Open a wallet for any owner.
    WalletsCreateAny,
    /// Read wallets and their history.
    WalletsRead,
    /// See and use wallets of every owner, not only one's own.
    WalletsReadAny,
    /// Freeze a wallet, or one currency of it, and unfreeze it.
    WalletsFreeze,
    /// Block a wallet and unblock it.
    WalletsBlock,
    /// Close a wallet that is empty.
    WalletsClose,
    /// Say how far below zero a wallet may go.
    WalletsCredit,
    /// Read accounts and their limits.
    AccountsRead,
    /// Say how well an owner is known; suspend, resume and close accounts.
    AccountsManage,
    /// Say what risk an account is.
    AccountsRisk,
    /// Put money into a wallet.
    MoneyDeposit,
    /// Take money out of a wallet.
    MoneyWithdraw,
    /// Move money between two wallets.
    MoneyTransfer,
    /// Pay a merchant.
    MoneyPay,
    /// Pay a payment back, or part of it.
    PaymentsRefund,
    /// Undo a transaction.
    TransactionsReverse,
    /// Correct a balance.
    MoneyAdjust,
    /// Read the rules about fees.
    FeesRead,
    /// Make and end rules about fees.
    FeesManage,
    /// Send many operations in one request; each asks for its own permission too.
    MoneyBatch,
    /// Ask for the price of an exchange, and exchange at it.
    MoneyExchange,
    /// Say when a movement counts (`effective_at`).
    MoneyBackdate,
    /// Set money aside.
    HoldsPlace,
    /// Take money that was set aside in one's favour.
    HoldsCapture,
    /// Release money that was set aside in one's favour.
    HoldsVoid,
    /// Say what currencies are worth.
    RatesSet,
    /// Read what currencies are worth.
    RatesRead,
    /// Read statistics of wallets.
    StatsRead,
    /// Read fraud alerts, of every wallet.
    AlertsRead,
    /// Read settlement batches and breaks, of every merchant.
    SettlementsRead,
    /// Have payments put into settlement batches.
    SettlementsCut,
    /// Read what workers gave up, of every wallet.
    DeadLettersRead,
    /// Replay or discard what workers gave up.
    DeadLettersAct,
    /// Read who asked for which change, of everybody.
    AuditRead,
}

impl Permission {
    /// Every permission.
    pub const ALL: &'static [Self] = &[
        Self::WalletsCreate,
        Self::WalletsCreateAny,
        Self::WalletsRead,
        Self::WalletsReadAny,
        Self::WalletsFreeze,
        Self::WalletsBlock,
        Self::WalletsClose,
        Self::WalletsCredit,
        Self::AccountsRead,
        Self::AccountsManage,
        Self::AccountsRisk,
        Self::MoneyDeposit,
        Self::MoneyWithdraw,
        Self::MoneyTransfer,
        Self::MoneyPay,
        Self::PaymentsRefund,
        Self::TransactionsReverse,
        Self::MoneyAdjust,
        Self::FeesRead,
        Self::FeesManage,
        Self::MoneyBatch,
        Self::MoneyExchange,
        Self::MoneyBackdate,
        Self::HoldsPlace,
        Self::HoldsCapture,
        Self::HoldsVoid,
        Self::RatesSet,
        Self::RatesRead,
        Self::StatsRead,
        Self::AlertsRead,
        Self::SettlementsRead,
        Self::SettlementsCut,
        Self::DeadLettersRead,
        Self::DeadLettersAct,
        Self::AuditRead,
    ];

    /// As documents and refusals spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WalletsCreate => "wallets:create",
            Self::WalletsCreateAny => "wallets:create_any",
            Self::WalletsRead => "wallets:read",
            Self::WalletsReadAny => "wallets:read_any",
            Self::WalletsFreeze => "wallets:freeze",
            Self::WalletsBlock => "wallets:block",
            Self::WalletsClose => "wallets:close",
            Self::WalletsCredit => "wallets:credit",
            Self::AccountsRead => "accounts:read",
            Self::AccountsManage => "accounts:manage",
            Self::AccountsRisk => "accounts:risk",
            Self::MoneyDeposit => "money:deposit",
            Self::MoneyWithdraw => "money:withdraw",
            Self::MoneyTransfer => "money:transfer",
            Self::MoneyPay => "money:pay",
            Self::PaymentsRefund => "payments:refund",
            Self::TransactionsReverse => "transactions:reverse",
            Self::MoneyAdjust => "money:adjust",
            Self::FeesRead => "fees:read",
            Self::FeesManage => "fees:manage",
            Self::MoneyBatch => "money:batch",
            Self::MoneyExchange => "money:exchange",
            Self::MoneyBackdate => "money:backdate",
            Self::HoldsPlace => "holds:place",
            Self::HoldsCapture => "holds:capture",
            Self::HoldsVoid => "holds:void",
            Self::RatesSet => "rates:set",
            Self::RatesRead => "rates:read",
            Self::StatsRead => "stats:read",
            Self::AlertsRead => "alerts:read",
            Self::SettlementsRead => "settlements:read",
            Self::SettlementsCut => "settlements:cut",
            Self::DeadLettersRead => "dead_letters:read",
            Self::DeadLettersAct => "dead_letters:act",
            Self::AuditRead => "audit:read",
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a token's bearer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Somebody with wallets.
    Customer,
    /// Somebody who is paid.
    Merchant,
    /// Staff that moves money by hand.
    Operator,
    /// Another program of the house.
    Service,
    /// Staff that looks for fraud.
    Analyst,
    /// Staff that settles and reconciles.
    Finance,
    /// Staff that may do everything.
    Admin,
}

impl Role {
    /// Every role.
    pub const ALL: &'static [Self] = &[
        Self::Customer,
        Self::Merchant,
        Self::Operator,
        Self::Service,
        Self::Analyst,
        Self::Finance,
        Self::Admin,
    ];

    /// As tokens spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Merchant => "merchant",
            Self::Operator => "operator",
            Self::Service => "service",
            Self::Analyst => "analyst",
            Self::Finance => "finance",
            Self::Admin => "admin",
        }
    }

    /// The table: what each role may do.
    pub const fn permissions(self) -> &'static [Permission] {
        use Permission::{
            AccountsRead, AccountsRisk, AlertsRead, AuditRead, DeadLettersRead, FeesRead,
            HoldsCapture, HoldsPlace, HoldsVoid, MoneyBatch, MoneyExchange, MoneyPay,
            MoneyTransfer, MoneyWithdraw, PaymentsRefund, RatesRead, RatesSet, SettlementsCut,
            SettlementsRead, StatsRead, WalletsClose, WalletsCreate, WalletsFreeze, WalletsRead,
            WalletsReadAny,
        };
        match self {
            // What a customer may, and pay back.
            Self::Merchant => &[
                WalletsCreate,
                WalletsRead,
                WalletsClose,
                AccountsRead,
                MoneyWithdraw,
                MoneyTransfer,
                MoneyPay,
                PaymentsRefund,
                HoldsPlace,
                HoldsCapture,
                HoldsVoid,
                MoneyBatch,
                MoneyExchange,
                RatesRead,
                StatsRead,
            ],
            Self::Customer => &[
                WalletsCreate,
                WalletsRead,
                WalletsClose,
                AccountsRead,
                MoneyWithdraw,
                MoneyTransfer,
                MoneyPay,
                HoldsPlace,
                HoldsCapture,
                HoldsVoid,
                MoneyBatch,
                MoneyExchange,
                RatesRead,
                StatsRead,
            ],
            Self::Analyst => &[
                WalletsRead,
                WalletsReadAny,
                WalletsFreeze,
                AccountsRead,
                AccountsRisk,
                RatesRead,
                StatsRead,
                AlertsRead,
                DeadLettersRead,
            ],
            Self::Finance => &[
                WalletsRead,
                WalletsReadAny,
                AccountsRead,
                RatesSet,
                RatesRead,
                StatsRead,
                SettlementsRead,
                SettlementsCut,
                FeesRead,
                DeadLettersRead,
                AuditRead,
            ],
            Self::Operator | Self::Service | Self::Admin => Permission::ALL,
        }
    }

    /// May this role do it?
    pub fn may(self, permission: Permission) -> bool {
        self.permissions().contains(&permission)
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL
            .iter()
            .copied()
            .find(|role| role.as_str() == text)
            .ok_or(UnknownRole)
    }
}

/// A text that names no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown role")]
pub struct UnknownRole;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn those_who_own_wallets_neither_deposit_nor_backdate_nor_see_others() {
        for role in [Role::Customer, Role::Merchant] {
            for permission in [
                Permission::MoneyDeposit,
                Permission::MoneyBackdate,
                Permission::TransactionsReverse,
                Permission::MoneyAdjust,
                Permission::FeesManage,
                Permission::WalletsReadAny,
                Permission::WalletsCreateAny,
                Permission::WalletsFreeze,
                Permission::WalletsBlock,
                Permission::WalletsCredit,
                Permission::AccountsManage,
                Permission::AccountsRisk,
                Permission::RatesSet,
                Permission::AlertsRead,
                Permission::SettlementsRead,
                Permission::SettlementsCut,
                Permission::DeadLettersRead,
                Permission::DeadLettersAct,
            ] {
                assert!(!role.may(permission), "{role:?} {permission}");
            }
        }
    }

    #[test]
    fn a_merchant_may_what_a_customer_may_and_pay_back() {
        let may = |role: Role| role.permissions().iter().copied().collect::<BTreeSet<_>>();
        let (merchant, customer) = (may(Role::Merchant), may(Role::Customer));
        let more: Vec<Permission> = merchant.difference(&customer).copied().collect();
        assert_eq!(more, [Permission::PaymentsRefund]);
        assert!(merchant.is_superset(&customer));
    }

    #[test]
    fn those_who_only_look_move_no_money() {
        for role in [Role::Analyst, Role::Finance] {
            let moves = role
                .permissions()
                .iter()
                .any(|p| p.as_str().starts_with("money:"));
            let acts = [
                Permission::DeadLettersAct,
                Permission::HoldsPlace,
                Permission::HoldsCapture,
                Permission::HoldsVoid,
            ];
            let acts = acts.into_iter().any(|permission| role.may(permission));
            assert!(
                !moves && !acts && !role.may(Permission::WalletsCreate),
                "{role:?}"
            );
        }
    }

    #[test]
    fn a_role_reads_back_from_its_name() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert_eq!("Admin".parse::<Role>(), Err(UnknownRole));
    }
}
