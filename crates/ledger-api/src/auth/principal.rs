//! The bearer of a verified token.

use contracts::WalletId;

use super::{Permission, Role};
use crate::domain::{Caller, Sight, Viewer};

/// Who asks, as the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The scope of idempotency keys.
    pub subject: String,
    /// What they are.
    pub role: Role,
    /// Whose wallets are theirs; empty for staff and services.
    pub owner: String,
}

impl Principal {
    /// May they do it?
    pub fn may(&self, permission: Permission) -> bool {
        self.role.may(permission)
    }

    /// Whose wallets they see and use.
    pub fn viewer(&self) -> Viewer {
        if self.may(Permission::WalletsReadAny) {
            Viewer::All
        } else {
            Viewer::Owner(self.owner.clone())
        }
    }

    /// May they see and use a wallet of `owner`?
    pub fn sees(&self, owner: &str) -> bool {
        self.may(Permission::WalletsReadAny) || self.owner == owner
    }

    /// Which of these wallets' balances an answer shows them; each comes with its owner.
    pub fn sight<'a>(&self, wallets: impl IntoIterator<Item = (WalletId, &'a str)>) -> Sight {
        if self.may(Permission::WalletsReadAny) {
            return Sight::All;
        }
        let own = wallets.into_iter().filter(|(_, owner)| self.sees(owner));
        Sight::Wallets(own.map(|(wallet, _)| wallet).collect())
    }

    /// The scope of their idempotency keys.
    pub fn caller(&self) -> Caller {
        Caller(self.subject.clone())
    }
}
