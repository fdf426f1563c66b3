//! `POST /v1/wallets/{id}/adjust`

use axum::{extract::State, response::Response};
use contracts::{Kind, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    answer::TransactionView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::ApiError,
    fields::{self, Metadata},
    idempotency::WriteHeaders,
    movement::Write,
    openapi::{IdempotencyKey, WriteProblems},
    path::WalletPath,
    remarks::Remarks,
};
use crate::{
    auth::Principal,
    domain::{Action, Movement},
};

/// A correction.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustBalance {
    /// By how much, not zero: `digits[.digits]`, with `-` to take away.
    #[schema(pattern = r"^-?\d+(\.\d+)?$", example = "-12.50")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// In words, for the history: the transaction's description.
    #[schema(
        min_length = 1,
        max_length = 500,
        example = "opening balance was wrong"
    )]
    reason: String,
    /// Yours.
    #[schema(max_length = 255)]
    reference: Option<String>,
    /// When it counts, not in the future; needs the permission `money:backdate`.
    #[schema(value_type = Option<String>, format = DateTime)]
    effective_at: Option<String>,
    /// Yours; at most 20 entries.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Metadata>,
}

impl AdjustBalance {
    /// The correction of a wallet that the bearer may see.
    pub async fn write(
        self,
        wallet: WalletId,
        principal: &Principal,
        api: &Api,
    ) -> Result<Write, ApiError> {
        let amount = fields::signed(&self.amount, &self.currency)?;
        let remarks = Remarks {
            reason: self.reason,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        };
        let remarks = remarks.parse(principal, api)?;
        let facts = api.own(wallet, principal).await?;
        let sight = principal.sight([(wallet, facts.owner.as_str())]);
        let path = format!("/v1/wallets/{wallet}/adjust");
        let action = Action::Move(Movement {
            kind: Kind::Adjustment,
            wallet,
            counterparty: None,
            amount,
            effective_at: remarks.effective_at,
            reference: remarks.reference,
            order_reference: None,
            merchant_category: None,
            description: Some(remarks.reason),
            metadata: remarks.metadata,
        });
        Ok(Write {
            path,
            action,
            sight,
        })
    }
}

/// Corrects a balance.
///
/// For staff. The other side is the house's account for corrections; no fee is taken. The balance
/// stays above its floor.
#[utoipa::path(
    post,
    path = "/v1/wallets/{id}/adjust",
    tag = "money",
    operation_id = "adjust_balance",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), IdempotencyKey),
    request_body = AdjustBalance,
    responses(
        (status = 201, description = "The transaction.", body = TransactionView),
        WriteProblems,
    ),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(wallet): WalletPath,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<AdjustBalance>,
) -> Result<Response, ApiError> {
    let write = body.write(wallet, &principal, &api).await?;
    write.submit(&api, &principal, headers).await
}
