//! The answers to `rpc.settlement.*`.

mod cuts;
mod reads;

use contracts::rpc::RpcError;

pub(crate) use cuts::cut;
pub(crate) use reads::{batch, batches, breaks};

#[expect(
    clippy::needless_pass_by_value,
    reason = "map_err hands the error over"
)]
fn refusal(error: sqlx::Error) -> RpcError {
    let (code, detail) = match error {
        sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
            tracing::error!(
                error = error.to_string(),
                "A stored settlement does not parse"
            );
            ("inconsistent", "stored values do not parse")
        }
        _ => {
            tracing::warn!(error = error.to_string(), "Could not reach the settlements");
            ("unavailable", "the database did not answer")
        }
    };
    RpcError {
        code: code.to_owned(),
        detail: detail.to_owned(),
    }
}
