//! `GET /v1/wallets/{id}/summary`

use axum::{Json, extract::State};
use chrono::{DateTime, TimeDelta, Utc};
use contracts::limits::{SUMMARY_DAYS, SUMMARY_TRANSACTIONS_MAX};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    answer::{TransactionView, WalletView},
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    flow::FlowView,
    openapi::ReadProblems,
    path::WalletPath,
    transactions,
};
use crate::{
    auth::Principal,
    store::{self, summary::Whose},
};

/// A wallet at a glance.
#[derive(Debug, Serialize, ToSchema)]
pub struct WalletSummary {
    /// The wallet and its balances.
    pub wallet: WalletView,
    /// The last position of the ledger's log that everything here knows of.
    pub as_of_seq: u64,
    /// What came in and went out.
    pub last_30_days: RecentFlows,
    /// The newest transactions, newest first, ten at most.
    pub newest: Vec<TransactionView>,
}

/// What came in and went out in the last 30 days of 24 hours, by the time when movements count.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecentFlows {
    /// The first moment that is in them: 30 days before the ledger's clock.
    pub from: DateTime<Utc>,
    /// One entry per currency that moved.
    pub currencies: Vec<FlowView>,
}

/// A wallet: balances, what moved in the last 30 days, and the newest transactions.
///
/// Everything is of one moment.
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}/summary",
    tag = "wallets",
    operation_id = "wallet_summary",
    params(("id" = String, Path, description = "The wallet, `wal_…`.")),
    responses((status = 200, description = "The summary.", body = WalletSummary), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
) -> Result<Json<WalletSummary>, ApiError> {
    let whose = Whose::Wallet(id);
    let snapshot = store::summary::snapshot(api.pool(), whose, 1).await?;
    let as_of = snapshot.as_ref().map_or(0, |snapshot| snapshot.as_of);
    let (wallet, balances) = snapshot
        .and_then(|mut snapshot| snapshot.wallets.pop())
        .filter(|(wallet, _)| principal.sees(&wallet.owner))
        .ok_or(ErrorCode::NotFound)?;
    let (last_30_days, newest) = parts(&api, &principal, whose, as_of).await?;
    Ok(Json(WalletSummary {
        wallet: WalletView::stored(wallet, &balances),
        as_of_seq: as_of,
        last_30_days,
        newest,
    }))
}

/// What a summary has besides balances, as of position `as_of`.
pub async fn parts(
    api: &Api,
    principal: &Principal,
    whose: Whose<'_>,
    as_of: u64,
) -> Result<(RecentFlows, Vec<TransactionView>), ApiError> {
    let from = api.clock().now() - TimeDelta::days(SUMMARY_DAYS.into());
    let flows = store::summary::flows(api.pool(), whose, from, as_of).await?;
    let newest = store::summary::newest(api.pool(), whose, as_of, SUMMARY_TRANSACTIONS_MAX).await?;
    let recent = RecentFlows {
        from,
        currencies: flows.into_iter().map(FlowView::from).collect(),
    };
    Ok((recent, transactions::views(api, principal, &newest).await?))
}
