//! What the events' legs and the items sum up to. Totals are texts: they may exceed the 28
//! digits of a `Decimal`.

use contracts::{Currency, WalletId, topology::Worker};
use rust_decimal::Decimal;
use service_runtime::{inbox::SeqSet, worker::SOURCE};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{currency, foreign, total};
use crate::handlers::Sums;

/// The sums of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSum {
    /// `main`, `funding` or `revenue`.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// The legs.
    pub amount: String,
    /// The legs without their signs.
    pub turnover: String,
}

/// What a merchant was paid in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantSum {
    /// The merchant's wallet.
    pub merchant: WalletId,
    /// The currency.
    pub currency: Currency,
    /// The payments.
    pub amount: String,
}

/// Sums as columns.
#[derive(Default)]
struct Columns {
    accounts: Vec<String>,
    currencies: Vec<String>,
    amounts: Vec<Decimal>,
    turnovers: Vec<Decimal>,
}

impl Columns {
    fn of(sums: &Sums) -> Self {
        let mut columns = Self::default();
        for ((account, currency), parts) in sums.accounts() {
            for part in parts {
                columns.accounts.push(account.as_str().to_owned());
                columns.currencies.push(currency.code().to_owned());
                columns.amounts.push(part.amount);
                columns.turnovers.push(part.turnover);
            }
        }
        columns
    }
}

/// Adds a batch's sums in one statement, in order of the key.
///
/// # Errors
/// When the server refuses.
pub async fn add_in_tx(tx: &mut PgConnection, sums: &Sums) -> Result<(), sqlx::Error> {
    let columns = Columns::of(sums);
    if columns.accounts.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO settlement.sums AS s (account, currency, amount, turnover)
         SELECT account, currency, sum(amount), sum(turnover)
         FROM unnest($1::text[], $2::text[], $3::numeric[], $4::numeric[])
              AS part (account, currency, amount, turnover)
         GROUP BY account, currency ORDER BY account, currency
         ON CONFLICT (account, currency) DO UPDATE
         SET amount = s.amount + excluded.amount, turnover = s.turnover + excluded.turnover",
        &columns.accounts,
        &columns.currencies,
        &columns.amounts,
        &columns.turnovers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes the lock of the process that ties out, for as long as the connection lives; false when
/// another one has it.
///
/// # Errors
/// When the server cannot be asked.
pub async fn lead(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended('florin.settlement.tie_out', 0)) AS "leads!""#
    )
    .fetch_one(connection)
    .await
}

/// What the inbox has.
///
/// # Errors
/// When the server cannot be asked.
pub async fn done_in_tx(tx: &mut PgConnection) -> Result<SeqSet, sqlx::Error> {
    let done: Option<String> = sqlx::query_scalar!(
        r#"SELECT done::text AS "done!" FROM settlement.inbox WHERE consumer = $1"#,
        Worker::Settlement.as_str()
    )
    .fetch_optional(tx)
    .await?;
    done.map_or_else(|| Ok(SeqSet::new()), |done| done.parse().map_err(foreign))
}

/// Positions and data of events that the inbox has and that have no effect here: parked,
/// discarded, or tried again. At most `limit`, in order, after `after`.
///
/// # Errors
/// When the server cannot be asked.
pub async fn without_effect_in_tx(
    tx: &mut PgConnection,
    after: i64,
    limit: i64,
) -> Result<Vec<(i64, Vec<u8>)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT seq AS "seq!", data AS "data!" FROM (
             SELECT seq, data FROM settlement.dead_letters
             WHERE consumer = $1 AND source = $2 AND state <> 'replayed'
             UNION ALL
             SELECT seq, data FROM settlement.retrying WHERE consumer = $1 AND source = $2
           ) event WHERE seq > $3 ORDER BY seq LIMIT $4"#,
        Worker::Settlement.as_str(),
        SOURCE,
        after,
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.seq, row.data)).collect())
}

/// The sums over accounts, those of `beside` added, in order of the key.
///
/// # Errors
/// When the server cannot be asked.
pub async fn accounts_in_tx(
    tx: &mut PgConnection,
    beside: &Sums,
) -> Result<Vec<AccountSum>, sqlx::Error> {
    let columns = Columns::of(beside);
    let rows = sqlx::query!(
        r#"SELECT account AS "account!", currency AS "currency!",
                  sum(amount)::text AS "amount!", sum(turnover)::text AS "turnover!"
           FROM (SELECT account, currency, amount, turnover FROM settlement.sums
                 UNION ALL
                 SELECT * FROM unnest($1::text[], $2::text[], $3::numeric[], $4::numeric[])) part
           GROUP BY account, currency ORDER BY account, currency"#,
        &columns.accounts,
        &columns.currencies,
        &columns.amounts,
        &columns.turnovers,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(&row.currency)?;
            Ok(AccountSum {
                account: row.account,
                currency,
                amount: total(row.amount, currency),
                turnover: total(row.turnover, currency),
            })
        })
        .collect()
}

/// The sums over merchants' items, those of `beside` added, in order of the key.
///
/// # Errors
/// When the server cannot be asked.
pub async fn merchants_in_tx(
    tx: &mut PgConnection,
    beside: &Sums,
) -> Result<Vec<MerchantSum>, sqlx::Error> {
    let items = beside.items();
    let merchants: Vec<Uuid> = items.iter().map(|item| item.merchant.as_uuid()).collect();
    let currencies: Vec<String> = items
        .iter()
        .map(|item| item.amount.currency().code().to_owned())
        .collect();
    let amounts: Vec<Decimal> = items.iter().map(|item| item.amount.amount()).collect();
    let rows = sqlx::query!(
        r#"SELECT merchant_id AS "merchant_id!", currency AS "currency!",
                  sum(amount)::text AS "amount!"
           FROM (SELECT merchant_id, currency, amount FROM settlement.items
                 UNION ALL
                 SELECT * FROM unnest($1::uuid[], $2::text[], $3::numeric[])) part
           GROUP BY merchant_id, currency ORDER BY merchant_id, currency"#,
        &merchants,
        &currencies,
        &amounts,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let currency = currency(&row.currency)?;
            Ok(MerchantSum {
                merchant: WalletId::from_uuid(row.merchant_id),
                currency,
                amount: total(row.amount, currency),
            })
        })
        .collect()
}
