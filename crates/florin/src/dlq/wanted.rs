//! Which dead letters a command means.

use contracts::WalletId;
use contracts::limits::PAGE_ITEMS_MAX;

use super::final_error;
use crate::api_client::{ApiClient, DeadLetterPage};

/// Filters: what is not said does not matter.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Wanted {
    /// Only those of this worker: analytics, fraud or settlement.
    #[arg(long)]
    pub(super) worker: Option<String>,

    /// Only those that were given up for this reason, such as constraint.
    #[arg(long)]
    pub(super) code: Option<String>,

    /// Only those about events of this type, such as transfer.posted; or unknown.
    #[arg(long = "type", value_name = "TYPE")]
    pub(super) event_type: Option<String>,

    /// Only those about this wallet.
    #[arg(long)]
    pub(super) wallet: Option<WalletId>,

    /// Only those given up longer ago than this (90s, 30m, 1h, 7d), or before this time.
    #[arg(long, value_name = "AGE")]
    pub(super) older_than: Option<String>,

    /// Only those given up within this time, or at this time or later.
    #[arg(long, value_name = "AGE")]
    pub(super) newer_than: Option<String>,
}

impl Wanted {
    /// Whether it lets everything through.
    pub(super) fn is_empty(&self) -> bool {
        self.query().is_empty()
    }

    /// As the API takes it.
    pub(super) fn query(&self) -> Vec<(&'static str, String)> {
        let wallet = self.wallet.map(|wallet| wallet.to_string());
        let all = [
            ("worker", self.worker.clone()),
            ("reason", self.code.clone()),
            ("type", self.event_type.clone()),
            ("wallet", wallet),
            ("older_than", self.older_than.clone()),
            ("newer_than", self.newer_than.clone()),
        ];
        let given = all.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value?)))
            .collect()
    }
}

/// A page of up to `limit` dead letters.
pub(super) async fn page(
    client: &ApiClient,
    query: &[(&'static str, String)],
    cursor: Option<&str>,
    limit: u64,
) -> anyhow::Result<DeadLetterPage> {
    let limit = limit.clamp(1, PAGE_ITEMS_MAX.into()).to_string();
    let mut query: Vec<(&str, &str)> = query
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    query.push(("limit", &limit));
    query.extend(cursor.map(|cursor| ("cursor", cursor)));
    client.dead_letters(&query).await.map_err(final_error)
}
