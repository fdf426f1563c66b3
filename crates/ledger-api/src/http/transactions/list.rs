//! `GET /v1/transactions`

use axum::{Json, extract::State};
use contracts::limits::ENTRIES_EXAMINED_MAX;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    error::ApiError,
    fields, moment,
    openapi::ReadProblems,
    page::{self, Page, QueryOf},
};
use crate::store::{
    self,
    period::{By, Span},
    transactions::Filter,
};

/// Which transactions.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTransactions {
    /// Only of this kind.
    kind: Option<String>,
    /// Only with a leg of this wallet, `wal_…`.
    wallet: Option<String>,
    /// Only with this sender's reference.
    reference: Option<String>,
    /// Only those that the ledger wrote at this moment or later.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<String>,
    /// Only those that the ledger wrote before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<String>,
    /// Items of a page: 1 to 200, 50 by default.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Transactions of all wallets, newest first.
///
/// One page looks at a bounded part of the log: with filters it may have fewer items than asked
/// for, or none, and more may follow all the same. The last page is the one without a
/// `next_cursor`.
#[utoipa::path(
    get,
    path = "/v1/transactions",
    tag = "transactions",
    operation_id = "list_transactions",
    params(ListTransactions),
    responses(
        (status = 200, description = "A page of transactions.", body = Page<TransactionView>),
        ReadProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    QueryOf(query): QueryOf<ListTransactions>,
) -> Result<Json<Page<TransactionView>>, ApiError> {
    let limit = page::limit(query.limit.as_deref())?;
    let before: Option<u64> = page::cursor(query.cursor.as_deref())?;
    let period = moment::period(By::Posted, query.from.as_deref(), query.to.as_deref())?;
    let filter = Filter {
        kind: super::kind(query.kind.as_deref())?,
        wallet: super::wallet("wallet", query.wallet.as_deref())?,
        reference: query
            .reference
            .map(|text| fields::reference("reference", text))
            .transpose()?,
    };
    let whole = store::period::span(api.pool(), &period).await?;
    let last = page::before(before, whole.last);
    let examined = Span {
        first: whole
            .first
            .max(last.saturating_sub(ENTRIES_EXAMINED_MAX.into())),
        last,
    };
    let mut rows = store::transactions::page(api.pool(), &filter, examined, limit + 1).await?;
    let next = if rows.len() > usize::from(limit) {
        rows.truncate(limit.into());
        rows.last().map(|posted| posted.seq)
    } else {
        // The next page looks at what is at this position and before it.
        (examined.first > whole.first).then_some(examined.first + 1)
    };
    Ok(Json(Page {
        items: super::views(&api, &principal, &rows).await?,
        next_cursor: next.map(|seq| page::encode(&seq)),
    }))
}
