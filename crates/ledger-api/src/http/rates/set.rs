//! `POST /v1/rates`

use std::collections::HashSet;

use axum::{extract::State, response::Response};
use chrono::{DateTime, Utc};
use contracts::{event::Rate, limits::RATES_MAX};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields,
    idempotency::WriteHeaders,
    movement::submit,
    openapi::{IdempotencyKey, WriteProblems},
};
use super::{fields as rate_fields, view::RatesSetView};
use crate::domain::{Action, SetRates, Sight};

/// Rates to be set.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SetRates)]
pub struct SetRatesBody {
    /// Where they come from.
    #[schema(max_length = 255, example = "ecb")]
    source: String,
    /// 1 to 500 rates, none for the same two currencies and moment as another.
    #[schema(min_items = 1, max_items = 500)]
    rates: Vec<NewRate>,
}

/// What one unit of a currency is worth in another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRate {
    /// The currency of which one unit is valued.
    #[schema(example = "EUR")]
    base: String,
    /// The currency of the value.
    #[schema(example = "USD")]
    quote: String,
    /// `digits[.digits]`, above zero: at most 12 digits before and 12 after the point, 18 in all.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "1.0823")]
    rate: String,
    /// The moment that it is the rate of, not in the future: RFC 3339, or a date (its beginning in
    /// UTC).
    #[schema(example = "2026-11-20")]
    as_of: String,
    /// What the house keeps of an exchange at it, in percent: 0 to 50, at most four decimals. The
    /// house's default when you do not say.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "0.5")]
    spread: Option<String>,
}

/// Sets exchange rates.
///
/// The rate of a pair with the latest `as_of` is the one that counts. A rate of the same pair and
/// moment replaces an earlier one from then on; the history keeps both. Between two currencies
/// without a rate of their own the way is over EUR, where both have a rate.
#[utoipa::path(
    post,
    path = "/v1/rates",
    tag = "exchange",
    operation_id = "set_rates",
    params(IdempotencyKey),
    request_body = SetRatesBody,
    responses(
        (status = 201, description = "The rates count from now on.", body = RatesSetView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<SetRatesBody>,
) -> Result<Response, ApiError> {
    let set = SetRates {
        source: fields::reference("source", body.source)?,
        rates: rates(body.rates, api.clock().now())?,
    };
    let action = Action::SetRates(set);
    submit(&api, &principal, headers, "/v1/rates", Sight::All, action).await
}

fn rates(new: Vec<NewRate>, now: DateTime<Utc>) -> Result<Vec<Rate>, ApiError> {
    let refused = || ApiError::from(ErrorCode::InvalidRates).field("rates");
    if new.is_empty() || new.len() > RATES_MAX {
        return Err(refused().detail(format!("there are {} of them", new.len())));
    }
    let mut rates = Vec::with_capacity(new.len());
    let mut known = HashSet::with_capacity(new.len());
    for (index, new) in new.into_iter().enumerate() {
        let rate = parse(&new, now).map_err(|error| error.detail(format!("rates[{index}]")))?;
        // A pair is the same whichever way round it is written.
        let pair = (rate.base.min(rate.quote), rate.base.max(rate.quote));
        if !known.insert((pair, rate.as_of)) {
            let twice = format!("rates[{index}] comes twice");
            return Err(refused().detail(twice));
        }
        rates.push(rate);
    }
    Ok(rates)
}

fn parse(new: &NewRate, now: DateTime<Utc>) -> Result<Rate, ApiError> {
    let refused = |code: ErrorCode, field| ApiError::from(code).field(field);
    let (base, quote) = (fields::currency(&new.base)?, fields::currency(&new.quote)?);
    if base == quote {
        return Err(refused(ErrorCode::SameCurrency, "quote"));
    }
    let rate = rate_fields::rate(&new.rate);
    let as_of = rate_fields::as_of(&new.as_of, now);
    let spread = new.spread.as_deref().map(|text| {
        let spread = rate_fields::spread(text);
        spread.ok_or_else(|| refused(ErrorCode::InvalidRate, "spread"))
    });
    Ok(Rate {
        base,
        quote,
        rate: rate.ok_or_else(|| refused(ErrorCode::InvalidRate, "rate"))?,
        as_of: as_of.ok_or_else(|| refused(ErrorCode::InvalidTimestamp, "as_of"))?,
        spread: spread.transpose()?,
    })
}
