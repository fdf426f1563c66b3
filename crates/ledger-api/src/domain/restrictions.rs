//! What a wallet, or one balance of it, may not do.

use contracts::RejectionCode;

/// A set of restrictions. Each is set and lifted by itself: a wallet that is frozen and blocked
/// is still frozen when it is unblocked. The bits are those of the columns `restrictions`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restrictions(i16);

impl Restrictions {
    /// Nothing is refused.
    pub const NONE: Self = Self(0);
    /// No debits; a fraud or compliance decision.
    pub const FROZEN: Self = Self(1);
    /// Nothing moves.
    pub const BLOCKED: Self = Self(2);
    /// The account behind it is suspended.
    pub const SUSPENDED: Self = Self(4);
    /// For good.
    pub const CLOSED: Self = Self(8);
    /// No debits of this currency; on balances only.
    pub const CURRENCY_FROZEN: Self = Self(16);
    /// Refuses nothing by itself: the account has limits, so what its wallets spend is counted.
    pub const LIMITED: Self = Self(32);
    /// The account is frozen: no debits, until the account is unfrozen.
    pub const ACCOUNT_FROZEN: Self = Self(64);

    /// Reads the column.
    pub const fn from_bits(bits: i16) -> Self {
        Self(bits)
    }

    /// As the column holds it.
    pub const fn bits(self) -> i16 {
        self.0
    }

    /// Are all of `others` set?
    pub const fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// These and `others`.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// These without `others`.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// The wallet's state in one word: the strongest of what is set.
    pub const fn status(self) -> &'static str {
        if self.has(Self::CLOSED) {
            "closed"
        } else if self.has(Self::BLOCKED) {
            "blocked"
        } else if self.has(Self::SUSPENDED) {
            "suspended"
        } else if self.has(Self::FROZEN) || self.has(Self::ACCOUNT_FROZEN) {
            "frozen"
        } else {
            "active"
        }
    }

    /// May money leave?
    ///
    /// # Errors
    /// The strongest reason why not.
    pub const fn may_debit(self) -> Result<(), RejectionCode> {
        if let Err(code) = self.may_credit() {
            return Err(code);
        }
        if self.has(Self::FROZEN) || self.has(Self::ACCOUNT_FROZEN) {
            return Err(RejectionCode::WalletFrozen);
        }
        if self.has(Self::CURRENCY_FROZEN) {
            return Err(RejectionCode::CurrencyFrozen);
        }
        Ok(())
    }

    /// May money come in? Into a frozen wallet it may: the money is safe there.
    ///
    /// # Errors
    /// The strongest reason why not.
    pub const fn may_credit(self) -> Result<(), RejectionCode> {
        if self.has(Self::CLOSED) {
            return Err(RejectionCode::WalletClosed);
        }
        if self.has(Self::BLOCKED) {
            return Err(RejectionCode::WalletBlocked);
        }
        if self.has(Self::SUSPENDED) {
            return Err(RejectionCode::WalletSuspended);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_restriction_is_the_one_that_is_told() {
        let all = Restrictions::FROZEN
            .with(Restrictions::BLOCKED)
            .with(Restrictions::SUSPENDED);
        assert_eq!(all.status(), "blocked");
        assert_eq!(all.may_debit(), Err(RejectionCode::WalletBlocked));
        let lifted = all.without(Restrictions::BLOCKED);
        assert_eq!(lifted.may_credit(), Err(RejectionCode::WalletSuspended));
        assert_eq!(lifted.with(Restrictions::CLOSED).status(), "closed");
    }

    #[test]
    fn a_freeze_stops_debits_alone() {
        for (set, code) in [
            (Restrictions::FROZEN, RejectionCode::WalletFrozen),
            (Restrictions::ACCOUNT_FROZEN, RejectionCode::WalletFrozen),
            (Restrictions::CURRENCY_FROZEN, RejectionCode::CurrencyFrozen),
        ] {
            assert_eq!((set.may_debit(), set.may_credit()), (Err(code), Ok(())));
        }
    }
}
