//! `GET /v1/wallets/{id}/statement`

mod csv;
mod format;
mod view;

use std::{fmt, str::FromStr};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName},
    response::{IntoResponse, Response},
};
use chrono::DateTime;
use contracts::{Currency, limits::STATEMENT_LINES_MAX};
use serde::Deserialize;
use utoipa::IntoParams;

use self::format::Format;
pub use self::view::{LineView, StatementView};
use super::super::{
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    moment,
    openapi::ReadProblems,
    page::{self, QueryOf},
    path::WalletPath,
};
use crate::store::{
    self,
    statement::{Place, Subject},
};

/// Where the next part of a CSV statement goes on.
const NEXT_CURSOR: HeaderName = HeaderName::from_static("florin-next-cursor");

/// Which statement.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadStatement {
    /// Of this currency.
    #[param(required = true)]
    currency: Option<String>,
    /// The first moment that is in it; from the beginning, when nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// The first moment that is no more in it; up to now, when nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// The time that orders the lines: `posted`, when the ledger wrote them, which is the default,
    /// or `effective`, when they count.
    by: Option<String>,
    /// `json` or `csv`; what `Accept` prefers, when nobody says.
    #[param(pattern = "^(json|csv)$")]
    format: Option<String>,
    /// Lines of an answer: 1 to 1000, 1000 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

/// A statement: what one balance was, what changed it from `from` up to and without `to`, and
/// what it was then.
///
/// `opening_balance` and the amounts of all lines add up to `closing_balance`, in every answer. A
/// statement of more lines than `limit` comes in parts: the first part's cursor keeps the balance's
/// version, so that what is written meanwhile is in none of them, and each part opens where the one
/// before closed. As CSV (RFC 4180) it has a line for the opening and one for the closing balance,
/// and the cursor is in the header `Florin-Next-Cursor`; a text that a spreadsheet would take for a
/// formula has an apostrophe before it.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}/statement",
    tag = "wallets",
    operation_id = "wallet_statement",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), ReadStatement),
    responses(
        (status = 200, description = "The statement, or a part of it.", content(
            (StatementView = "application/json"),
            (String = "text/csv"),
        )),
        ReadProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
    QueryOf(query): QueryOf<ReadStatement>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let by = moment::by(query.by.as_deref())?;
    let period = moment::period(by, query.from.as_deref(), query.to.as_deref())?;
    let format = Format::wanted(query.format.as_deref(), &headers)?;
    let limit = page::limit_of(
        query.limit.as_deref(),
        STATEMENT_LINES_MAX,
        STATEMENT_LINES_MAX,
    )?;
    let cursor: Option<Cursor> = page::cursor(query.cursor.as_deref())?;
    let code = query
        .currency
        .ok_or_else(|| moment::refused("currency", "a statement is one of a currency"))?;
    let currency: Currency = code
        .parse()
        .map_err(|_| ApiError::from(ErrorCode::UnknownCurrency).field("currency"))?;
    api.own(id, &principal).await?;

    let newest = store::statement::newest(api.pool(), id, currency).await?;
    let subject = Subject {
        wallet: id,
        currency,
        as_of: cursor.map_or(newest, |cursor| cursor.as_of.min(newest)),
    };
    let after = cursor.map(|cursor| cursor.place);
    // One more: whether it is there tells whether there is a next part.
    let mut part = store::statement::part(api.pool(), &subject, &period, after, limit + 1).await?;
    let more = part.lines.len() > usize::from(limit);
    part.lines.truncate(limit.into());
    let next_cursor = part.lines.last().filter(|_| more).map(|line| {
        page::encode(&Cursor {
            as_of: subject.as_of,
            place: line.place,
        })
    });
    let view = StatementView::of(&subject, &period, part, next_cursor);
    Ok(match format {
        Format::Json => (format.headers(&view), Json(view)).into_response(),
        Format::Csv => {
            (format.headers(&view), csv::render(&view, cursor.is_none())).into_response()
        }
    })
}

/// Where a part ended, and as of which version of the balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cursor {
    as_of: i64,
    place: Place,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { at, version } = self.place;
        write!(f, "{}/{}/{version}", self.as_of, at.timestamp_micros())
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<i64> = text
            .split('/')
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map_err(drop)?;
        let [as_of, micros, version] = parts[..] else {
            return Err(());
        };
        let (earliest, latest) = store::period::bounds();
        let at = DateTime::from_timestamp_micros(micros)
            .filter(|at| (earliest..=latest).contains(at))
            .ok_or(())?;
        if version < 1 || version > as_of {
            return Err(());
        }
        let place = Place { at, version };
        Ok(Self { as_of, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_and_no_other_text_does() {
        let text = "7/1700000000000000/5";
        let cursor: Cursor = text.parse().expect("a cursor");
        assert_eq!(cursor.to_string(), text);
        for text in [
            "",
            "7",
            "7/1/5/1",
            "7/x/5",
            "4/1700000000000000/5",
            "7/1700000000000000/0",
            "7/9223372036854775807/5",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(()), "{text}");
        }
    }
}
