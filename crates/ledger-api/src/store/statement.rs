//! Statements: the postings of one balance in one period, in the order of one of their times, and
//! what the balance was before and after each.
//!
//! Every statement is of the balance as it was at one version: what is written while somebody
//! turns pages is in none of them, so pages fit one another.

use chrono::{DateTime, Utc};
use contracts::{Currency, Posted, WalletId};
use sqlx::PgPool;

use super::{
    StoreError,
    moments::total,
    period::{By, Period},
    transactions::posted,
};

/// Whose statement, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject {
    /// The wallet.
    pub wallet: WalletId,
    /// The currency.
    pub currency: Currency,
    /// The last version that is looked at.
    pub as_of: i64,
}

/// A place between two lines: after the line of this time and version. By the time of posting,
/// the version alone says where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The time of the line before.
    pub at: DateTime<Utc>,
    /// Its version.
    pub version: i64,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where the next line follows.
    pub place: Place,
    /// What the balance changed by.
    pub amount: String,
    /// What it was afterwards, in the statement's order.
    pub balance: String,
    /// The transaction.
    pub posted: Posted,
}

/// A part of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The balance before the first line.
    pub opening: String,
    /// The lines, oldest first.
    pub lines: Vec<Line>,
}

/// The version of a balance now; 0 when nothing of this currency ever moved.
///
/// # Errors
/// When the server cannot be asked.
pub async fn newest(
    pool: &PgPool,
    wallet: WalletId,
    currency: Currency,
) -> Result<i64, StoreError> {
    let version = sqlx::query_scalar!(
        "SELECT version FROM ledger.balances
         WHERE wallet_id = $1 AND account = 'main' AND currency = $2",
        wallet.as_uuid(),
        currency.code(),
    )
    .fetch_optional(pool)
    .await?;
    Ok(version.unwrap_or(0))
}

/// The lines of `period` after `after`, or from its beginning, `limit` at most.
///
/// # Errors
/// When the server cannot be asked, or the log holds what is no event.
pub async fn part(
    pool: &PgPool,
    subject: &Subject,
    period: &Period,
    after: Option<Place>,
    limit: u16,
) -> Result<Part, StoreError> {
    let start = start(pool, subject, period, after).await?;
    let rows = match period.by {
        By::Posted => by_posting(pool, subject, period, &start, limit).await?,
        By::Effective => by_effect(pool, subject, period, &start, limit).await?,
    };
    let exact = |text: &str| total(text, subject.currency, subject.wallet);
    let lines = rows
        .into_iter()
        .map(|row| {
            Ok(Line {
                place: Place {
                    at: row.at,
                    version: row.version,
                },
                amount: exact(&row.amount)?,
                balance: exact(&row.balance)?,
                posted: posted(row.seq, &row.data)?,
            })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Part {
        opening: exact(&start.balance)?,
        lines,
    })
}

/// Where a part starts.
struct Start {
    /// Before the first line, in the order of the period's time.
    place: Place,
    /// Every posting up to this version is before it, and after it only what is backdated.
    version: i64,
    /// The balance there.
    balance: String,
}

async fn start(
    pool: &PgPool,
    subject: &Subject,
    period: &Period,
    after: Option<Place>,
) -> Result<Start, StoreError> {
    let place = after.unwrap_or(Place {
        at: period.from,
        version: 0,
    });
    // By the time of posting a cursor says the version. By the other time, what was written
    // before that moment counts before it; of what was written in that very moment, the versions
    // up to the cursor's; of what was written later, what is backdated to before the cursor.
    let row = sqlx::query!(
        r#"WITH own AS MATERIALIZED (
               SELECT CASE WHEN $6 AND $5::bigint > 0 THEN $5
                      ELSE greatest(
                          ledger.version_at($1, 'main', $2, ledger.seq_before($4)),
                          least($5, ledger.version_at($1, 'main', $2,
                              ledger.seq_before($4 + interval '1 microsecond')))) END AS version
           ), upto AS MATERIALIZED (SELECT least(version, $3::bigint) AS version FROM own)
           SELECT upto.version AS "version!", (
                      coalesce((SELECT balance_after FROM ledger.postings
                                WHERE wallet_id = $1 AND account = 'main' AND currency = $2
                                  AND version = upto.version), 0)
                      + coalesce((SELECT sum(amount) FROM ledger.postings
                                  WHERE NOT $6 AND wallet_id = $1 AND account = 'main'
                                    AND currency = $2 AND backdated
                                    AND (effective_at, version) <= ($4, $5)
                                    AND version > upto.version AND version <= $3), 0)
                  )::text AS "balance!"
           FROM upto"#,
        subject.wallet.as_uuid(),
        subject.currency.code(),
        subject.as_of,
        place.at,
        place.version,
        period.by == By::Posted,
    )
    .fetch_one(pool)
    .await?;
    Ok(Start {
        place,
        version: row.version,
        balance: row.balance,
    })
}

struct Row {
    at: DateTime<Utc>,
    version: i64,
    amount: String,
    balance: String,
    seq: i64,
    data: String,
}

async fn by_posting(
    pool: &PgPool,
    subject: &Subject,
    period: &Period,
    start: &Start,
    limit: u16,
) -> Result<Vec<Row>, StoreError> {
    Ok(sqlx::query_as!(
        Row,
        r#"WITH upto AS MATERIALIZED (
               SELECT least($4, ledger.version_at($1, 'main', $2, ledger.seq_before($5))) AS version
           )
           SELECT e.posted_at AS "at!", own.version AS "version!", own.amount::text AS "amount!",
                  own.balance_after::text AS "balance!", e.seq AS "seq!", e.data AS "data!"
           FROM (SELECT p.* FROM upto CROSS JOIN LATERAL (
                     SELECT seq, version, amount, balance_after FROM ledger.postings
                     WHERE wallet_id = $1 AND account = 'main' AND currency = $2
                       AND version > $3 AND version <= upto.version AND amount <> 0
                     ORDER BY version LIMIT $6) p) own
           JOIN ledger.events e ON e.seq = own.seq
           ORDER BY own.version"#,
        subject.wallet.as_uuid(),
        subject.currency.code(),
        start.version,
        subject.as_of,
        period.to,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?)
}

async fn by_effect(
    pool: &PgPool,
    subject: &Subject,
    period: &Period,
    start: &Start,
    limit: u16,
) -> Result<Vec<Row>, StoreError> {
    // Two orders meet: what counts from when it was posted lies in the order of its versions, and
    // what is backdated in that of an index of its own. Of each no more than `limit` are wanted.
    Ok(sqlx::query_as!(
        Row,
        r#"WITH upto AS MATERIALIZED (
               SELECT least($4, ledger.version_at($1, 'main', $2, ledger.seq_before($5))) AS version
           ), plain AS (
               SELECT e.posted_at AS at, p.version, p.amount, p.seq
               FROM (SELECT own.* FROM upto CROSS JOIN LATERAL (
                         SELECT seq, version, amount FROM ledger.postings
                         WHERE wallet_id = $1 AND account = 'main' AND currency = $2
                           AND version > $3 AND version <= upto.version AND amount <> 0
                           AND NOT backdated
                         ORDER BY version LIMIT $6) own) p
               JOIN ledger.events e ON e.seq = p.seq
           ), late AS (
               SELECT effective_at AS at, version, amount, seq FROM ledger.postings
               WHERE wallet_id = $1 AND account = 'main' AND currency = $2 AND backdated
                 AND (effective_at, version) > ($7, $8) AND effective_at < $5
                 AND version > $3 AND version <= $4 AND amount <> 0
               ORDER BY effective_at, version LIMIT $6
           ), own AS (
               SELECT * FROM (TABLE plain UNION ALL TABLE late) every
               ORDER BY at, version LIMIT $6
           )
           SELECT own.at AS "at!", own.version AS "version!", own.amount::text AS "amount!",
                  ($9::text::numeric + sum(own.amount) OVER (ORDER BY own.at, own.version))::text
                      AS "balance!",
                  e.seq AS "seq!", e.data AS "data!"
           FROM own JOIN ledger.events e ON e.seq = own.seq
           ORDER BY own.at, own.version"#,
        subject.wallet.as_uuid(),
        subject.currency.code(),
        start.version,
        subject.as_of,
        period.to,
        i64::from(limit),
        start.place.at,
        start.place.version,
        start.balance,
    )
    .fetch_all(pool)
    .await?)
}
