//! Transactions, whoever they are of: one file per endpoint.

pub mod get;
pub mod list;
pub mod reverse;

use std::collections::HashMap;

use contracts::{Kind, Posted, WalletId};

use super::{answer::TransactionView, api::Api, error::ApiError, links, moment};
use crate::{auth::Principal, domain::Sight, store};

/// The owners of all wallets that took part.
pub async fn owners(
    api: &Api,
    transactions: &[Posted],
) -> Result<HashMap<WalletId, String>, ApiError> {
    let mut wallets: Vec<WalletId> = transactions
        .iter()
        .flat_map(|posted| &posted.legs)
        .filter_map(|leg| leg.wallet)
        .collect();
    wallets.sort_unstable();
    wallets.dedup();
    Ok(store::wallets::owners(api.pool(), &wallets).await?)
}

/// Which balances of theirs `principal` is shown.
pub fn sight(principal: &Principal, owners: &HashMap<WalletId, String>) -> Sight {
    principal.sight(
        owners
            .iter()
            .map(|(wallet, owner)| (*wallet, owner.as_str())),
    )
}

/// Transactions as `principal` may see them.
pub async fn views(
    api: &Api,
    principal: &Principal,
    transactions: &[Posted],
) -> Result<Vec<TransactionView>, ApiError> {
    let owners = owners(api, transactions).await?;
    let sight = sight(principal, &owners);
    let corrections = links::corrections(api.pool(), transactions).await?;
    Ok(transactions
        .iter()
        .map(|posted| TransactionView::of(posted, &sight).corrected(posted, &corrections))
        .collect())
}

/// `kind` of a query.
pub fn kind(value: Option<&str>) -> Result<Option<Kind>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let known = Kind::ALL.iter().find(|kind| kind.as_str() == value);
    known
        .map(|kind| Some(*kind))
        .ok_or_else(|| moment::refused("kind", "there is no such kind of transaction"))
}

/// A wallet in a query.
pub fn wallet(field: &'static str, value: Option<&str>) -> Result<Option<WalletId>, ApiError> {
    value
        .map(str::parse)
        .transpose()
        .map_err(|_| moment::refused(field, "a wallet is written as wal_ and 32 digits"))
}
