//! `GET /v1/accounts/{owner}/summary`

use axum::{Json, extract::State};
use contracts::limits::SUMMARY_WALLETS_MAX;
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    answer::{TransactionView, WalletView},
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    openapi::ReadProblems,
    path::OwnerPath,
    wallets::summary::{RecentFlows, parts},
};
use super::{limits, view::LimitsView};
use crate::store::{
    self,
    summary::{Total, Whose},
};

/// An account and what is in its wallets.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountSummary {
    /// Whose wallets these are.
    #[schema(example = "cust-1")]
    pub owner: String,
    /// The last position of the ledger's log that everything here knows of.
    pub as_of_seq: u64,
    /// How many wallets there are.
    pub wallets_total: u64,
    /// The oldest of them, 200 at most.
    pub wallets: Vec<WalletView>,
    /// The sums over all wallets, one entry per currency.
    pub totals: Vec<TotalView>,
    /// Its levels, what it may spend, and what it has spent of that, at `limits.as_of`.
    pub limits: LimitsView,
    /// What came in and went out.
    pub last_30_days: RecentFlows,
    /// The newest transactions, newest first, ten at most.
    pub newest: Vec<TransactionView>,
}

/// What all wallets hold of one currency. Amounts are strings at exactly the currency's scale.
#[derive(Debug, Serialize, ToSchema)]
pub struct TotalView {
    /// ISO 4217, or `BTC`, `ETH`, `USDT`.
    #[schema(example = "EUR")]
    pub currency: String,
    /// The sum of everything posted.
    #[schema(example = "75.00")]
    pub posted: String,
    /// The part of it that is reserved.
    #[schema(example = "0.00")]
    pub held: String,
    /// What may be spent: `posted` less `held`.
    #[schema(example = "75.00")]
    pub available: String,
}

impl From<Total> for TotalView {
    fn from(total: Total) -> Self {
        Self {
            currency: total.currency.code().to_owned(),
            posted: total.posted,
            held: total.held,
            available: total.available,
        }
    }
}

/// All wallets of an owner: balances, limits and how much of them is used, what moved in the last
/// 30 days, and the newest transactions.
///
/// For the owner and for staff. Everything is of one moment, but the limits: they are read after
/// it, and may know of a transaction more. An owner without a wallet is not there.
#[utoipa::path(
    get,
    path = "/v1/accounts/{owner}/summary",
    tag = "accounts",
    operation_id = "account_summary",
    params(("owner" = String, Path, description = "Whose wallets, percent-encoded.")),
    responses((status = 200, description = "The summary.", body = AccountSummary), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    OwnerPath(owner): OwnerPath,
) -> Result<Json<AccountSummary>, ApiError> {
    if !principal.sees(&owner) {
        return Err(ErrorCode::NotFound.into());
    }
    let whose = Whose::Owner(&owner);
    let snapshot = store::summary::snapshot(api.pool(), whose, SUMMARY_WALLETS_MAX)
        .await?
        .ok_or(ErrorCode::NotFound)?;
    let (last_30_days, newest) = parts(&api, &principal, whose, snapshot.as_of).await?;
    let limits = limits::of(&api, &principal, &owner).await?;
    Ok(Json(AccountSummary {
        as_of_seq: snapshot.as_of,
        wallets_total: snapshot.number,
        wallets: snapshot
            .wallets
            .into_iter()
            .map(|(wallet, balances)| WalletView::stored(wallet, &balances))
            .collect(),
        totals: snapshot.totals.into_iter().map(TotalView::from).collect(),
        limits,
        last_30_days,
        newest,
        owner,
    }))
}
