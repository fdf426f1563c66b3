//! `GET /v1/wallets/{id}/stats`

use axum::{Json, extract::State};
use chrono::{DateTime, Utc};
use contracts::{
    Currency, Money, WalletId,
    rpc::{CurrencyStats, Tally, WalletStats},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::{
    api::Api,
    authorised::Authorised,
    error::{ApiError, ErrorCode},
    openapi::ReadProblems,
    path::WalletPath,
};

/// A wallet's statistics, as the analytics worker has counted them.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsView {
    /// The wallet, `wal_…`.
    #[schema(value_type = String)]
    wallet: WalletId,
    /// Everything up to this position of the log is counted.
    as_of_seq: u64,
    /// When the first transaction counts; null before there is one.
    first_seen_at: Option<DateTime<Utc>>,
    /// When the latest transaction counts.
    last_activity_at: Option<DateTime<Utc>>,
    /// One entry per currency that moved, in order of the code.
    balances: Vec<CurrencyStatsView>,
}

/// What moved in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyStatsView {
    /// The currency.
    #[schema(example = "EUR")]
    currency: String,
    /// Deposits.
    deposited: TallyView,
    /// Withdrawals.
    withdrawn: TallyView,
    /// Payments made.
    paid: TallyView,
    /// Payments received.
    received: TallyView,
    /// Transfers received.
    transferred_in: TallyView,
    /// Transfers made.
    transferred_out: TallyView,
}

/// How often and how much.
#[derive(Debug, Serialize, ToSchema)]
pub struct TallyView {
    /// Transactions.
    count: u64,
    /// Their sum, at the currency's scale.
    #[schema(example = "75.00")]
    amount: String,
}

impl StatsView {
    fn of(stats: &WalletStats) -> Self {
        Self {
            wallet: stats.wallet,
            as_of_seq: stats.as_of_seq,
            first_seen_at: stats.first_seen_at,
            last_activity_at: stats.last_activity_at,
            balances: stats.balances.iter().map(CurrencyStatsView::of).collect(),
        }
    }
}

impl CurrencyStatsView {
    fn of(stats: &CurrencyStats) -> Self {
        let tally = |tally: &Tally| TallyView::of(tally, stats.currency);
        Self {
            currency: stats.currency.code().to_owned(),
            deposited: tally(&stats.deposited),
            withdrawn: tally(&stats.withdrawn),
            paid: tally(&stats.paid),
            received: tally(&stats.received),
            transferred_in: tally(&stats.transferred_in),
            transferred_out: tally(&stats.transferred_out),
        }
    }
}

impl TallyView {
    fn of(tally: &Tally, currency: Currency) -> Self {
        // A worker that summed beyond what is exact at this scale still gets its digits shown.
        let amount = Money::exact(tally.amount, currency)
            .map_or_else(|_| tally.amount.to_string(), |money| money.to_string());
        Self {
            count: tally.count,
            amount,
        }
    }
}

/// How often and how much moved in and out of a wallet.
///
/// The analytics worker counts; it may be a moment behind the ledger, and `as_of_seq` says how
/// far it is. When it does not answer, only this route is unavailable (503).
#[utoipa::path(
    get,
    path = "/v1/wallets/{id}/stats",
    tag = "wallets",
    operation_id = "wallet_stats",
    params(("id" = String, Path, description = "The wallet, `wal_…`.")),
    responses((status = 200, description = "The statistics.", body = StatsView), ReadProblems),
)]
pub async fn handler(
    State(api): State<Api>,
    Authorised(principal): Authorised,
    WalletPath(id): WalletPath,
) -> Result<Json<StatsView>, ApiError> {
    api.own(id, &principal).await?;
    // Why it did not answer is logged there; to the caller all reasons are the same.
    let stats = api
        .workers()
        .stats(id)
        .await
        .ok_or(ErrorCode::WorkerUnavailable)?;
    Ok(Json(StatsView::of(&stats)))
}
