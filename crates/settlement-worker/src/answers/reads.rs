//! Batches, their items, and breaks.

use contracts::{
    limits,
    rpc::{Batch, BatchItems, BatchRequest, BatchesRequest, Break, BreaksRequest, RpcError},
};
use sqlx::PgPool;

use super::refusal;
use crate::store;

/// One more than a page may be asked for: it tells whether there is a next page.
const ITEMS_MAX: u16 = limits::PAGE_ITEMS_MAX + 1;

/// Batches, newest first.
pub(crate) async fn batches(
    pool: PgPool,
    mut request: BatchesRequest,
) -> Result<Vec<Batch>, RpcError> {
    request.limit = request.limit.min(ITEMS_MAX);
    let batches = store::batches::list(&pool, &request).await;
    batches.map_err(refusal)
}

/// One batch with a page of its items, or nothing. A batch does not change, so two reads fit
/// together.
pub(crate) async fn batch(
    pool: PgPool,
    request: BatchRequest,
) -> Result<Option<BatchItems>, RpcError> {
    let batch = store::batches::find(&pool, request.batch).await;
    let Some(batch) = batch.map_err(refusal)? else {
        return Ok(None);
    };
    let limit = request.limit.min(ITEMS_MAX);
    let items = store::batches::items(&pool, batch.id, request.after, limit).await;
    let items = items.map_err(refusal)?;
    Ok(Some(BatchItems { batch, items }))
}

/// Breaks, newest first.
pub(crate) async fn breaks(
    pool: PgPool,
    mut request: BreaksRequest,
) -> Result<Vec<Break>, RpcError> {
    request.limit = request.limit.min(ITEMS_MAX);
    let breaks = store::breaks::list(&pool, &request).await;
    breaks.map_err(refusal)
}
