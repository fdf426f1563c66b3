//! Events of accounts.

use contracts::{event::AccountChanged, subjects::EventType};

use super::Log;
use crate::domain::{AccountChange, AccountState, Action, Caller, ChangeAccount};

/// The account that a command is about, when it moves no money of one wallet.
pub(super) fn about(action: &Action) -> Option<String> {
    match action {
        Action::OpenWallet(open) => Some(open.owner.clone()),
        Action::ChangeAccount(change) => Some(change.owner.clone()),
        _ => None,
    }
}

impl Log {
    pub(super) fn account_changed(
        &self,
        change: &ChangeAccount,
        account: &AccountState,
        caller: &Caller,
    ) -> AccountChanged {
        let document_reference = match &change.change {
            AccountChange::KycLevel {
                document_reference, ..
            } => document_reference.clone(),
            _ => None,
        };
        AccountChanged {
            id: self.event_id(),
            event_type: match change.change {
                AccountChange::Suspend => EventType::AccountSuspended,
                AccountChange::Resume => EventType::AccountResumed,
                AccountChange::Close => EventType::AccountClosed,
                AccountChange::Freeze => EventType::AccountFrozen,
                AccountChange::Unfreeze => EventType::AccountUnfrozen,
                AccountChange::KycLevel { .. } => EventType::KycLevelSet,
                AccountChange::RiskLevel(_) => EventType::RiskLevelSet,
            },
            seq: self.head.seq,
            owner: change.owner.clone(),
            status: account.status().to_owned(),
            frozen: account.is_frozen(),
            kyc_level: account.kyc_level,
            risk_level: account.risk_level,
            document_reference,
            actor: caller.0.clone(),
            reason: change.reason.clone(),
            posted_at: self.head.posted_at,
        }
    }
}
