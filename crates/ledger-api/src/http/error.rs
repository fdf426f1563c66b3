//! Problem details (RFC 9457): every way in which a request can end badly. The only file that
//! knows status codes by name.

mod rejections;

use std::{borrow::Cow, fmt};

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::AmountError;
use serde::Serialize;

use super::accounts::view::LimitReachedView;
use crate::{
    auth::{Permission, TokenError},
    posting::SubmitError,
    store::StoreError,
};

/// Content type of every problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// Seconds after which a client may try again when the service is full or a server is away:
/// longer than a lane needs to empty a full queue, short enough not to waste an outage's end.
const RETRY_AFTER_SECONDS: &str = "1";

macro_rules! codes {
    ($($name:ident = $code:literal $status:ident, $title:literal;)*) => {
        /// The stable code of a problem. Clients may rely on it; the words may change.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode {
            $(#[doc = $title] $name,)*
        }

        impl ErrorCode {
            /// The table, in order of the status.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The code as clients see it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// A sentence that is the same for every occurrence.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            const fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    MalformedBody = "malformed_body" BAD_REQUEST, "The body is not a JSON object.";
    InvalidField = "invalid_field" BAD_REQUEST, "A field is unknown, missing, given twice or of a wrong type.";
    InvalidQuery = "invalid_query" BAD_REQUEST, "A query parameter is unknown, given twice or has no possible value.";
    InvalidCursor = "invalid_cursor" BAD_REQUEST, "The cursor is none that this list gave out.";
    IdempotencyKeyRequired = "idempotency_key_required" BAD_REQUEST, "Every write needs an Idempotency-Key.";
    TokenFieldMissing = "token_field_missing" BAD_REQUEST, "The token lacks a required field.";
    Unauthenticated = "unauthenticated" UNAUTHORIZED, "The request carries no bearer token.";
    InvalidToken = "invalid_token" UNAUTHORIZED, "The bearer token is not accepted.";
    Forbidden = "forbidden" FORBIDDEN, "The token does not permit this.";
    WalletFrozen = "wallet_frozen" FORBIDDEN, "The wallet is frozen.";
    CurrencyFrozen = "currency_frozen" FORBIDDEN, "The wallet is frozen in this currency.";
    WalletBlocked = "wallet_blocked" FORBIDDEN, "The wallet is blocked.";
    WalletSuspended = "wallet_suspended" FORBIDDEN, "The wallet is suspended.";
    NotFound = "not_found" NOT_FOUND, "There is no such thing, or it is not yours.";
    MethodNotAllowed = "method_not_allowed" METHOD_NOT_ALLOWED, "The route exists, but not with this method.";
    RequestTimeout = "request_timeout" REQUEST_TIMEOUT, "The body did not arrive in time.";
    WalletClosed = "wallet_closed" CONFLICT, "The wallet is closed.";
    AccountClosed = "account_closed" CONFLICT, "The owner's account is closed.";
    AccountNotEmpty = "account_not_empty" CONFLICT, "A wallet of the account still has money, or money held.";
    WalletNotEmpty = "wallet_not_empty" CONFLICT, "The wallet still has money, or money held.";
    StatusUnchanged = "status_unchanged" CONFLICT, "The wallet or account is in that state already.";
    CreditInUse = "credit_in_use" CONFLICT, "The balance is lower than the new credit limit allows.";
    OrderAlreadyPaid = "order_already_paid" CONFLICT, "The merchant's order was paid before.";
    AlreadyReversed = "already_reversed" CONFLICT, "The transaction was reversed before.";
    AlreadyRefunded = "already_refunded" CONFLICT, "The payment was paid back before, so it cannot be reversed.";
    FeeRuleInactive = "fee_rule_inactive" CONFLICT, "The fee rule was deactivated before.";
    TooManyFeeRules = "too_many_fee_rules" CONFLICT, "As many fee rules as there may be are active.";
    RateStale = "rate_stale" CONFLICT, "The newest rate between the two currencies is too old.";
    QuoteExpired = "quote_expired" CONFLICT, "The quote has expired.";
    QuoteUsed = "quote_used" CONFLICT, "The quote was executed before.";
    BatchRejected = "batch_rejected" CONFLICT, "Another operation of the batch was decided against, so none was done.";
    HoldCaptured = "hold_captured" CONFLICT, "The hold was captured for the last time before.";
    HoldVoided = "hold_voided" CONFLICT, "The hold was voided before.";
    HoldExpired = "hold_expired" CONFLICT, "The hold has run out.";
    AlreadyReplayed = "already_replayed" CONFLICT, "The dead letter was replayed before.";
    AlreadyDiscarded = "already_discarded" CONFLICT, "The dead letter was discarded before.";
    BodyTooLarge = "body_too_large" PAYLOAD_TOO_LARGE, "The body is larger than the route takes: 64 KiB, a batch 1 MiB.";
    UnsupportedMediaType = "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE, "Bodies are application/json.";
    InvalidIdempotencyKey = "invalid_idempotency_key" UNPROCESSABLE_ENTITY, "An Idempotency-Key has 1 to 255 visible ASCII characters.";
    IdempotencyKeyReused = "idempotency_key_reused" UNPROCESSABLE_ENTITY, "The Idempotency-Key stands for another request.";
    InvalidAmount = "invalid_amount" UNPROCESSABLE_ENTITY, "An amount is written as digits, or digits.digits.";
    AmountNotPositive = "amount_not_positive" UNPROCESSABLE_ENTITY, "An amount is above zero.";
    AmountTooFine = "amount_too_fine" UNPROCESSABLE_ENTITY, "The amount has more decimals than its currency.";
    AmountTooLarge = "amount_too_large" UNPROCESSABLE_ENTITY, "The amount is above the largest that one movement may have.";
    UnknownCurrency = "unknown_currency" UNPROCESSABLE_ENTITY, "The currency is none that Florin keeps books in.";
    SameCurrency = "same_currency" UNPROCESSABLE_ENTITY, "The two currencies are the same.";
    RateUnknown = "rate_unknown" UNPROCESSABLE_ENTITY, "There is no rate between the two currencies.";
    AmountTooSmall = "amount_too_small" UNPROCESSABLE_ENTITY, "The amount would become less than the smallest unit.";
    InvalidRate = "invalid_rate" UNPROCESSABLE_ENTITY, "A rate is digits above zero, 12 before and 12 after the point, 18 in all; a spread is 0 to 50 percent with four decimals.";
    InvalidRates = "invalid_rates" UNPROCESSABLE_ENTITY, "A call sets 1 to 500 rates, each of another pair or moment.";
    SelfTransfer = "self_transfer" UNPROCESSABLE_ENTITY, "Sender and receiver are the same wallet.";
    NotAMerchant = "not_a_merchant" UNPROCESSABLE_ENTITY, "The wallet is no merchant's.";
    InvalidBatch = "invalid_batch" UNPROCESSABLE_ENTITY, "A batch has 1 to 1,000 operations.";
    InvalidText = "invalid_text" UNPROCESSABLE_ENTITY, "A text is empty, too long, or holds control characters.";
    InvalidMetadata = "invalid_metadata" UNPROCESSABLE_ENTITY, "The metadata has too many entries, or one that is too long or holds control characters.";
    InvalidTimestamp = "invalid_timestamp" UNPROCESSABLE_ENTITY, "A time is written as RFC 3339 and lies between 1900 and now.";
    EffectiveAtInFuture = "effective_at_in_future" UNPROCESSABLE_ENTITY, "A movement cannot count from a future moment.";
    InvalidFeeRule = "invalid_fee_rule" UNPROCESSABLE_ENTITY, "The fee rule says nothing, or two things that do not agree.";
    NotReversible = "not_reversible" UNPROCESSABLE_ENTITY, "A reversal is not reversed: the transaction is made again instead.";
    RefundTooLarge = "refund_too_large" UNPROCESSABLE_ENTITY, "More would be paid back than was paid.";
    PeriodTooLong = "period_too_long" UNPROCESSABLE_ENTITY, "The period holds more entries than can be added up at once.";
    InsufficientFunds = "insufficient_funds" UNPROCESSABLE_ENTITY, "The available balance does not suffice.";
    LimitExceeded = "limit_exceeded" UNPROCESSABLE_ENTITY, "A limit would be exceeded.";
    CaptureTooLarge = "capture_too_large" UNPROCESSABLE_ENTITY, "More would be captured than is still held.";
    ExpiryOutOfRange = "expiry_out_of_range" UNPROCESSABLE_ENTITY, "A hold runs out after it is placed, and within 31 days.";
    ReplayFailed = "replay_failed" UNPROCESSABLE_ENTITY, "The worker failed again; the dead letter stays parked.";
    NotReplayable = "not_replayable" UNPROCESSABLE_ENTITY, "The message is not in the log, so it can only be discarded.";
    TooManyRequests = "too_many_requests" TOO_MANY_REQUESTS, "Too many requests.";
    Internal = "internal" INTERNAL_SERVER_ERROR, "The ledger failed; nothing is known to be written.";
    Busy = "busy" SERVICE_UNAVAILABLE, "The ledger is full; nothing was written.";
    DatabaseUnavailable = "database_unavailable" SERVICE_UNAVAILABLE, "The database is out of reach; nothing was written.";
    OutcomeUnknown = "outcome_unknown" SERVICE_UNAVAILABLE, "The outcome is not known yet; the same key will tell.";
    WorkerUnavailable = "worker_unavailable" SERVICE_UNAVAILABLE, "The worker that knows did not answer.";
}

impl ErrorCode {
    /// The HTTP status as a number.
    pub fn status_number(self) -> u16 {
        self.status().as_u16()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The body of every answer that is none (RFC 9457, `application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Names the kind of problem, and leads to what it means: `/errors/<code>`.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// The same sentence for every occurrence.
    pub title: &'static str,
    /// The HTTP status again.
    pub status: u16,
    /// What is wrong this time, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub detail: Option<Cow<'static, str>>,
    /// Stable; programs decide by it.
    pub code: &'static str,
    /// Which occurrence: the request id, or the event of a decision against.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The fields that are wrong, where that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// The account's limit that would have been exceeded, on `limit_exceeded`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<LimitReachedView>,
}

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// Its name in the body or the query; in a batch with the operation's index:
    /// `operations[3].amount`.
    #[schema(value_type = String)]
    pub field: Cow<'static, str>,
    /// The code of what is wrong with it.
    pub code: &'static str,
}

impl Problem {
    /// A problem without particulars.
    pub fn new(code: ErrorCode) -> Self {
        Self {
            type_uri: format!("/errors/{code}"),
            title: code.title(),
            status: code.status_number(),
            detail: None,
            code: code.as_str(),
            instance: None,
            errors: Vec::new(),
            limit: None,
        }
    }

    /// The JSON.
    pub fn body(&self) -> String {
        serde_json::to_string(self).expect("a problem has string keys only")
    }
}

/// Why a request has no answer of its own.
#[derive(Debug, Clone)]
pub struct ApiError {
    code: ErrorCode,
    detail: Option<Cow<'static, str>>,
    field: Option<Cow<'static, str>>,
}

impl ApiError {
    /// Says what is wrong with a field.
    #[must_use]
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says which operation of a batch it is about.
    #[must_use]
    pub fn at_operation(mut self, index: usize) -> Self {
        let field = match self.field {
            Some(field) => format!("operations[{index}].{field}"),
            None => format!("operations[{index}]"),
        };
        self.field = Some(field.into());
        self
    }

    /// Says more, for people.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// The token lacks a permission.
    pub fn forbidden(permission: Permission) -> Self {
        Self::from(ErrorCode::Forbidden).detail(format!("this needs the permission {permission}"))
    }

    /// What a client is told, but for the occurrence.
    pub fn problem(self) -> Problem {
        let mut problem = Problem::new(self.code);
        problem.detail = self.detail;
        problem.errors = self
            .field
            .map(|field| FieldProblem {
                field,
                code: self.code.as_str(),
            })
            .into_iter()
            .collect();
        problem
    }
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            detail: None,
            field: None,
        }
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        let code = match error {
            SubmitError::Busy => ErrorCode::Busy,
            SubmitError::Unavailable => ErrorCode::DatabaseUnavailable,
            SubmitError::OutcomeUnknown => ErrorCode::OutcomeUnknown,
            SubmitError::KeyReused => ErrorCode::IdempotencyKeyReused,
            SubmitError::LinkedRefused => ErrorCode::BatchRejected,
            SubmitError::UnknownWallet => ErrorCode::NotFound,
            // The engine has logged it.
            SubmitError::Refused => ErrorCode::Internal,
        };
        code.into()
    }
}

impl From<StoreError> for ApiError {
    /// A read failed. This is where it is handled, so this is where it is logged.
    fn from(error: StoreError) -> Self {
        let code = match crate::store::fault(&error) {
            crate::store::Fault::Data => ErrorCode::Internal,
            crate::store::Fault::Passing | crate::store::Fault::Connection => {
                ErrorCode::DatabaseUnavailable
            }
        };
        tracing::error!(error = %chain(&error), code = code.as_str(), "Could not read the database");
        code.into()
    }
}

impl From<TokenError> for ApiError {
    fn from(error: TokenError) -> Self {
        let (code, detail) = match error {
            TokenError::Missing(field) => (
                ErrorCode::TokenFieldMissing,
                format!("the token has no {field}").into(),
            ),
            TokenError::Wrong(field) => (
                ErrorCode::InvalidToken,
                format!("{field} has a wrong value").into(),
            ),
            TokenError::Untrusted => (ErrorCode::InvalidToken, Cow::Borrowed("untrusted")),
            TokenError::Expired => (ErrorCode::InvalidToken, Cow::Borrowed("expired")),
        };
        Self::from(code).detail(detail)
    }
}

impl From<AmountError> for ApiError {
    fn from(error: AmountError) -> Self {
        let code = match error {
            AmountError::Syntax => ErrorCode::InvalidAmount,
            AmountError::NotPositive => ErrorCode::AmountNotPositive,
            AmountError::TooFine => ErrorCode::AmountTooFine,
            AmountError::TooLarge => ErrorCode::AmountTooLarge,
        };
        Self::from(code).field("amount")
    }
}

impl IntoResponse for ApiError {
    /// The problem also rides along as an extension: `observe` adds the request id to it.
    fn into_response(self) -> Response {
        let status = self.code.status();
        let problem = self.problem();
        let mut response = (status, problem.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if matches!(
            status,
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS
        ) {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from_static(RETRY_AFTER_SECONDS),
            );
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(problem);
        response
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests;
