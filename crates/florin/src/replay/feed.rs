//! Sends rows to the ledger, each wallet's in file order, a bounded number at a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Instant;

use anyhow::{Context as _, bail};
use contracts::event::WalletKind;
use contracts::{Kind, Money, WalletId, limits::IDEMPOTENCY_KEY_CHARS_MAX};
use futures_util::stream::{self, FuturesUnordered, StreamExt as _, TryStreamExt as _};
use indicatif::ProgressBar;
use sha2::{Digest as _, Sha256};

use super::chains::Chains;
use super::report::{Outcome, Report};
use super::row::Row;
use crate::api_client::{ApiClient, ApiError, Movement, NewPayment, NewWallet, Transaction};
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
                (Kind::Payment, Some(name)) => Some(find(name, WalletKind::Merchant)),
                (Kind::Transfer, Some(name)) => Some(find(name, WalletKind::Customer)),
                _ => None,
            };
            cast.rows.push((wallet, counterparty));
        }
        cast
    }
}

/// Finds or opens the wallets and sends all rows. The same call after an interruption goes on
/// where it was.
///
/// # Errors
/// When the ledger stays out of reach, or answers what is no decision about a row.
pub async fn feed(
    client: &ApiClient,
    rows: &[Row],
    progress: &ProgressBar,
) -> anyhow::Result<Report> {
    let started = Instant::now();
    let cast = Cast::of(rows);
    let wallets: Vec<WalletId> = stream::iter(&cast.wallets)
        .map(|named| find_or_open(client, named))
        .buffered(IN_FLIGHT_MAX)
        .try_collect()
        .await?;
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
            in_flight.push(async move { (index, send(client, row, wallet, counterparty).await) });
        }
        let Some((index, outcome)) = in_flight.next().await else {
            break;
        };
        let row = &rows[index];
        let outcome =
            outcome.with_context(|| format!("row {}, reference {}", row.number, row.reference))?;
        report.add(row, outcome);
        chains.done(index);
        progress.inc(1);
    }
    report.sort();
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
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

async fn send(
    client: &ApiClient,
    row: &Row,
    wallet: WalletId,
    counterparty: Option<WalletId>,
) -> anyhow::Result<Outcome> {
    let key = key("replay:", &row.reference);
    let movement = Movement {
        to_wallet: counterparty,
        reference: Some(row.reference.clone()),
        effective_at: Some(row.at),
        metadata: note(row, counterparty),
        ..Movement::of(row.amount, row.amount.currency())
    };
    let written = match (row.kind, counterparty) {
        (Kind::Deposit, _) => client.deposit(&key, wallet, &movement).await,
        (Kind::Withdrawal, _) => client.withdraw(&key, wallet, &movement).await,
        (Kind::Payment, Some(merchant)) => {
            client.pay(&key, &payment(movement, wallet, merchant)).await
        }
        _ => client.transfer(&key, wallet, &movement).await,
    };
    match written {
        Ok(written) if written.replayed => Ok(Outcome::Replayed),
        Ok(written) => Ok(Outcome::Applied(balance_after(&written.body, wallet)?)),
        Err(ApiError::Refused { replayed: true, .. }) => Ok(Outcome::Replayed),
        Err(ApiError::Refused { status, code, .. }) if is_about_the_row(status, &code) => {
            Ok(Outcome::Refused(code))
        }
        Err(error) => Err(final_error(error)),
    }
}

fn payment(movement: Movement, wallet: WalletId, merchant: WalletId) -> NewPayment {
    let Movement {
        amount,
        currency,
        description,
        reference,
        effective_at,
        metadata,
        ..
    } = movement;
    NewPayment {
        wallet,
        merchant,
        amount,
        currency,
        order_reference: reference.clone().unwrap_or_default(),
        description,
        reference,
        effective_at,
        metadata,
    }
}

/// Where a deposit came from or a withdrawal went is not a wallet of ours, and not lost either.
fn note(row: &Row, counterparty: Option<WalletId>) -> BTreeMap<String, String> {
    match (&row.counterparty, counterparty) {
        (Some(name), None) => BTreeMap::from([("counterparty".to_owned(), name.clone())]),
        _ => BTreeMap::new(),
    }
}

/// A decision, or a value that the ledger does not take; all other refusals are about us.
fn is_about_the_row(status: u16, code: &str) -> bool {
    matches!(status, 403 | 404 | 409 | 422) && code != "forbidden"
}

fn balance_after(transaction: &Transaction, wallet: WalletId) -> anyhow::Result<Option<Money>> {
    let Some(leg) = transaction.leg(wallet) else {
        return Ok(None);
    };
    let balance = leg
        .balance_after
        .map(|balance| Money::exact(balance, leg.currency));
    balance
        .transpose()
        .context("the ledger's balance is not exact")
}

fn final_error(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::OutOfReach { .. } => Failure::out_of_reach(error.to_string()).into(),
        ApiError::Refused { .. } | ApiError::Malformed(_) => error.into(),
    }
}

/// An idempotency key: `prefix` and `name`. A key has visible ASCII characters only and is
/// bounded; a name that is not such goes by its hash.
fn key(prefix: &str, name: &str) -> String {
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
