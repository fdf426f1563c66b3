//! What somebody can do about each problem, and the test that produces it: the table behind
//! `docs/errors.md` and `GET /errors/{code}`.
//!
//! A code of `error.rs` without a row here fails
//! `every_code_has_one_row_in_the_order_of_the_codes`, which says what to add.

use super::error::ErrorCode;

/// What a request that ends in a problem leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// Not a row: the key stays free.
    Nothing,
    /// The ledger decided against it: the answer under its key, and an event; no money.
    Decision,
    /// A worker tried what it was ordered to: the answer under its key, and a line of history.
    Order,
    /// It is not known to the one who answers; the same key tells.
    Perhaps,
}

impl Written {
    /// For people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Decision => {
                "the answer, which every repetition of the key gets again, and a `rejected` event; \
                 no money"
            }
            Self::Order => {
                "the answer, which every repetition of the key gets again, and a line of history"
            }
            Self::Perhaps => "perhaps; the same key tells",
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The code.
    pub code: ErrorCode,
    /// What is written.
    pub written: Written,
    /// What to do, for whoever wrote the client.
    pub then: &'static str,
    /// The test that gets this code over HTTP and finds nothing else written, as
    /// `path.rs:function`.
    pub shown_by: &'static str,
}

macro_rules! advice {
    ($($code:ident: $written:ident, $then:literal, $shown_by:literal;)*) => {
        /// Every code, in the order of `ErrorCode::ALL`.
        pub const ADVICE: &[Advice] = &[$(Advice {
            code: ErrorCode::$code,
            written: Written::$written,
            then: $then,
            shown_by: concat!("crates/ledger-api/tests/it/http/", $shown_by),
        },)*];
    };
}

// code: what is written, what to do, the test below crates/ledger-api/tests/it/http/.
advice! {
    MalformedBody: Nothing, "Send one JSON object in UTF-8.", "malformed.rs:what_is_no_json_object_of_at_most_64_kib_is_refused";
    InvalidField: Nothing, "Correct the field; `/openapi.json` lists those that there are. Amounts are strings.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    InvalidQuery: Nothing, "Correct the parameter; `/openapi.json` lists those that there are.", "malformed.rs:lists_refuse_parameters_that_they_do_not_have";
    InvalidCursor: Nothing, "Send `next_cursor` as it came, to the list it came from, or begin without one.", "malformed.rs:lists_refuse_parameters_that_they_do_not_have";
    IdempotencyKeyRequired: Nothing, "Send a key that is new for each intent and the same for each repetition.", "malformed.rs:a_write_without_one_proper_key_is_refused";
    TokenFieldMissing: Nothing, "Have the issuer put the field into its tokens.", "tokens.rs:a_token_of_ours_that_lacks_a_field_is_the_issuers_mistake";
    Unauthenticated: Nothing, "Send `Authorization: Bearer` and a token.", "tokens.rs:no_route_lets_a_bad_token_in";
    InvalidToken: Nothing, "Get a new token; this one has expired, or is not from our issuer.", "tokens.rs:no_route_lets_a_bad_token_in";
    Forbidden: Nothing, "Ask for a role that has the permission which `detail` names.", "permissions.rs:every_role_may_do_on_every_route_what_the_tables_say";
    WalletFrozen: Decision, "Have the wallet unfrozen, then send it under a new key.", "decided.rs:a_wallet_that_is_not_active_refuses_with_the_code_of_its_status";
    CurrencyFrozen: Decision, "Have the currency unfrozen, then send it under a new key; other currencies move.", "decided.rs:a_wallet_that_is_not_active_refuses_with_the_code_of_its_status";
    WalletBlocked: Decision, "Have the wallet unblocked, then send it under a new key.", "decided.rs:a_wallet_that_is_not_active_refuses_with_the_code_of_its_status";
    WalletSuspended: Decision, "Have the suspension lifted, then send it under a new key.", "decided.rs:a_wallet_that_is_not_active_refuses_with_the_code_of_its_status";
    NotFound: Nothing, "Check the id, and whose it is: somebody else's looks like one that is not there.", "refusals.rs:wallets_that_are_not_there_and_wallets_of_others_look_the_same";
    MethodNotAllowed: Nothing, "Use a method that the header `Allow` names.", "malformed.rs:paths_and_methods_that_do_not_exist_are_problems_too";
    RequestTimeout: Nothing, "Send it again under the same key, the whole body at once.", "failing.rs:a_body_that_does_not_arrive_is_not_waited_for";
    WalletClosed: Decision, "Use another wallet; a closed one stays closed.", "decided.rs:a_wallet_that_is_not_active_refuses_with_the_code_of_its_status";
    AccountClosed: Decision, "Nothing: a closed account stays closed; open another one.", "accounts.rs:an_account_goes_through_its_states_and_its_wallets_with_it";
    AccountNotEmpty: Decision, "Move the money out of every wallet and have holds released, then close it under a new key.", "accounts.rs:an_account_goes_through_its_states_and_its_wallets_with_it";
    WalletNotEmpty: Decision, "Move the money out and have holds released, then close it under a new key.", "decided.rs:a_change_that_a_wallet_does_not_allow_leaves_it_as_it_was";
    StatusUnchanged: Decision, "Nothing: the wallet is in that state.", "decided.rs:a_change_that_a_wallet_does_not_allow_leaves_it_as_it_was";
    CreditInUse: Decision, "Have the balance raised first, or set a higher limit, under a new key.", "decided.rs:a_change_that_a_wallet_does_not_allow_leaves_it_as_it_was";
    OrderAlreadyPaid: Decision, "Nothing, if it was meant to be the same; else give the order a reference of its own.", "orders.rs:an_order_is_paid_once_whoever_pays_it_and_under_whatever_key";
    AlreadyReversed: Decision, "Nothing: it is undone. The transaction names its reversal.", "reversals.rs:a_reversal_has_the_originals_legs_with_the_other_sign_and_both_say_so";
    AlreadyRefunded: Decision, "Refund what is left of the payment instead.", "reversals.rs:a_payment_is_paid_back_or_undone_and_never_both";
    FeeRuleInactive: Decision, "Nothing: the rule does not apply any more.", "fees.rs:the_merchant_pays_the_fee_of_a_payment_in_the_same_transaction";
    TooManyFeeRules: Decision, "Deactivate a rule that is not needed, then send it under a new key.", "fees.rs:there_are_no_more_active_rules_than_the_limit";
    RateStale: Decision, "Have a newer rate set, then send it under a new key.", "exchange.rs:without_a_fresh_rate_there_is_no_price";
    QuoteExpired: Decision, "Ask for a new quote, and execute it in time.", "exchange.rs:an_expired_quote_moves_nothing";
    QuoteUsed: Decision, "Nothing, if it was meant to be the same; else ask for a new quote.", "exchange.rs:a_hundred_executions_of_one_quote_at_once_are_one";
    BatchRejected: Decision, "Mend the operation that has a code of its own, then send the batch under new keys.", "batches.rs:an_atomic_batch_is_posted_whole_or_not_at_all";
    HoldCaptured: Decision, "Nothing: nothing is held any more. Place a new hold.", "holds.rs:captures_are_exact_to_the_cent_and_the_rest_comes_free_with_the_last";
    HoldVoided: Decision, "Nothing: nothing is held any more. Place a new hold.", "holds.rs:a_voided_hold_is_told_whole_and_stays_voided";
    HoldExpired: Decision, "Place a new hold; this one has come free.", "holds.rs:a_hold_that_runs_out_comes_free_by_itself_and_its_placing_is_still_replayed";
    AlreadyReplayed: Nothing, "Nothing: it is done. `detail` says who did it.", "dead_letters.rs:what_came_of_an_order_is_told_with_one_status_each";
    AlreadyDiscarded: Nothing, "Nothing: it is decided. `detail` says by whom.", "dead_letters.rs:what_came_of_an_order_is_told_with_one_status_each";
    BodyTooLarge: Nothing, "Send less.", "malformed.rs:what_is_no_json_object_of_at_most_64_kib_is_refused";
    UnsupportedMediaType: Nothing, "Send `Content-Type: application/json`.", "malformed.rs:what_is_no_json_object_of_at_most_64_kib_is_refused";
    InvalidIdempotencyKey: Nothing, "Send one key, such as a UUID.", "malformed.rs:a_write_without_one_proper_key_is_refused";
    IdempotencyKeyReused: Nothing, "Take a new key for a new request; repeat a request exactly as it was.", "writes.rs:a_key_stands_for_one_request_only";
    InvalidAmount: Nothing, "Write it as `12.50`: no sign, exponent, separator or space.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    AmountNotPositive: Nothing, "Send an amount above zero; the route says the direction.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    AmountTooFine: Nothing, "Round it to the currency's decimals; the ledger never rounds.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    AmountTooLarge: Nothing, "Split it, if it is meant.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    UnknownCurrency: Nothing, "Send an ISO 4217 code in capitals, or `BTC`, `ETH` or `USDT`.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    SameCurrency: Nothing, "Name two currencies.", "exchange.rs:what_is_no_exchange_is_refused_and_nothing_is_written";
    RateUnknown: Decision, "Have a rate set between the two, or between each and EUR, then send it under a new key.", "exchange.rs:without_a_fresh_rate_there_is_no_price";
    AmountTooSmall: Decision, "Exchange more at once.", "exchange.rs:without_a_fresh_rate_there_is_no_price";
    InvalidRate: Nothing, "Write it as `1.0823`.", "rates.rs:what_is_no_rate_is_refused_and_nothing_is_written";
    InvalidRates: Nothing, "Send 1 to 500 rates, each pair and moment once; more in several calls.", "rates.rs:what_is_no_rate_is_refused_and_nothing_is_written";
    SelfTransfer: Nothing, "Name another wallet as the receiver.", "refusals.rs:the_receiver_must_be_another_wallet_that_is_there_and_a_merchant_when_paid";
    NotAMerchant: Nothing, "Pay a merchant's wallet, or make it a transfer.", "refusals.rs:the_receiver_must_be_another_wallet_that_is_there_and_a_merchant_when_paid";
    InvalidBatch: Nothing, "Send 1 to 1,000 operations; larger work in several batches.", "batches/refused.rs:a_batch_with_an_operation_that_cannot_be_is_refused_whole_and_names_it";
    InvalidText: Nothing, "Shorten it, and leave control characters out; `docs/limits.md` has the lengths.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    InvalidMetadata: Nothing, "Send fewer or shorter entries; `docs/limits.md` has the limits.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    InvalidTimestamp: Nothing, "Write it as `2026-01-31T12:00:00Z`.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    EffectiveAtInFuture: Nothing, "Leave `effective_at` out, or send a moment that has come.", "refusals.rs:no_route_that_moves_money_takes_a_bad_value";
    InvalidFeeRule: Nothing, "Say what the fee is, of which kinds, and no minimum above its maximum.", "fees.rs:a_rule_that_says_nothing_or_contradicts_itself_is_refused";
    NotReversible: Nothing, "Make the transaction again instead.", "reversals.rs:a_reversal_has_the_originals_legs_with_the_other_sign_and_both_say_so";
    RefundTooLarge: Decision, "Ask for no more than what is left, under a new key; without an amount it is all that is left.", "refunds.rs:parts_of_a_refund_add_up_to_what_was_paid_and_not_a_cent_more";
    PeriodTooLong: Nothing, "Ask for a shorter period.", "history.rs:totals_over_more_entries_than_the_limit_are_refused_until_the_period_is_shorter";
    InsufficientFunds: Decision, "Put money in, or ask for less, then send it under a new key.", "writes.rs:a_decision_against_sticks_to_its_key";
    LimitExceeded: Decision, "Wait for the limit's next period, have it raised, or ask for less, then send it under a new key.", "decided.rs:a_balance_takes_no_more_than_it_can_hold_exactly";
    CaptureTooLarge: Decision, "Capture no more than what remains, under a new key; without an amount it is all that remains.", "holds.rs:captures_are_exact_to_the_cent_and_the_rest_comes_free_with_the_last";
    ExpiryOutOfRange: Decision, "Send a moment to come, at most 31 days ahead.", "holds/refusals.rs:a_hold_is_not_placed_with_bad_values";
    ReplayFailed: Order, "Mend what `detail` names, then replay it under a new key, or discard it.", "dead_letters.rs:what_came_of_an_order_is_told_with_one_status_each";
    NotReplayable: Nothing, "Discard it.", "dead_letters.rs:what_came_of_an_order_is_told_with_one_status_each";
    TooManyRequests: Nothing, "Send it again after `Retry-After` seconds, and slower from then on.", "serving.rs:who_asks_too_fast_is_told_to_wait_and_others_are_not";
    Internal: Perhaps, "Send it again under the same key; tell the operators the request id when it stays so.", "failing.rs:what_the_database_refuses_is_our_fault_and_leaves_nothing";
    Busy: Nothing, "Send it again under the same key after `Retry-After` seconds.", "failing.rs:a_full_queue_says_no_at_once";
    DatabaseUnavailable: Nothing, "Send it again under the same key after `Retry-After` seconds.", "failing.rs:without_its_database_the_ledger_says_that_nothing_was_written";
    OutcomeUnknown: Perhaps, "Send it again under the same key until it tells.", "failing.rs:an_unknown_outcome_is_told_by_the_same_key";
    WorkerUnavailable: Perhaps, "Send it again under the same key after `Retry-After` seconds.", "serving.rs:without_nats_the_ledger_starts_and_serves_reads_and_writes";
}

impl Advice {
    /// The row of a code as clients see it.
    pub fn find(code: &str) -> Option<&'static Self> {
        ADVICE.iter().find(|row| row.code.as_str() == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_row_in_the_order_of_the_codes() {
        let rows: Vec<ErrorCode> = ADVICE.iter().map(|row| row.code).collect();
        let lacking: Vec<String> = ErrorCode::ALL
            .iter()
            .filter(|code| !rows.contains(code))
            .map(|code| format!("    {code:?}: Nothing, \"<what to do>\", \"<file.rs:test>\";"))
            .collect();
        assert!(
            lacking.is_empty(),
            "these codes of http/error.rs have no row in http/advice.rs; add, in the order of \
             error.rs, with what is written (Nothing, Decision, …) and the test that gets the code \
             over HTTP:\n{}",
            lacking.join("\n")
        );
        assert_eq!(
            rows,
            ErrorCode::ALL,
            "the rows of http/advice.rs have the order of the codes in http/error.rs, each once"
        );
    }
}
