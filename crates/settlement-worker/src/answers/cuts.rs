//! A cut that somebody asks for. Its key is kept with it, so asking again makes no second one.

use std::time::Duration;

use contracts::{
    CutId, limits,
    rpc::{BatchesRequest, Cut, CutAnswer, CutOutcome, CutRequest, RpcError},
    settlement::CutState,
};
use service_runtime::entropy;
use tokio::time::{Instant, sleep};

use super::refusal;
use crate::{
    store::{self, cuts::Origin},
    sweeps::{Closer, Ledger},
};

/// How long the caller waits for the cut to be closed: a worker that keeps up is behind by far
/// less, and who is told that it waits can ask again.
const CLOSE_WAIT: Duration = Duration::from_millis(1_500);
/// Between tries.
const CLOSE_PAUSE: Duration = Duration::from_millis(50);

/// Makes the cut, or finds the one that the key stands for, and waits a moment for it to be
/// closed.
pub(crate) async fn cut(
    closer: Closer,
    ledger: Ledger,
    request: CutRequest,
) -> Result<CutOutcome, RpcError> {
    let pool = closer.pool();
    let found = store::cuts::find_by_key(pool, &request.caller, &request.key).await;
    let (id, replayed) = match found.map_err(refusal)? {
        Some((_, fingerprint)) if fingerprint != request.fingerprint => {
            return Ok(CutOutcome::KeyReused);
        }
        Some((id, _)) => (id, true),
        None => match make(&closer, &ledger, &request).await? {
            Made::Cut(id) => (id, false),
            Made::Same(id) => (id, true),
            Made::Other => return Ok(CutOutcome::KeyReused),
        },
    };
    let cut = closed(&closer, id).await?;
    let batches = match cut.state {
        CutState::Waiting => Vec::new(),
        CutState::Closed => {
            let wanted = BatchesRequest {
                merchant: None,
                currency: None,
                cut: Some(id),
                after: None,
                limit: limits::PAGE_ITEMS_DEFAULT + 1,
            };
            let batches = store::batches::list(pool, &wanted).await;
            batches.map_err(refusal)?
        }
    };
    Ok(CutOutcome::Cut(CutAnswer {
        cut,
        batches,
        replayed,
    }))
}

enum Made {
    Cut(CutId),
    /// Somebody else made it under this key a moment ago.
    Same(CutId),
    Other,
}

/// Writes the cut down. Its position is the head of the log, which has everything that anybody
/// was told about before they asked.
async fn make(closer: &Closer, ledger: &Ledger, request: &CutRequest) -> Result<Made, RpcError> {
    let seq = ledger.head().await.map_err(|error| RpcError {
        code: "unavailable".to_owned(),
        detail: error.to_string(),
    })?;
    let now = closer.clock().now();
    let cut = Cut {
        id: CutId::mint(now, entropy()),
        seq,
        cut_off: now,
        scheduled: false,
        merchant: request.merchant,
        currency: request.currency,
        state: CutState::Waiting,
        waits_for: None,
        closed_at: None,
    };
    let origin = Origin::Request(&request.caller, &request.key, &request.fingerprint);
    let inserted = store::cuts::insert(closer.pool(), &cut, origin, now).await;
    if inserted.map_err(refusal)? {
        return Ok(Made::Cut(cut.id));
    }
    let found = store::cuts::find_by_key(closer.pool(), &request.caller, &request.key).await;
    Ok(match found.map_err(refusal)? {
        Some((id, fingerprint)) if fingerprint == request.fingerprint => Made::Same(id),
        _ => Made::Other,
    })
}

/// The cut once it is closed, or as it is after a while.
async fn closed(closer: &Closer, id: CutId) -> Result<Cut, RpcError> {
    let until = Instant::now() + CLOSE_WAIT;
    loop {
        // Whether this process closes it or another one does.
        let tried = closer.close(id).await;
        if let Err(error) = &tried {
            tracing::warn!(
                cut = id.to_string(),
                error = error.to_string(),
                "Could not close a cut"
            );
        }
        let cut = store::cuts::find(closer.pool(), id).await;
        let Some(cut) = cut.map_err(refusal)? else {
            return Err(refusal(sqlx::Error::RowNotFound));
        };
        if cut.state == CutState::Closed || Instant::now() >= until {
            return Ok(cut);
        }
        sleep(CLOSE_PAUSE).await;
    }
}
