//! Sends rows to the ledger, each wallet's in file order, a bounded number at a time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Instant;

use anyhow::{Context as _, bail};
use contracts::event::WalletKind;
use contracts::{Kind, WalletId, limits::IDEMPOTENCY_KEY_CHARS_MAX};
use futures_util::stream::{self, FuturesUnordered, StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};

use super::chains::Chains;
use super::refunds::Payments;
use super::report::Report;
use super::row::Row;
use super::send::Sending;
use crate::api_client::{ApiClient, ApiError, CreditLimit, NewWallet};
use crate::exit::Failure;

/// Requests in flight: enough that the ledger's batches fill, and far below its queue.
const IN_FLIGHT_MAX: usize = 64;

/// A wallet that rows name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its reference, and the owner it gets.
    pub reference: String,
    /// A merchant if it is ever paid.
    pub kind: WalletKind,
}

/// The wallets of a file, and each row's: the one it is about and, when money goes there, the
/// other one.
#[derive(Debug, Default)]
pub struct Cast {
    /// In order of their first row.
    pub wallets: Vec<Named>,
    /// By row.
    pub rows: Vec<(usize, Option<usize>)>,
}

impl Cast {
    /// Looks through all rows: a wallet that pays first and is paid later is a merchant's.
    pub fn of(rows: &[Row]) -> Self {
        let mut cast = Self::default();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for row in rows {
            let mut find = |reference, kind| {
                let index = *known.entry(reference).or_insert_with(|| {
                    cast.wallets.push(Named {
                        reference: str::to_owned(reference),
                        kind,
                    });
                    cast.wallets.len() - 1
                });
                if kind == WalletKind::Merchant {
                    cast.wallets[index].kind = kind;
                }
                index
            };
            let wallet = find(row.wallet.as_str(), WalletKind::Customer);
            let counterparty = match (row.kind, &row.counterparty) {
                (Kind::Payment | Kind::Refund, Some(name)) => {
                    Some(find(name, WalletKind::Merchant))
                }
                (Kind::Transfer, Some(name)) => Some(find(name, WalletKind::Customer)),
                _ => None,
            };
            cast.rows.push((wallet, counterparty));
        }
        cast
    }
}

/// As [`feed_with_credit`], of wallets that may not go below zero.
///
/// # Errors
/// When the ledger stays out of reach, or answers what is no decision about a row.
pub async fn feed(
    client: &ApiClient,
    rows: &[Row],
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    feed_with_credit(client, rows, None, progress).await
}

/// Finds or opens the wallets and sends all rows. The same call after an interruption goes on
/// where it was.
///
/// # Errors
/// When the ledger stays out of reach, or answers what is no decision about a row.
pub async fn feed_with_credit(
    client: &ApiClient,
    rows: &[Row],
    credit_limit: Option<&str>,
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let cast = Cast::of(rows);
    let wallets: Vec<WalletId> = stream::iter(&cast.wallets)
        .map(|named| find_or_open(client, named))
        .buffered(IN_FLIGHT_MAX)
        .try_collect()
        .await?;
    if let Some(limit) = credit_limit {
        give_credit(client, &cast, rows, &wallets, limit).await?;
    }
    let mut payments = Payments::default();
    let mut chains = Chains::of(cast.rows.iter().copied());
    let mut report = Report {
        rows: rows.len(),
        ..Report::default()
    };
    let mut in_flight = FuturesUnordered::new();
    loop {
        while in_flight.len() < IN_FLIGHT_MAX
            && let Some(index) = chains.take()
        {
            let (wallet, counterparty) = cast.rows[index];
            let (row, wallet) = (&rows[index], wallets[wallet]);
            let counterparty = counterparty.map(|index| wallets[index]);
            // Earlier rows of these wallets are done: their payments are known.
            let parts = match (row.kind, counterparty) {
                (Kind::Refund, Some(merchant)) => payments.take(wallet, merchant, row.amount),
                _ => None,
            };
            let sending = Sending {
                row,
                wallet,
                counterparty,
                parts,
            };
            in_flight.push(async move { (index, sending.send(client).await) });
        }
        let Some((index, outcome)) = in_flight.next().await else {
            break;
        };
        let row = &rows[index];
        let (outcome, transaction) =
            outcome.with_context(|| format!("row {}, reference {}", row.number, row.reference))?;
        let (wallet, counterparty) = cast.rows[index];
        if let (Kind::Payment, Some(merchant), Some(payment)) =
            (row.kind, counterparty, transaction)
        {
            payments.paid(wallets[wallet], wallets[merchant], payment, row.amount);
        }
        report.add(row, outcome);
        chains.done(index);
        progress.inc(1);
    }
    report.sort();
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

/// Gives every wallet a credit line in every currency that it moves.
async fn give_credit(
    client: &ApiClient,
    cast: &Cast,
    rows: &[Row],
    wallets: &[WalletId],
    limit: &str,
) -> anyhow::Result<()> {
    let mut lines = BTreeSet::new();
    for (row, (wallet, counterparty)) in rows.iter().zip(&cast.rows) {
        for wallet in std::iter::once(*wallet).chain(*counterparty) {
            lines.insert((wallet, row.amount.currency()));
        }
    }
    let given = stream::iter(lines).map(async |(wallet, currency)| {
        let line = CreditLimit {
            amount: limit.to_owned(),
            currency: currency.code().to_owned(),
            reason: "history goes below zero".to_owned(),
        };
        let name = format!("{}:{currency}:{limit}", cast.wallets[wallet].reference);
        let key = key("replay:credit:", &name);
        client.set_credit_limit(&key, wallets[wallet], &line).await
    });
    let given: Result<(), ApiError> = given.buffered(IN_FLIGHT_MAX).try_collect().await;
    given.map_err(final_error)
}

async fn find_or_open(client: &ApiClient, named: &Named) -> anyhow::Result<WalletId> {
    let Named { reference, kind } = named;
    let found = client
        .wallets_by_reference(reference)
        .await
        .map_err(final_error)?;
    match found.items.as_slice() {
        [wallet] => Ok(wallet.id),
        [] => {
            let wallet = NewWallet {
                owner: reference.clone(),
                kind: *kind,
                reference: Some(reference.clone()),
                metadata: BTreeMap::new(),
            };
            let opened = client
                .open_wallet(&key("replay:wallet:", reference), &wallet)
                .await;
            Ok(opened.map_err(final_error)?.body.id)
        }
        several => bail!(
            "{} wallets have the reference \"{reference}\"",
            several.len()
        ),
    }
}

pub(super) fn final_error(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::OutOfReach { .. } => Failure::out_of_reach(error.to_string()).into(),
        ApiError::Refused { .. } | ApiError::Malformed(_) => error.into(),
    }
}

/// An idempotency key: `prefix` and `name`. A key has visible ASCII characters only and is
/// bounded; a name that is not such goes by its hash.
pub(super) fn key(prefix: &str, name: &str) -> String {
    let plain = format!("{prefix}{name}");
    let visible = plain.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && plain.len() <= IDEMPOTENCY_KEY_CHARS_MAX {
        return plain;
    }
    format!(
        "{prefix}sha256:{}",
        hex::encode(Sha256::digest(name.as_bytes()))
    )
}

#[cfg(test)]
mod tests {
    use WalletKind::{Customer, Merchant};

    use super::super::row::parse;
    use super::*;

    #[test]
    fn a_wallet_that_is_ever_paid_is_a_merchants() {
        let file = "at,kind,wallet,counterparty,amount,currency,reference\n\
                    2020-01-01T00:00:00Z,deposit,shop,the bank,1,EUR,1\n\
                    2020-01-01T00:00:00Z,transfer,ann,bob,1,EUR,2\n\
                    2020-01-01T00:00:00Z,payment,bob,shop,1,EUR,3\n";
        let cast = Cast::of(&parse(file.as_bytes()).expect("good"));
        let wallets: Vec<(&str, WalletKind)> = cast
            .wallets
            .iter()
            .map(|named| (named.reference.as_str(), named.kind))
            .collect();
        assert_eq!(
            wallets,
            [("shop", Merchant), ("ann", Customer), ("bob", Customer)]
        );
        assert_eq!(cast.rows, [(0, None), (1, Some(2)), (2, Some(0))]);
    }

    #[test]
    fn a_key_is_the_reference_where_it_can_be() {
        assert_eq!(key("replay:", "user#186"), "replay:user#186");
        for odd in ["two words", "주문", &"x".repeat(250)] {
            let key = key("replay:", odd);
            assert!(
                key.starts_with("replay:sha256:") && key.len() == 14 + 64,
                "{key}"
            );
        }
        assert_ne!(key("replay:", "a b"), key("replay:", "a  b"));
    }
}
