//! Wallets and what moves in and out of them: one file per endpoint.

pub mod adjust;
pub mod block;
pub mod close;
pub mod create;
pub mod credit_limit;
pub mod deposit;
pub mod freeze;
pub mod get;
pub mod history;
pub mod limits;
pub mod list;
pub mod statement;
pub mod stats;
pub mod summary;
pub mod transfer;
pub mod unblock;
pub mod unfreeze;
pub mod withdraw;

use axum::response::Response;
use contracts::{Kind, WalletId};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    api::Api,
    error::ApiError,
    fields::{self, Metadata},
    idempotency::WriteHeaders,
    movement::{Fields, Order, submit},
};
use crate::{
    auth::Principal,
    domain::{Action, ChangeWallet, Sight, WalletChange},
};

/// Why a wallet changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "as the customer asked")]
    reason: String,
}

/// Why a wallet, or one currency of it, changes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReasonAndCurrency {
    /// In words, for the history.
    #[schema(min_length = 1, max_length = 500, example = "card stolen")]
    reason: String,
    /// Only this currency of the wallet; all of it without.
    #[schema(example = "EUR")]
    currency: Option<String>,
}

/// Submits a change of a wallet that the caller may see; `verb` is the route's last part.
async fn change(
    api: &Api,
    principal: &Principal,
    headers: WriteHeaders,
    wallet: WalletId,
    verb: &str,
    change: WalletChange,
    reason: String,
) -> Result<Response, ApiError> {
    let reason = fields::reason(reason)?;
    api.own(wallet, principal).await?;
    let path = format!("/v1/wallets/{wallet}/{verb}");
    let action = Action::ChangeWallet(ChangeWallet {
        wallet,
        change,
        reason,
    });
    submit(api, principal, headers, &path, Sight::All, action).await
}

/// Money to move in or out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveMoney {
    /// `digits[.digits]`, above zero, no finer than the currency.
    #[schema(pattern = r"^\d+(\.\d+)?$", example = "12.50")]
    amount: String,
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    currency: String,
    /// A line for people.
    #[schema(max_length = 500)]
    description: Option<String>,
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

impl MoveMoney {
    /// A movement of `kind`, as the route of `wallet` that ends in `verb` takes it.
    pub fn order(
        self,
        kind: Kind,
        wallet: WalletId,
        verb: &str,
        principal: &Principal,
        api: &Api,
    ) -> Result<Order, ApiError> {
        let fields = Fields {
            amount: self.amount,
            currency: self.currency,
            description: self.description,
            reference: self.reference,
            effective_at: self.effective_at,
            metadata: self.metadata,
        };
        Ok(Order {
            path: format!("/v1/wallets/{wallet}/{verb}"),
            movement: fields.parse(kind, wallet, principal, api)?,
        })
    }
}
