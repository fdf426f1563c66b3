//! What accounts with limits used.

use chrono::{DateTime, NaiveDate, Utc};
use contracts::{Currency, Money};
use rust_decimal::Decimal;
use sqlx::{PgConnection, PgPool};

use super::StoreError;
use crate::domain::{Usage, UsageKey, limit};

/// Inserts the rows of usages that have none yet, with nothing used. `keys` must be sorted: two
/// transactions that add the same rows wait for each other in one order.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn insert_missing_in_tx(
    tx: &mut PgConnection,
    keys: &[UsageKey],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let (owners, currencies) = columns(keys.iter());
    let today = now.date_naive();
    sqlx::query!(
        "INSERT INTO ledger.usages (owner, currency, day, day_used, month, month_used)
         SELECT missing.owner, missing.currency, $3, 0, $4, 0
         FROM unnest($1::text[], $2::text[])
              WITH ORDINALITY AS missing(owner, currency, position)
         ORDER BY position
         ON CONFLICT (owner, currency) DO NOTHING",
        &owners,
        &currencies,
        today,
        limit::first_of_month(today),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks usages for the rest of the transaction, in the order of their keys, and reads them.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_in_tx(
    tx: &mut PgConnection,
    keys: &[UsageKey],
) -> Result<Vec<(UsageKey, Usage)>, StoreError> {
    let (owners, currencies) = columns(keys.iter());
    let rows = sqlx::query_as!(
        UsageRow,
        "SELECT u.owner, u.currency, u.day, u.day_used, u.month, u.month_used
         FROM unnest($1::text[], $2::text[]) AS wanted(owner, currency)
         CROSS JOIN LATERAL (
             SELECT * FROM ledger.usages own
             WHERE own.owner = wanted.owner AND own.currency = wanted.currency
             LIMIT 1 FOR UPDATE) u",
        &owners,
        &currencies,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter().map(UsageRow::read).collect()
}

/// Writes what was decided about locked usages.
///
/// # Errors
/// When the server refuses.
pub async fn write_in_tx(
    tx: &mut PgConnection,
    changes: &[(&UsageKey, Usage)],
) -> Result<(), StoreError> {
    let (owners, currencies) = columns(changes.iter().map(|(key, _)| *key));
    let usages = || changes.iter().map(|(_, usage)| usage);
    let days: Vec<NaiveDate> = usages().map(|usage| usage.day).collect();
    let day_used: Vec<Decimal> = usages().map(|usage| usage.day_used.amount()).collect();
    let months: Vec<NaiveDate> = usages().map(|usage| usage.month).collect();
    let month_used: Vec<Decimal> = usages().map(|usage| usage.month_used.amount()).collect();
    sqlx::query!(
        "INSERT INTO ledger.usages (owner, currency, day, day_used, month, month_used)
         SELECT * FROM unnest($1::text[], $2::text[], $3::date[], $4::numeric[], $5::date[],
                              $6::numeric[])
         ON CONFLICT (owner, currency) DO UPDATE
         SET day = excluded.day, day_used = excluded.day_used, month = excluded.month,
             month_used = excluded.month_used",
        &owners,
        &currencies,
        &days,
        &day_used,
        &months,
        &month_used,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// What an account used on the day and in the month of `now`, from the books themselves: for its
/// first level, before which nobody counts. The caller has locked every balance of it, so no more
/// comes meanwhile.
///
/// Reads the history of the account's wallets back to the first of the month. A hold counts with
/// what was set aside and not released, when it was placed; its captures count no more.
///
/// # Errors
/// When the server refuses, or a sum does not fit the digits of a decimal.
pub async fn recount_in_tx(
    tx: &mut PgConnection,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<Vec<(UsageKey, Usage)>, StoreError> {
    let today = now.date_naive();
    let month = limit::first_of_month(today);
    // A fee is a debit of its own on the same balance, and counts for nothing: only the event
    // tells it from the transaction's amount. The position of the month's beginning keeps years of
    // postings out: this runs while every wallet of the account is locked.
    let rows = sqlx::query!(
        r#"SELECT spent.currency AS "currency!",
                  coalesce(sum(spent.amount) FILTER (WHERE spent.posted_at >= $2), 0)
                      AS "day_used!",
                  sum(spent.amount) AS "month_used!"
           FROM (SELECT p.currency, -p.amount AS amount, e.posted_at,
                        leg.value ->> 'purpose' AS purpose
                 FROM ledger.wallets w
                 JOIN ledger.postings p ON p.wallet_id = w.id
                 JOIN ledger.events e ON e.seq = p.seq
                 CROSS JOIN LATERAL jsonb_array_elements(e.data::jsonb -> 'legs') AS leg
                 WHERE w.owner = $1 AND w.kind <> 'system'
                   AND p.seq > (SELECT ledger.seq_before($3))
                   AND p.account = 'main' AND p.amount < 0 AND e.posted_at >= $3
                   AND p.kind IN ('withdrawal', 'transfer', 'payment')
                   AND leg.value ->> 'wallet' = 'wal_' || replace(w.id::text, '-', '')
                   AND (leg.value ->> 'version')::bigint = p.version
                   AND leg.value ->> 'currency' = p.currency
                   AND e.data::jsonb -> 'hold' IS NULL
                 UNION ALL
                 SELECT h.currency, CASE h.state WHEN 'open' THEN h.amount ELSE h.captured END,
                        h.placed_at, NULL
                 FROM ledger.wallets w
                 JOIN ledger.holds h ON h.wallet_id = w.id
                 WHERE w.owner = $1 AND w.kind <> 'system' AND h.placed_at >= $3) spent
           WHERE spent.purpose IS NULL
           GROUP BY spent.currency"#,
        owner,
        today.and_time(chrono::NaiveTime::MIN).and_utc(),
        month.and_time(chrono::NaiveTime::MIN).and_utc(),
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            UsageRow {
                owner: owner.to_owned(),
                currency: row.currency,
                day: today,
                day_used: row.day_used,
                month,
                month_used: row.month_used,
            }
            .read()
        })
        .collect()
}

/// What an account used, and the currencies that it has balances in: as of one moment.
///
/// # Errors
/// When the server cannot be asked.
pub async fn of_owner(
    pool: &PgPool,
    owner: &str,
    now: DateTime<Utc>,
) -> Result<Vec<Usage>, StoreError> {
    let today = now.date_naive();
    let rows = sqlx::query_as!(
        UsageRow,
        r#"SELECT $1::text AS "owner!", currency AS "currency!",
                  coalesce(u.day, $2) AS "day!", coalesce(u.day_used, 0) AS "day_used!",
                  coalesce(u.month, $3) AS "month!", coalesce(u.month_used, 0) AS "month_used!"
           FROM (SELECT DISTINCT b.currency FROM ledger.wallets w
                 JOIN ledger.balances b ON b.wallet_id = w.id AND b.account = 'main'
                 WHERE w.owner = $1 AND w.kind <> 'system') own
           FULL JOIN (SELECT * FROM ledger.usages WHERE owner = $1) u USING (currency)
           ORDER BY currency"#,
        owner,
        today,
        limit::first_of_month(today),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| row.read().map(|(_, usage)| usage.at(now)))
        .collect()
}

struct UsageRow {
    owner: String,
    currency: String,
    day: NaiveDate,
    day_used: Decimal,
    month: NaiveDate,
    month_used: Decimal,
}

impl UsageRow {
    fn read(self) -> Result<(UsageKey, Usage), StoreError> {
        let bad = |column| StoreError::inconsistent("usages", column, &self.owner);
        let currency: Currency = self.currency.parse().map_err(|_| bad("currency"))?;
        let exact = |amount, column| Money::exact(amount, currency).map_err(|_| bad(column));
        let usage = Usage {
            day: self.day,
            day_used: exact(self.day_used, "day_used")?,
            month: self.month,
            month_used: exact(self.month_used, "month_used")?,
        };
        let key = UsageKey {
            owner: self.owner,
            currency,
        };
        Ok((key, usage))
    }
}

fn columns<'a>(keys: impl Iterator<Item = &'a UsageKey>) -> (Vec<String>, Vec<String>) {
    keys.map(|key| (key.owner.clone(), key.currency.code().to_owned()))
        .unzip()
}
