//! Decisions against, as problems.

use contracts::RejectionCode;

use super::ErrorCode;

impl From<RejectionCode> for ErrorCode {
    fn from(code: RejectionCode) -> Self {
        match code {
            RejectionCode::InsufficientFunds => Self::InsufficientFunds,
            RejectionCode::LimitExceeded => Self::LimitExceeded,
            RejectionCode::WalletFrozen => Self::WalletFrozen,
            RejectionCode::CurrencyFrozen => Self::CurrencyFrozen,
            RejectionCode::WalletBlocked => Self::WalletBlocked,
            RejectionCode::WalletSuspended => Self::WalletSuspended,
            RejectionCode::WalletClosed => Self::WalletClosed,
            RejectionCode::WalletNotEmpty => Self::WalletNotEmpty,
            RejectionCode::AccountClosed => Self::AccountClosed,
            RejectionCode::AccountNotEmpty => Self::AccountNotEmpty,
            RejectionCode::StatusUnchanged => Self::StatusUnchanged,
            RejectionCode::CreditInUse => Self::CreditInUse,
            RejectionCode::OrderAlreadyPaid => Self::OrderAlreadyPaid,
            RejectionCode::RefundTooLarge => Self::RefundTooLarge,
            RejectionCode::AlreadyReversed => Self::AlreadyReversed,
            RejectionCode::AlreadyRefunded => Self::AlreadyRefunded,
            RejectionCode::FeeRuleInactive => Self::FeeRuleInactive,
            RejectionCode::TooManyFeeRules => Self::TooManyFeeRules,
            RejectionCode::HoldCaptured => Self::HoldCaptured,
            RejectionCode::HoldVoided => Self::HoldVoided,
            RejectionCode::HoldExpired => Self::HoldExpired,
            RejectionCode::CaptureTooLarge => Self::CaptureTooLarge,
            RejectionCode::ExpiryOutOfRange => Self::ExpiryOutOfRange,
            RejectionCode::RateUnknown => Self::RateUnknown,
            RejectionCode::RateStale => Self::RateStale,
            RejectionCode::AmountTooSmall => Self::AmountTooSmall,
            RejectionCode::QuoteExpired => Self::QuoteExpired,
            RejectionCode::QuoteUsed => Self::QuoteUsed,
            RejectionCode::BatchRejected => Self::BatchRejected,
        }
    }
}
