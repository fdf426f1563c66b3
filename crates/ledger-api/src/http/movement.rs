//! What deposits, withdrawals, transfers and payments share.

use axum::response::Response;
use contracts::{Kind, WalletId};

use super::{
    answer,
    api::Api,
    error::ApiError,
    fields::{self, Metadata},
    idempotency::{WriteHeaders, fingerprint},
};
use crate::{
    auth::Principal,
    domain::{Action, Command, Movement, Sight},
};

/// The fields that every movement has, as they came.
pub struct Fields {
    pub amount: String,
    pub currency: String,
    pub description: Option<String>,
    pub reference: Option<String>,
    pub effective_at: Option<String>,
    pub metadata: Option<Metadata>,
}

impl Fields {
    /// A movement of `kind` out of, or into, `wallet`.
    pub fn parse(
        self,
        kind: Kind,
        wallet: WalletId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Movement, ApiError> {
        Ok(Movement {
            kind,
            wallet,
            counterparty: None,
            effective_at: fields::effective_at(
                self.effective_at.as_deref(),
                principal,
                api.clock().now(),
            )?,
            amount: fields::money(&self.amount, &self.currency)?,
            reference: self
                .reference
                .map(|text| fields::reference("reference", text))
                .transpose()?,
            order_reference: None,
            merchant_category: None,
            description: self.description.map(fields::description).transpose()?,
            metadata: fields::metadata(self.metadata)?,
        })
    }
}

/// Submits a write and sends its answer, new or repeated. `path` is the route with its ids,
/// `sight` what the caller may see of the wallets in the answer.
pub async fn submit(
    api: &Api,
    principal: &Principal,
    headers: WriteHeaders,
    path: &str,
    sight: Sight,
    action: Action,
) -> Result<Response, ApiError> {
    let command = Command {
        caller: principal.caller(),
        key: headers.key,
        fingerprint: fingerprint("POST", path, &principal.viewer(), &action),
        action,
        sight,
        traceparent: headers.traceparent,
    };
    Ok(answer::stored(api.engine().submit(command).await?))
}
