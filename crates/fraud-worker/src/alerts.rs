//! The answers to `rpc.fraud.alerts` and `rpc.fraud.alert`.

use contracts::{
    limits,
    rpc::{Alert, AlertRequest, AlertsRequest, RpcError},
};
use sqlx::PgPool;

use crate::store::alerts::{self, Wanted};

/// Alerts, newest first. One more than a page may be asked for: it tells whether there is a
/// next page.
pub(crate) async fn list(pool: PgPool, request: AlertsRequest) -> Result<Vec<Alert>, RpcError> {
    let wanted = Wanted {
        alert: None,
        wallet: request.wallet,
        after: request.after,
        limit: request.limit.min(limits::PAGE_ITEMS_MAX + 1),
    };
    alerts::list(&pool, wanted).await.map_err(refusal)
}

/// One alert, or nothing.
pub(crate) async fn find(pool: PgPool, request: AlertRequest) -> Result<Option<Alert>, RpcError> {
    let wanted = Wanted {
        alert: Some(request.alert),
        wallet: None,
        after: None,
        limit: 1,
    };
    let mut found = alerts::list(&pool, wanted).await.map_err(refusal)?;
    Ok(found.pop())
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "map_err hands the error over"
)]
fn refusal(error: sqlx::Error) -> RpcError {
    let (code, detail) = match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            tracing::error!(error = error.to_string(), "A stored alert does not parse");
            ("inconsistent", "stored values do not parse")
        }
        _ => {
            tracing::warn!(error = error.to_string(), "Could not read alerts");
            ("unavailable", "the database did not answer")
        }
    };
    RpcError {
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
