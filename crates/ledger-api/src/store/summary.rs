//! What summaries are made of. The balances come first and say as of which position of the log
//! they are; everything else is read up to that position, so that the parts are of one moment.

use chrono::{DateTime, Utc};
use contracts::{Posted, WalletId};
use rust_decimal::Decimal;
use sqlx::PgPool;
use uuid::Uuid;

use super::{
    StoreError,
    history::{Flow, flow},
    moments::{currency, total},
    transactions::{posted, signed},
    wallets::{BalanceRow, JoinedRow, WalletRow, group},
};

/// Whose summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    /// Of one wallet.
    Wallet(WalletId),
    /// Of all wallets of an owner.
    Owner(&'a str),
}

impl<'a> Whose<'a> {
    fn columns(self) -> (Option<Uuid>, Option<&'a str>) {
        match self {
            Self::Wallet(id) => (Some(id.as_uuid()), None),
            Self::Owner(owner) => (None, Some(owner)),
        }
    }
}

/// What several balances of one currency sum to, as texts at its scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// The currency.
    pub currency: contracts::Currency,
    /// The sum of everything posted.
    pub posted: String,
    /// The part of it that is reserved.
    pub held: String,
    /// What may be spent: `posted` less `held`.
    pub available: String,
}

/// Wallets and what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The last position of the log that they know of.
    pub as_of: u64,
    /// How many wallets there are.
    pub number: u64,
    /// The oldest of them.
    pub wallets: Vec<(WalletRow, Vec<BalanceRow>)>,
    /// The sums over all of them.
    pub totals: Vec<Total>,
}

struct SnapshotRow {
    id: Uuid,
    owner: String,
    kind: String,
    restrictions: i16,
    reference: Option<String>,
    category: Option<String>,
    metadata: String,
    created_at: DateTime<Utc>,
    currency: Option<String>,
    posted: Option<Decimal>,
    held: Option<Decimal>,
    credit_limit: Option<Decimal>,
    version: Option<i64>,
    balance_restrictions: Option<i16>,
    as_of: i64,
    number: i64,
    totals: Option<String>,
}

/// The wallets and balances, `limit` wallets at most; `None` when there is no wallet.
///
/// # Errors
/// When the server cannot be asked.
pub async fn snapshot(
    pool: &PgPool,
    whose: Whose<'_>,
    limit: u16,
) -> Result<Option<Snapshot>, StoreError> {
    let (wallet, owner) = whose.columns();
    let rows = sqlx::query_as!(
        SnapshotRow,
        r#"WITH own AS MATERIALIZED (
               SELECT * FROM ledger.wallets WHERE (id = $1 OR owner = $2) AND kind <> 'system'
           ), total AS (
               SELECT b.currency, sum(b.posted) AS posted, sum(b.held) AS held
               FROM own JOIN ledger.balances b ON b.wallet_id = own.id AND b.account = 'main'
               GROUP BY b.currency
           )
           SELECT w.id, w.owner, w.kind, w.restrictions, w.reference, w.category, w.metadata,
                  w.created_at,
                  b.currency AS "currency?", b.posted AS "posted?", b.held AS "held?",
                  b.credit_limit AS "credit_limit?", b.version AS "version?",
                  b.restrictions AS "balance_restrictions?",
                  (SELECT seq FROM ledger.head) AS "as_of!",
                  (SELECT count(*) FROM own) AS "number!",
                  (SELECT json_agg(json_build_array(currency, posted::text, held::text,
                                                    (posted - held)::text) ORDER BY currency)::text
                   FROM total) AS totals
           FROM (SELECT * FROM own ORDER BY id LIMIT $3) w
           LEFT JOIN ledger.balances b ON b.wallet_id = w.id AND b.account = 'main'
           ORDER BY w.id, b.currency"#,
        wallet,
        owner,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let (as_of, number) = (first.as_of.unsigned_abs(), first.number.unsigned_abs());
    let totals = totals(first.totals.as_deref(), first.id)?;
    Ok(Some(Snapshot {
        as_of,
        number,
        wallets: group(rows.into_iter().map(joined).collect())?,
        totals,
    }))
}

fn totals(json: Option<&str>, id: Uuid) -> Result<Vec<Total>, StoreError> {
    let bad = |_| StoreError::inconsistent("balances", "posted", id);
    let rows: Vec<[String; 4]> = serde_json::from_str(json.unwrap_or("[]")).map_err(bad)?;
    rows.into_iter()
        .map(|[code, posted, held, available]| {
            let currency = currency(&code, id)?;
            Ok(Total {
                currency,
                posted: total(&posted, currency, id)?,
                held: total(&held, currency, id)?,
                available: total(&available, currency, id)?,
            })
        })
        .collect()
}

fn joined(row: SnapshotRow) -> JoinedRow {
    JoinedRow {
        id: row.id,
        owner: row.owner,
        kind: row.kind,
        restrictions: row.restrictions,
        reference: row.reference,
        category: row.category,
        metadata: row.metadata,
        created_at: row.created_at,
        currency: row.currency,
        posted: row.posted,
        held: row.held,
        credit_limit: row.credit_limit,
        version: row.version,
        balance_restrictions: row.balance_restrictions,
    }
}

/// What came in and went out from `since` on, by the time when movements count, up to position
/// `as_of`. Currencies of which nothing moved are missing.
///
/// # Errors
/// When the server cannot be asked.
pub async fn flows(
    pool: &PgPool,
    whose: Whose<'_>,
    since: DateTime<Utc>,
    as_of: u64,
) -> Result<Vec<Flow>, StoreError> {
    let (wallet, owner) = whose.columns();
    // Nothing counts from later than it was posted: what was written before counts before.
    let rows = sqlx::query!(
        r#"WITH cut AS MATERIALIZED (SELECT ledger.seq_before($3) AS seq),
           own AS MATERIALIZED (
               SELECT id FROM ledger.wallets WHERE (id = $1 OR owner = $2) AND kind <> 'system')
           SELECT p.currency AS "currency!",
                  coalesce(sum(p.amount) FILTER (WHERE p.amount > 0), 0)::text AS "incoming!",
                  coalesce(-sum(p.amount) FILTER (WHERE p.amount < 0), 0)::text AS "outgoing!"
           FROM cut CROSS JOIN own CROSS JOIN LATERAL (
               SELECT currency, amount FROM ledger.postings
               WHERE wallet_id = own.id AND account = 'main' AND seq > cut.seq AND seq <= $4
                 AND amount <> 0 AND (NOT backdated OR effective_at >= $3) OFFSET 0) p
           GROUP BY p.currency ORDER BY p.currency"#,
        wallet,
        owner,
        since,
        signed(as_of),
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| flow(&row.currency, &row.incoming, &row.outgoing, "a summary"))
        .collect()
}

/// The newest transactions up to position `as_of`, newest first.
///
/// # Errors
/// When the server cannot be asked, or the log holds what is no event.
pub async fn newest(
    pool: &PgPool,
    whose: Whose<'_>,
    as_of: u64,
    limit: u16,
) -> Result<Vec<Posted>, StoreError> {
    let (wallet, owner) = whose.columns();
    let rows = sqlx::query!(
        "SELECT e.seq, e.data
         FROM (SELECT DISTINCT p.seq
               FROM ledger.wallets w CROSS JOIN LATERAL (
                   SELECT DISTINCT seq FROM ledger.postings
                   WHERE wallet_id = w.id AND account = 'main' AND seq <= $3 AND amount <> 0
                   ORDER BY seq DESC LIMIT $4) p
               WHERE (w.id = $1 OR w.owner = $2) AND w.kind <> 'system'
               ORDER BY p.seq DESC LIMIT $4) own
         JOIN ledger.events e ON e.seq = own.seq
         ORDER BY e.seq DESC",
        wallet,
        owner,
        signed(as_of),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| posted(row.seq, &row.data))
        .collect()
}
