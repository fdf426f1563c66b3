//! `GET /v1/transactions/{id}`

use axum::{Json, extract::State};

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    links,
    openapi::ReadProblems,
    path::TransactionPath,
};
use crate::store;

/// A transaction.
///
/// For those whose wallet took part, and for staff. `balance_after` and `version` are only on legs
/// whose wallet the caller may read.
#[utoipa::path(
    get,
    path = "/v1/transactions/{id}",
    tag = "transactions",
    operation_id = "get_transaction",
    params(("id" = String, Path, description = "The transaction, `txn_…`.")),
    responses((status = 200, description = "The transaction.", body = TransactionView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    TransactionPath(id): TransactionPath,
) -> Result<Json<TransactionView>, ApiError> {
    let found = store::transactions::find(api.pool(), id).await?;
    let posted = [found.ok_or(ErrorCode::NotFound)?];
    let owners = super::owners(&api, &posted).await?;
    if !owners.values().any(|owner| principal.sees(owner)) {
        return Err(ErrorCode::NotFound.into());
    }
    let corrections = links::corrections(api.pool(), &posted).await?;
    let [posted] = posted;
    let view = TransactionView::of(&posted, &super::sight(&principal, &owners));
    let view = view.corrected(&posted, &corrections);
    Ok(Json(view))
}
