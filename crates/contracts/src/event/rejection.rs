//! Why commands are decided against.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! rejections {
    ($($name:ident $code:literal, $meaning:literal;)*) => {
        /// Why a command was decided against. Decided rejections are sticky under their key.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum RejectionCode {
            $(#[doc = $meaning] $name,)*
        }

        impl RejectionCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable code, as problem details and events spell it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

rejections! {
    InsufficientFunds "insufficient_funds", "The available balance does not suffice.";
    LimitExceeded "limit_exceeded", "A limit, or what a balance can hold exactly, would be exceeded.";
    WalletFrozen "wallet_frozen", "The wallet is frozen.";
    CurrencyFrozen "currency_frozen", "The wallet is frozen in this currency.";
    WalletBlocked "wallet_blocked", "The wallet is blocked.";
    WalletSuspended "wallet_suspended", "The wallet is suspended.";
    WalletClosed "wallet_closed", "The wallet is closed.";
    WalletNotEmpty "wallet_not_empty", "The wallet still has money, or money held.";
    AccountClosed "account_closed", "The owner's account is closed.";
    AccountNotEmpty "account_not_empty", "A wallet of the account still has money, or money held.";
    StatusUnchanged "status_unchanged", "The wallet or account is in that state already.";
    CreditInUse "credit_in_use", "The balance is lower than the new credit limit allows.";
    OrderAlreadyPaid "order_already_paid", "The merchant's order was paid before.";
    RefundTooLarge "refund_too_large", "More would be paid back than was paid.";
    AlreadyReversed "already_reversed", "The transaction was reversed before.";
    AlreadyRefunded "already_refunded", "The payment was paid back before, so it cannot be reversed.";
    FeeRuleInactive "fee_rule_inactive", "The fee rule was deactivated before.";
    TooManyFeeRules "too_many_fee_rules", "As many fee rules as there may be are active.";
    HoldCaptured "hold_captured", "The hold was captured for the last time before.";
    HoldVoided "hold_voided", "The hold was voided before.";
    HoldExpired "hold_expired", "The hold has run out.";
    CaptureTooLarge "capture_too_large", "More would be captured than is still held.";
    ExpiryOutOfRange "expiry_out_of_range", "The hold would run out in the past, or too late.";
    RateUnknown "rate_unknown", "There is no rate between the two currencies.";
    RateStale "rate_stale", "The newest rate between the two currencies is too old.";
    AmountTooSmall "amount_too_small", "The amount would become less than the smallest unit.";
    QuoteExpired "quote_expired", "The quote has expired.";
    QuoteUsed "quote_used", "The quote was executed before.";
    BatchRejected "batch_rejected", "Another operation of the same batch was decided against.";
}
