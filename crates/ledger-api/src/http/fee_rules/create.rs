//! `POST /v1/fee-rules`

use axum::{extract::State, response::Response};
use contracts::{Currency, Kind, event::FeeTerms};
use rust_decimal::Decimal;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        api::Api,
        authorised::Authorised,
        body::JsonBody,
        error::{ApiError, ErrorCode},
        fields,
        idempotency::WriteHeaders,
        movement::submit,
        openapi::{IdempotencyKey, WriteProblems},
    },
    FeeRuleView,
};
use crate::domain::{Action, PERCENTAGE_SCALE, Sight};

/// Kinds of transactions that fees are taken for. An exchange has its spread; what the house or
/// the merchant does to make good again costs nothing.
const KINDS: [Kind; 4] = [
    Kind::Deposit,
    Kind::Withdrawal,
    Kind::Transfer,
    Kind::Payment,
];

/// A rule to make. At least one of `percentage` and `fixed` is there; both may be zero, so that
/// merchants of a category pay nothing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateFeeRule {
    /// For what it is taken: `payment`, `withdrawal`, `transfer`, `deposit`.
    #[schema(min_items = 1, example = json!(["payment"]))]
    kinds: Vec<String>,
    /// Only of payments to merchants of this category; `kinds` is then `payment` alone.
    #[schema(max_length = 40, example = "food")]
    merchant_category: Option<String>,
    /// Only of transactions in this currency; the amounts below are in it.
    #[schema(example = "EUR")]
    currency: String,
    /// Percent of the amount, 0 to 100, up to four decimals.
    #[schema(pattern = r"^\d+(\.\d{1,4})?$", example = "1.5")]
    percentage: Option<String>,
    /// Added to the percentage.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "0.10")]
    fixed: Option<String>,
    /// At least this.
    #[schema(pattern = r"^\d+(\.\d+)?$")]
    minimum: Option<String>,
    /// At most this.
    #[schema(pattern = r"^\d+(\.\d+)?$")]
    maximum: Option<String>,
}

/// Takes a fee from here on.
///
/// A rule holds for the transactions that come after it in the ledger's log, and changes none
/// before it. Of several active rules one decides alone: one for the merchant's category goes
/// before one for all; of equals the newest. The fee is the percentage of the amount, rounded half
/// to even to the currency's smallest unit, plus what is fixed, within minimum and maximum.
///
/// The merchant pays it on payments and the receiver on deposits, out of what is received and
/// never more than that; the sender on withdrawals and transfers, on top. It is posted in the same
/// transaction, in legs whose `purpose` is `fee`. Limits of accounts count the amount alone.
#[utoipa::path(
    post,
    path = "/v1/fee-rules",
    tag = "fees",
    operation_id = "create_fee_rule",
    params(IdempotencyKey),
    request_body = CreateFeeRule,
    responses((status = 201, description = "The rule.", body = FeeRuleView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CreateFeeRule>,
) -> Result<Response, ApiError> {
    let action = Action::CreateFeeRule(terms(body)?);
    submit(
        &api,
        &principal,
        headers,
        "/v1/fee-rules",
        Sight::All,
        action,
    )
    .await
}

fn terms(body: CreateFeeRule) -> Result<FeeTerms, ApiError> {
    let currency = fields::currency(&body.currency)?;
    let amount = |field, text| amount(field, text, currency);
    let terms = FeeTerms {
        kinds: kinds(&body.kinds)?,
        merchant_category: body
            .merchant_category
            .map(fields::category)
            .transpose()
            .map_err(|error| error.field("merchant_category"))?,
        currency,
        percentage: body.percentage.as_deref().map(percentage).transpose()?,
        fixed: amount("fixed", body.fixed)?,
        minimum: amount("minimum", body.minimum)?,
        maximum: amount("maximum", body.maximum)?,
    };
    if terms.percentage.is_none() && terms.fixed.is_none() {
        return refused(
            "percentage",
            "a rule has a percentage, a fixed part or both",
        );
    }
    if let (Some(minimum), Some(maximum)) = (terms.minimum, terms.maximum)
        && minimum > maximum
    {
        return refused("minimum", "it is above the maximum");
    }
    if terms.merchant_category.is_some() && terms.kinds != [Kind::Payment] {
        return refused("kinds", "only payments have a merchant");
    }
    Ok(terms)
}

fn refused<T>(field: &'static str, detail: &'static str) -> Result<T, ApiError> {
    let error = ApiError::from(ErrorCode::InvalidFeeRule);
    Err(error.field(field).detail(detail))
}

/// In one order, so that the same kinds are the same request.
fn kinds(names: &[String]) -> Result<Vec<Kind>, ApiError> {
    let mut kinds = Vec::with_capacity(names.len());
    for name in names {
        let Some(kind) = KINDS.iter().find(|kind| kind.as_str() == name) else {
            return refused("kinds", "no fee is taken for such a kind");
        };
        kinds.push(*kind);
    }
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() || kinds.len() != names.len() {
        return refused("kinds", "there is none, or one stands there twice");
    }
    Ok(kinds)
}

fn amount(
    field: &'static str,
    text: Option<String>,
    currency: Currency,
) -> Result<Option<Decimal>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let amount = fields::ceiling(&text, currency).map_err(|error| error.field(field))?;
    Ok(Some(amount.amount()))
}

/// `digits[.digits]`, 0 to 100. Trailing zeros do not matter: `1.50` is `1.5`.
fn percentage(text: &str) -> Result<Decimal, ApiError> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    let plain = |part: &str, chars_max: usize| {
        (1..=chars_max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let scale = PERCENTAGE_SCALE as usize;
    let rate = (plain(whole, 3) && plain(decimals, scale))
        .then(|| Decimal::from_str_exact(text).ok())
        .flatten()
        .filter(|rate| *rate <= Decimal::ONE_HUNDRED);
    match rate {
        Some(rate) => Ok(rate.normalize()),
        None => refused("percentage", "it is 0 to 100 with at most four decimals"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_from_0_to_100_with_four_decimals() {
        for (text, rate) in [
            ("0", Some("0")),
            ("1.50", Some("1.5")),
            ("0.0001", Some("0.0001")),
            ("100", Some("100")),
            ("100.0001", None),
            ("0.00001", None),
            ("101", None),
            ("-1", None),
            ("1.", None),
            (".5", None),
            ("1e1", None),
            ("", None),
        ] {
            let read = percentage(text).ok().map(|rate| rate.to_string());
            assert_eq!(read.as_deref(), rate, "{text}");
        }
    }
}
