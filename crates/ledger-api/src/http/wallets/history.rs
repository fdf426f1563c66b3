//! `GET /v1/wallets/{id}/history`

use axum::{Json, extract::State};
use contracts::{
    Currency, Money, Posted, WalletId,
    limits::{ENTRIES_EXAMINED_MAX, ENTRIES_TOTALLED_MAX},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    fields,
    flow::FlowView,
    moment,
    openapi::ReadProblems,
    page::{self, QueryOf},
    path::WalletPath,
    transactions,
};
use crate::store::{
    self,
    history::{Filter, Totals},
    period::Span,
};

/// Which part of the history. A transaction passes when one leg of the wallet's own is all of
/// this.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadHistory {
    /// Only of this kind.
    kind: Option<String>,
    /// Only from this moment on.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// The time that `from` and `to` are about: `posted`, when the ledger wrote it, which is the
    /// default, or `effective`, when it counts.
    by: Option<String>,
    /// Only in this currency.
    currency: Option<String>,
    /// Only of at least so much, in or out; needs `currency`.
    min_amount: Option<String>,
    /// Only of at most so much, in or out; needs `currency`.
    max_amount: Option<String>,
    /// Only with this other wallet, `wal_…`.
    counterparty: Option<String>,
    /// Only with this sender's reference.
    reference: Option<String>,
    /// `true`: adds up everything that passes, whatever the page.
    #[param(value_type = Option<bool>)]
    totals: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A part of a wallet's history.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryPage {
    /// The items.
    pub items: Vec<TransactionView>,
    /// Goes into `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// Only when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub totals: Option<TotalsView>,
}

/// Everything that passes, on all pages.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalsView {
    /// How many transactions.
    pub transactions: u64,
    /// What came in and went out: the wallet's own legs that pass.
    pub currencies: Vec<FlowView>,
}

impl From<Totals> for TotalsView {
    fn from(totals: Totals) -> Self {
        Self {
            transactions: totals.transactions,
            currencies: totals.flows.into_iter().map(FlowView::from).collect(),
        }
    }
}

/// A wallet's transactions, newest first.
///
/// `balance_after` and `version` are only on legs whose wallet the caller may read. One page looks
/// at a bounded part of the history: with filters it may have fewer items than asked for, or none,
/// and more may follow all the same. The last page is the one without a `next_cursor`.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}/history",
    tag = "wallets",
    operation_id = "wallet_history",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), ReadHistory),
    responses(
        (status = 200, description = "A page of transactions.", body = HistoryPage),
        ReadProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
    QueryOf(query): QueryOf<ReadHistory>,
) -> Result<Json<HistoryPage>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let before: Option<u64> = page::cursor(query.cursor.as_deref())?;
    let wants_totals = moment::flag("totals", query.totals.as_deref())?;
    let filter = filter(query)?;
    if filter.counterparty == Some(id) {
        let detail = "the counterparty is another wallet";
        return Err(moment::refused("counterparty", detail));
    }
    api.own(id, &principal).await?;

    let whole = store::period::span(api.pool(), &filter.period).await?;
    let span = Span {
        first: whole.first,
        last: page::before(before, whole.last),
    };
    let (rows, next) = read(&api, id, &filter, span, limit).await?;
    let totals = if wants_totals {
        let totals =
            store::history::totals(api.pool(), id, &filter, whole, ENTRIES_TOTALLED_MAX).await?;
        Some(totals.ok_or(ErrorCode::PeriodTooLong)?.into())
    } else {
        None
    };
    Ok(Json(HistoryPage {
        items: transactions::views(&api, &principal, &rows).await?,
        next_cursor: next.map(|seq| page::encode(&seq)),
        totals,
    }))
}

/// A page, and the position before which the next one goes on.
async fn read(
    api: &Api,
    wallet: WalletId,
    filter: &Filter,
    span: Span,
    limit: u16,
) -> Result<(Vec<Posted>, Option<u64>), ApiError> {
    // One more: whether it is there tells whether there is a next page.
    let wanted = limit + 1;
    let mut rows = if filter.is_open() {
        store::history::page(api.pool(), wallet, span, wanted).await?
    } else {
        let most = (ENTRIES_EXAMINED_MAX, wanted);
        store::history::filtered(api.pool(), wallet, filter, span, most).await?
    };
    if rows.len() > usize::from(limit) {
        rows.truncate(limit.into());
        let next = rows.last().map(|posted| posted.seq);
        return Ok((rows, next));
    }
    if filter.is_open() {
        return Ok((rows, None));
    }
    let end = store::history::last_examined(api.pool(), wallet, span, ENTRIES_EXAMINED_MAX).await?;
    // Of the last transaction that was looked at not every leg may have been: it is the next
    // page's first.
    if let Some(end) = end {
        rows.retain(|posted| posted.seq > end);
    }
    Ok((rows, end.map(|end| end + 1)))
}

fn filter(query: ReadHistory) -> Result<Filter, ApiError> {
    let by = moment::by(query.by.as_deref())?;
    let currency: Option<Currency> = query
        .currency
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| ApiError::from(ErrorCode::UnknownCurrency).field("currency"))?;
    let amount = |field, text: Option<String>| -> Result<Option<Money>, ApiError> {
        match (text, currency) {
            (None, _) => Ok(None),
            (Some(text), Some(currency)) => Ok(Some(fields::money_in(field, &text, currency)?)),
            (Some(_), None) => Err(moment::refused(
                "currency",
                "an amount is one of a currency",
            )),
        }
    };
    let (min, max) = (
        amount("min_amount", query.min_amount)?,
        amount("max_amount", query.max_amount)?,
    );
    Ok(Filter {
        period: moment::period(by, query.from.as_deref(), query.to.as_deref())?,
        kind: transactions::kind(query.kind.as_deref())?,
        currency,
        min,
        max,
        counterparty: transactions::wallet("counterparty", query.counterparty.as_deref())?,
        reference: query
            .reference
            .map(|text| fields::reference("reference", text))
            .transpose()?,
    })
}
