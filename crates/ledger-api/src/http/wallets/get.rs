//! `GET /v1/wallets/{id}`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use contracts::{WalletId, event::WalletKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::{
    answer::WalletView,
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    moment,
    openapi::ReadProblems,
    page::QueryOf,
    path::WalletPath,
};
use crate::store::{
    self,
    moments::Held,
    period::By,
    wallets::{BalanceRow, WalletRow},
};

/// As of when.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadWallet {
    /// What the wallet held at this moment; now, when nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    at: Option<String>,
    /// With `at`: `posted`, what the ledger had written by then, which is the default, or
    /// `effective`, what counts from then or before, whenever it was written.
    by: Option<String>,
}

/// A wallet as it is, or with what it held at a moment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum WalletAnswer {
    /// Now.
    Now(WalletView),
    /// At the moment that was asked for.
    At(WalletAtView),
}

/// What a wallet held at a moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletAtView {
    /// The wallet, `wal_…`.
    #[schema(value_type = String, example = "wal_0190c3a65f7d7c3e8b1a2f4d6e8c0a12")]
    pub id: WalletId,
    /// Whose tokens may use it.
    #[schema(example = "cust-1")]
    pub owner: String,
    /// `customer` or `merchant`.
    #[schema(value_type = String, example = "customer")]
    pub kind: WalletKind,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// The moment.
    pub at: DateTime<Utc>,
    /// `posted` or `effective`.
    #[schema(example = "posted")]
    pub by: &'static str,
    /// One entry per currency that had moved by then.
    pub balances: Vec<BalanceAtView>,
}

/// What a wallet held of one currency at a moment. Amounts are strings at exactly the currency's
/// scale.
#[derive(Debug, Serialize, ToSchema)]
pub struct BalanceAtView {
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The sum of everything posted.
    #[schema(example = "75.00")]
    pub posted: String,
    /// The part of it that was reserved; only by `posted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00")]
    pub held: Option<String>,
    /// What could be spent: `posted` less `held`; only by `posted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "75.00")]
    pub available: Option<String>,
    /// Counts the changes of this balance up to then; only by `posted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
}

impl From<Held> for BalanceAtView {
    fn from(held: Held) -> Self {
        let currency = held.currency.code().to_owned();
        let posted = held.posted;
        match held.written {
            Some(written) => Self {
                currency,
                posted,
                held: Some(written.held),
                available: Some(written.available),
                version: Some(written.version),
            },
            None => Self {
                currency,
                posted,
                held: None,
                available: None,
                version: None,
            },
        }
    }
}

impl WalletAtView {
    fn of(wallet: WalletRow, at: DateTime<Utc>, by: By, held: Vec<Held>) -> Self {
        Self {
            id: wallet.id,
            owner: wallet.owner,
            kind: wallet.kind,
            created_at: wallet.created_at,
            at,
            by: moment::spelled(by),
            balances: held.into_iter().map(BalanceAtView::from).collect(),
        }
    }
}

/// A wallet and its balances, as of one moment: now, or the one that is asked for.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}",
    tag = "wallets",
    operation_id = "get_wallet",
    params(("id" = String, Path, description = "The wallet, `wal_…`."), ReadWallet),
    responses((status = 200, description = "The wallet.", body = WalletAnswer), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
    QueryOf(query): QueryOf<ReadWallet>,
) -> Result<Json<WalletAnswer>, ApiError> {
    let by = moment::by(query.by.as_deref())?;
    let at = moment::moment("at", query.at.as_deref())?;
    if query.by.is_some() && at.is_none() {
        return Err(moment::refused("by", "by says which time at is about"));
    }
    let found: Option<(WalletRow, Vec<BalanceRow>)> =
        store::wallets::find_with_balances(api.pool(), id).await?;
    let (wallet, balances) = found
        .filter(|(wallet, _)| principal.sees(&wallet.owner))
        .ok_or(ErrorCode::NotFound)?;
    let Some(at) = at else {
        let view = WalletView::stored(wallet, &balances);
        return Ok(Json(WalletAnswer::Now(view)));
    };
    let held = match by {
        By::Posted => store::moments::posted(api.pool(), id, at).await?,
        By::Effective => store::moments::effective(api.pool(), id, at).await?,
    };
    let view = WalletAtView::of(wallet, at, by, held);
    Ok(Json(WalletAnswer::At(view)))
}
