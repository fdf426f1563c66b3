//! `POST /v1/wallets`

use axum::{extract::State, response::Response};
use contracts::event::WalletKind;
use serde::Deserialize;
use utoipa::ToSchema;

use super::super::{
    answer::WalletView,
    api::Api,
    authorised::Authorised,
    body::JsonBody,
    error::{ApiError, ErrorCode},
    fields::{self, Metadata},
    idempotency::WriteHeaders,
    movement::submit,
    openapi::{IdempotencyKey, WriteProblems},
};
use crate::{
    auth::{Permission, Role},
    domain::{Action, OpenWallet, Sight},
};

/// A wallet to open.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateWallet {
    /// Whose tokens may use it.
    #[schema(max_length = 255, example = "cust-1")]
    owner: String,
    /// `customer` or `merchant`.
    #[schema(pattern = "^(customer|merchant)$", example = "customer")]
    kind: String,
    /// Yours, to find it again.
    #[schema(max_length = 255)]
    reference: Option<String>,
    /// What a merchant deals in, in lower case: `a` to `z`, digits, `-` and `_`. Fee rules may ask
    /// for it. It never changes; customers have none.
    #[schema(min_length = 1, max_length = 40, example = "food")]
    category: Option<String>,
    /// Yours; at most 20 entries.
    #[schema(value_type = Option<std::collections::BTreeMap<String, String>>)]
    metadata: Option<Metadata>,
}

/// Opens a wallet.
///
/// Customers and merchants open wallets for their own `owner` only. A wallet has no currency:
/// it holds a balance in each currency that ever moves.
#[utoipa::path(
    post,
    path = "/v1/wallets",
    tag = "wallets",
    operation_id = "create_wallet",
    params(IdempotencyKey),
    request_body = CreateWallet,
    responses((status = 201, description = "The new wallet.", body = WalletView), WriteProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    headers: WriteHeaders,
    JsonBody(body): JsonBody<CreateWallet>,
) -> Result<Response, ApiError> {
    let owner = fields::reference("owner", body.owner)?;
    if principal.owner != owner && !principal.may(Permission::WalletsCreateAny) {
        return Err(ApiError::forbidden(Permission::WalletsCreateAny).field("owner"));
    }
    let kind = match body.kind.as_str() {
        "customer" => WalletKind::Customer,
        "merchant" => WalletKind::Merchant,
        _ => return Err(ApiError::from(ErrorCode::InvalidField).field("kind")),
    };
    // A merchant's wallet is settled and paid out: nobody gives one to themselves who is none.
    let own_kind = match principal.role {
        Role::Merchant => WalletKind::Merchant,
        _ => WalletKind::Customer,
    };
    if kind != own_kind && !principal.may(Permission::WalletsCreateAny) {
        return Err(ApiError::forbidden(Permission::WalletsCreateAny).field("kind"));
    }
    let category = body.category.map(fields::category).transpose()?;
    if category.is_some() && kind != WalletKind::Merchant {
        return Err(ApiError::from(ErrorCode::NotAMerchant).field("category"));
    }
    let open = OpenWallet {
        owner,
        kind,
        reference: body
            .reference
            .map(|text| fields::reference("reference", text))
            .transpose()?,
        category,
        metadata: fields::metadata(body.metadata)?,
    };
    submit(
        &api,
        &principal,
        headers,
        "/v1/wallets",
        Sight::All,
        Action::OpenWallet(open),
    )
    .await
}
