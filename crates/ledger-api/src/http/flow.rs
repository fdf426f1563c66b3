//! What came in and went out, as summaries and histories show it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::history::Flow;

/// What moved in one currency. Amounts are strings at exactly the currency's scale.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FlowView {
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The sum of what came in.
    #[schema(example = "100.00")]
    pub incoming: String,
    /// The sum of what went out, without a sign.
    #[schema(example = "25.00")]
    pub outgoing: String,
}

impl From<Flow> for FlowView {
    fn from(flow: Flow) -> Self {
        Self {
            currency: flow.currency.code().to_owned(),
            incoming: flow.incoming,
            outgoing: flow.outgoing,
        }
    }
}
