//! The simulation's own books against the ledger's balances and the worker's statistics.

use std::time::Duration;

use contracts::WalletId;
use contracts::rpc::WalletStats;
use futures_util::StreamExt as _;
use rust_decimal::Decimal;
use service_runtime::retry::Policy;

use super::day::{Players, WALLETS_AT_A_TIME};
use super::oracle::Books;
use crate::api_client::ApiError;
use crate::exit::Failure;

/// A worker reads ten thousand events in seconds; one that is far behind is a finding of its own.
const CATCH_UP: Policy = Policy {
    first: Duration::from_millis(20),
    longest: Duration::from_millis(250),
    give_up_after: Some(Duration::from_mins(2)),
};

/// What every wallet holds in the ledger and not in our books, or the other way round.
///
/// # Errors
/// When the ledger is out of reach.
pub async fn balances(players: &Players, books: &Books) -> anyhow::Result<Vec<String>> {
    let checks = futures_util::stream::iter(0..players.wallets.len()).map(|person| async move {
        let wallet = players.cashier.wallet(players.wallets[person]).await?;
        let mut ours = books.balances(person);
        let mut differences = Vec::new();
        let name = &players.market.people[person].name;
        for theirs in &wallet.balances {
            let known = ours
                .iter()
                .position(|money| money.currency() == theirs.currency);
            let expected = known.map_or(Decimal::ZERO, |known| ours.swap_remove(known).amount());
            if theirs.posted != expected {
                let (posted, currency) = (theirs.posted, theirs.currency);
                differences.push(format!(
                    "{name} ({}) holds {posted} {currency}, and must hold {expected}",
                    wallet.id
                ));
            }
        }
        for missing in ours {
            differences.push(format!("{name} ({}) lacks {missing:?}", wallet.id));
        }
        Ok::<_, ApiError>(differences)
    });
    collect(checks.buffered(WALLETS_AT_A_TIME)).await
}

/// What every wallet's statistics say other than our books, once they cover `last_seq`.
///
/// # Errors
/// When the ledger or the worker is out of reach, or the worker does not catch up.
pub async fn statistics(
    players: &Players,
    books: &Books,
    last_seq: u64,
) -> anyhow::Result<Vec<String>> {
    let checks = futures_util::stream::iter(0..players.wallets.len()).map(|person| async move {
        let stats = caught_up(players, players.wallets[person], last_seq).await?;
        let expected = books.stats(person);
        if stats.balances == expected {
            return Ok::<_, anyhow::Error>(Vec::new());
        }
        let name = &players.market.people[person].name;
        let (wallet, found) = (stats.wallet, stats.balances);
        Ok(vec![format!(
            "the statistics of {name} ({wallet}) are {found:?}, and must be {expected:?}"
        )])
    });
    collect(checks.buffered(WALLETS_AT_A_TIME)).await
}

/// Waits until the statistics cover `seq`.
///
/// # Errors
/// When the ledger or the worker is out of reach, or the worker does not catch up.
pub async fn wait(players: &Players, seq: u64) -> anyhow::Result<()> {
    match players.wallets.first() {
        Some(wallet) => caught_up(players, *wallet, seq).await.map(|_| ()),
        None => Ok(()),
    }
}

async fn caught_up(players: &Players, wallet: WalletId, seq: u64) -> anyhow::Result<WalletStats> {
    let mut delays = CATCH_UP.delays();
    loop {
        let stats = players.cashier.stats(wallet).await?;
        if stats.as_of_seq >= seq {
            return Ok(stats);
        }
        if !delays.wait().await {
            let words = format!(
                "the statistics do not catch up: they are at {} of {seq}; is the analytics worker well?",
                stats.as_of_seq
            );
            return Err(Failure::out_of_reach(words).into());
        }
    }
}

async fn collect<E: Into<anyhow::Error>>(
    mut checks: impl futures_util::Stream<Item = Result<Vec<String>, E>> + Unpin,
) -> anyhow::Result<Vec<String>> {
    let mut all = Vec::new();
    while let Some(found) = checks.next().await {
        all.extend(found.map_err(Into::into)?);
    }
    Ok(all)
}
