//! Accounts: what the house knows about the owner of wallets, and what it allows.

use contracts::{
    RejectionCode,
    event::{KycLevel, RiskLevel},
};

use super::Restrictions;

/// An account: all wallets of one owner.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountState {
    /// What none of its wallets may do.
    pub restrictions: Restrictions,
    /// How well the owner is known; nobody has said so yet without.
    pub kyc_level: Option<KycLevel>,
    /// What proves that, where there is something.
    pub document_reference: Option<String>,
    /// The risk that it is; nobody has said so yet without.
    pub risk_level: Option<RiskLevel>,
}

/// What a command wants of an account: it is locked accordingly. The stronger one counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccountNeed {
    /// A wallet is opened for it: it must not change meanwhile.
    Open,
    /// It changes, and all of its wallets with it.
    Change,
    /// It gets a level: what it used before may have to be counted.
    Limit,
}

/// How an account changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// Nothing moves in any of its wallets.
    Suspend,
    /// Everything moves again.
    Resume,
    /// For good, and all its wallets with it; only without money and without money held.
    Close,
    /// No debits of any of its wallets.
    Freeze,
    /// Debits again.
    Unfreeze,
    /// The owner is known so well from now on.
    KycLevel {
        /// How well.
        level: KycLevel,
        /// What proves it.
        document_reference: Option<String>,
    },
    /// The account is such a risk from now on.
    RiskLevel(RiskLevel),
}

impl AccountChange {
    /// As rejections spell it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Suspend => "account.suspend",
            Self::Resume => "account.resume",
            Self::Close => "account.close",
            Self::Freeze => "account.freeze",
            Self::Unfreeze => "account.unfreeze",
            Self::KycLevel { .. } => "account.set_kyc_level",
            Self::RiskLevel(_) => "account.set_risk_level",
        }
    }

    /// Do the account's limits follow from it?
    pub const fn sets_level(&self) -> bool {
        matches!(self, Self::KycLevel { .. } | Self::RiskLevel(_))
    }
}

impl AccountState {
    /// Has it limits? Not before somebody set a level.
    pub const fn is_limited(&self) -> bool {
        self.kyc_level.is_some() || self.risk_level.is_some()
    }

    /// `active`, `suspended` or `closed`.
    pub const fn status(&self) -> &'static str {
        if self.restrictions.has(Restrictions::CLOSED) {
            "closed"
        } else if self.restrictions.has(Restrictions::SUSPENDED) {
            "suspended"
        } else {
            "active"
        }
    }

    /// Are all its wallets frozen together?
    pub const fn is_frozen(&self) -> bool {
        self.restrictions.has(Restrictions::ACCOUNT_FROZEN)
    }

    /// The account after a change. Whether its wallets are empty, when it is closed, is the
    /// caller's to ask.
    ///
    /// A level may be set to what it is: the event is the record that somebody looked again.
    ///
    /// # Errors
    /// When it is closed, for ever, or is in that state already.
    pub fn after(&self, change: &AccountChange) -> Result<Self, RejectionCode> {
        if self.restrictions.has(Restrictions::CLOSED) {
            return Err(RejectionCode::AccountClosed);
        }
        let mut after = self.clone();
        let own = self.restrictions;
        match change {
            AccountChange::Suspend => after.restrictions = own.with(Restrictions::SUSPENDED),
            AccountChange::Resume => after.restrictions = own.without(Restrictions::SUSPENDED),
            AccountChange::Close => after.restrictions = own.with(Restrictions::CLOSED),
            AccountChange::Freeze => after.restrictions = own.with(Restrictions::ACCOUNT_FROZEN),
            AccountChange::Unfreeze => {
                after.restrictions = own.without(Restrictions::ACCOUNT_FROZEN);
            }
            AccountChange::KycLevel {
                level,
                document_reference,
            } => {
                after.kyc_level = Some(*level);
                after.document_reference.clone_from(document_reference);
            }
            AccountChange::RiskLevel(level) => after.risk_level = Some(*level),
        }
        if after.is_limited() {
            after.restrictions = after.restrictions.with(Restrictions::LIMITED);
        }
        if after.restrictions == own && !change.sets_level() {
            return Err(RejectionCode::StatusUnchanged);
        }
        Ok(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: Restrictions = Restrictions::NONE;
    const SUSPENDED: Restrictions = Restrictions::SUSPENDED;
    const FROZEN: Restrictions = Restrictions::ACCOUNT_FROZEN;

    /// Every state with every change: what follows, or why not.
    #[test]
    fn every_pair_of_a_state_and_a_change_is_decided() {
        use AccountChange::{Close, Freeze, Resume, Suspend, Unfreeze};
        let unchanged = Err(RejectionCode::StatusUnchanged);
        let both = SUSPENDED.with(FROZEN);
        let closed = |own: Restrictions| Ok(own.with(Restrictions::CLOSED));
        let table = [
            (
                ACTIVE,
                [
                    Ok(SUSPENDED),
                    unchanged,
                    closed(ACTIVE),
                    Ok(FROZEN),
                    unchanged,
                ],
            ),
            (
                SUSPENDED,
                [
                    unchanged,
                    Ok(ACTIVE),
                    closed(SUSPENDED),
                    Ok(both),
                    unchanged,
                ],
            ),
            (
                FROZEN,
                [Ok(both), unchanged, closed(FROZEN), unchanged, Ok(ACTIVE)],
            ),
            (
                both,
                [
                    unchanged,
                    Ok(FROZEN),
                    closed(both),
                    unchanged,
                    Ok(SUSPENDED),
                ],
            ),
        ];
        for (restrictions, expected) in table {
            let before = AccountState {
                restrictions,
                ..AccountState::default()
            };
            for (change, expected) in [Suspend, Resume, Close, Freeze, Unfreeze]
                .iter()
                .zip(expected)
            {
                let after = before.after(change).map(|after| after.restrictions);
                assert_eq!(after, expected, "{} {change:?}", before.status());
            }
        }
    }

    #[test]
    fn a_closed_account_takes_no_change_at_all() {
        use AccountChange::{Close, Freeze, Resume, Suspend, Unfreeze};
        let closed = AccountState {
            restrictions: Restrictions::CLOSED,
            ..AccountState::default()
        };
        for change in [
            Suspend,
            Resume,
            Close,
            Freeze,
            Unfreeze,
            AccountChange::RiskLevel(RiskLevel::Low),
            AccountChange::KycLevel {
                level: KycLevel::Advanced,
                document_reference: None,
            },
        ] {
            assert_eq!(closed.after(&change), Err(RejectionCode::AccountClosed));
        }
    }

    #[test]
    fn an_account_is_limited_from_its_first_level_on_in_every_state() {
        for restrictions in [ACTIVE, SUSPENDED, FROZEN] {
            let before = AccountState {
                restrictions,
                ..AccountState::default()
            };
            assert!(!before.is_limited());
            let change = AccountChange::RiskLevel(RiskLevel::High);
            let after = before.after(&change).expect("not closed");
            assert!(
                after
                    .restrictions
                    .has(restrictions.with(Restrictions::LIMITED))
            );
            assert_eq!(after.after(&change).as_ref(), Ok(&after), "looked at again");
        }
    }
}
