//! Balances: the one door to their locks, and the one statement that moves them.

use contracts::{Account, Currency, Money, WalletId};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{StoreError, error::money};
use crate::domain::{Balance, BalanceKey, Restrictions};

/// Inserts the rows of balances that have none yet; those of wallets that do not exist stay
/// missing. `keys` must be sorted: two transactions that add the same rows wait for each other in
/// one order.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn insert_missing_in_tx(
    tx: &mut PgConnection,
    keys: &[BalanceKey],
) -> Result<(), StoreError> {
    let (wallets, accounts, currencies) = columns(keys);
    // System accounts have no floor: money outside the wallets is what they stand for. The wallet
    // is locked while its restrictions are copied: whoever changes them locks it too, and then
    // finds the new row.
    sqlx::query!(
        "INSERT INTO ledger.balances (wallet_id, account, currency, credit_limit, restrictions)
         SELECT missing.wallet_id, account, currency,
                CASE WHEN account = 'main' THEN 0 END, w.restrictions
         FROM unnest($1::uuid[], $2::text[], $3::text[])
              WITH ORDINALITY AS missing(wallet_id, account, currency, position)
         CROSS JOIN LATERAL (
             SELECT restrictions FROM ledger.wallets own
             WHERE own.id = missing.wallet_id LIMIT 1 FOR SHARE) w
         ORDER BY position
         ON CONFLICT (wallet_id, account, currency) DO NOTHING",
        &wallets,
        &accounts,
        &currencies,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks balances for the rest of the transaction, in the order of their keys, and reads them.
/// The only way to lock a balance.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    keys: &[BalanceKey],
) -> Result<Vec<(BalanceKey, Balance)>, StoreError> {
    let (wallets, accounts, currencies) = columns(keys);
    // LATERAL with LIMIT makes each look a probe of the primary key, in the order of the arrays,
    // which is the order of the locks. A plain join may scan the table: a plan that was made
    // while it was small does so for ever.
    let rows = sqlx::query!(
        "SELECT b.wallet_id, b.account, b.currency, b.posted, b.held, b.credit_limit, b.version,
                b.restrictions
         FROM unnest($1::uuid[], $2::text[], $3::text[]) AS wanted(wallet_id, account, currency)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.balances own
             WHERE own.wallet_id = wanted.wallet_id AND own.account = wanted.account
               AND own.currency = wanted.currency
             LIMIT 1 FOR UPDATE) b",
        &wallets,
        &accounts,
        &currencies,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let bad = |column| StoreError::inconsistent("balances", column, row.wallet_id);
            let key = key(row.wallet_id, &row.account, &row.currency)?;
            let exact = |amount, column| money(amount, key.currency, column, row.wallet_id);
            let balance = Balance {
                posted: exact(row.posted, "posted")?,
                held: exact(row.held, "held")?,
                credit_limit: row
                    .credit_limit
                    .map(|limit| exact(limit, "credit_limit"))
                    .transpose()?,
                version: u64::try_from(row.version).map_err(|_| bad("version"))?,
                restrictions: Restrictions::from_bits(row.restrictions),
            };
            Ok((key, balance))
        })
        .collect()
}

/// The keys of every balance of wallets that are locked against change, so that the list stays
/// true: a new balance locks its wallet.
///
/// # Errors
/// When the server refuses.
pub async fn keys_in_tx(
    tx: &mut PgConnection,
    wallets: &[WalletId],
) -> Result<Vec<BalanceKey>, StoreError> {
    let wallets: Vec<Uuid> = wallets.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT b.wallet_id, b.account, b.currency
         FROM unnest($1::uuid[]) AS wanted(wallet_id)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.balances own WHERE own.wallet_id = wanted.wallet_id) b",
        &wallets,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| key(row.wallet_id, &row.account, &row.currency))
        .collect()
}

/// Writes what was decided about locked balances. One statement for a whole batch; a batch of
/// one is the same statement. Every row is there, because it is locked: `ON CONFLICT` finds it by
/// its key, while the plan of an `UPDATE` with a join depends on the table's size.
///
/// # Errors
/// When the server refuses: then a rule of `decide` and a constraint disagree.
pub async fn write_in_tx(
    tx: &mut PgConnection,
    changes: &[(BalanceKey, Balance)],
) -> Result<(), StoreError> {
    let keys: Vec<BalanceKey> = changes.iter().map(|(key, _)| *key).collect();
    let (wallets, accounts, currencies) = columns(&keys);
    let balances = || changes.iter().map(|(_, balance)| balance);
    let posted: Vec<Decimal> = balances().map(|balance| balance.posted.amount()).collect();
    let held: Vec<Decimal> = balances().map(|balance| balance.held.amount()).collect();
    let restrictions: Vec<i16> = balances()
        .map(|balance| balance.restrictions.bits())
        .collect();
    let credit_limits: Vec<Option<Decimal>> = balances()
        .map(|balance| balance.credit_limit.map(Money::amount))
        .collect();
    let versions: Vec<i64> = balances()
        .map(|balance| i64::try_from(balance.version).unwrap_or(i64::MAX))
        .collect();
    // The floor is checked on the row to insert too, which must therefore have its credit limit.
    sqlx::query!(
        "INSERT INTO ledger.balances
                (wallet_id, account, currency, posted, held, credit_limit, version, restrictions)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::numeric[], $5::numeric[],
                              $6::numeric[], $7::bigint[], $8::smallint[])
         ON CONFLICT (wallet_id, account, currency) DO UPDATE
         SET posted = excluded.posted, held = excluded.held, version = excluded.version,
             credit_limit = excluded.credit_limit, restrictions = excluded.restrictions",
        &wallets,
        &accounts,
        &currencies,
        &posted,
        &held,
        &credit_limits as &[Option<Decimal>],
        &versions,
        &restrictions,
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn columns(keys: &[BalanceKey]) -> (Vec<Uuid>, Vec<String>, Vec<String>) {
    let mut wallets = Vec::with_capacity(keys.len());
    let mut accounts = Vec::with_capacity(keys.len());
    let mut currencies = Vec::with_capacity(keys.len());
    for key in keys {
        wallets.push(key.wallet.as_uuid());
        accounts.push(key.account.as_str().to_owned());
        currencies.push(key.currency.code().to_owned());
    }
    (wallets, accounts, currencies)
}

fn key(wallet: Uuid, account: &str, currency: &str) -> Result<BalanceKey, StoreError> {
    let bad = |column| StoreError::inconsistent("balances", column, wallet);
    let currency: Currency = currency.parse().map_err(|_| bad("currency"))?;
    Ok(BalanceKey {
        wallet: WalletId::from_uuid(wallet),
        account: parse_account(account).ok_or_else(|| bad("account"))?,
        currency,
    })
}

fn parse_account(text: &str) -> Option<Account> {
    Account::ALL
        .iter()
        .copied()
        .find(|account| account.as_str() == text)
}

/// What all balances of each currency sum to, the system's own included, as Postgres spells it:
/// the sum may have more digits than an amount.
///
/// # Errors
/// When the database fails.
pub async fn sums(connection: &mut PgConnection) -> Result<Vec<(String, String)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT currency, sum(posted)::text AS "sum!" FROM ledger.balances GROUP BY currency"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.currency, row.sum))
        .collect())
}
