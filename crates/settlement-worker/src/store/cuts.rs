//! Cuts: positions up to which payments are settled.

use chrono::{DateTime, Utc};
use contracts::{CutId, WalletId, rpc::Cut, settlement::CutState, topology::Worker};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{bigint, currency, foreign, position};
use crate::batch::Blockers;

/// Cuts of one sweep. Those with the lowest positions are closed first; when more wait, the
/// next sweep has them.
const WAITING_MAX: i64 = 1_000;

/// Who wants a cut.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// The schedule.
    Instant(DateTime<Utc>),
    /// A request: caller, key and fingerprint.
    Request(&'a str, &'a str, &'a str),
}

/// Adds a cut that waits; false when its instant or its key has one.
///
/// # Errors
/// When the server refuses.
pub async fn insert(
    executor: impl PgExecutor<'_>,
    cut: &Cut,
    origin: Origin<'_>,
    now: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    let (instant, request) = match origin {
        Origin::Instant(instant) => (Some(instant), None),
        Origin::Request(caller, key, fingerprint) => (None, Some((caller, key, fingerprint))),
    };
    let done = sqlx::query!(
        "INSERT INTO settlement.cuts (id, seq, cut_off, merchant_id, currency, instant, caller,
                                      key, fingerprint, requested_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING",
        cut.id.as_uuid(),
        bigint(cut.seq),
        cut.cut_off,
        cut.merchant.map(WalletId::as_uuid),
        cut.currency.as_ref().map(contracts::Currency::code),
        instant,
        request.map(|(caller, ..)| caller),
        request.map(|(_, key, _)| key),
        request.map(|(.., fingerprint)| fingerprint),
        now,
    )
    .execute(executor)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct Row {
    id: Uuid,
    seq: i64,
    cut_off: DateTime<Utc>,
    merchant_id: Option<Uuid>,
    currency: Option<String>,
    instant: Option<DateTime<Utc>>,
    state: String,
    waits_for: Option<String>,
    closed_at: Option<DateTime<Utc>>,
}

fn read(row: Row) -> Result<Cut, sqlx::Error> {
    Ok(Cut {
        id: CutId::from_uuid(row.id),
        seq: position(row.seq)?,
        cut_off: row.cut_off,
        scheduled: row.instant.is_some(),
        merchant: row.merchant_id.map(WalletId::from_uuid),
        currency: row.currency.as_deref().map(currency).transpose()?,
        state: CutState::parse(&row.state).ok_or_else(|| foreign("an unknown state"))?,
        waits_for: row.waits_for,
        closed_at: row.closed_at,
    })
}

/// A cut.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(executor: impl PgExecutor<'_>, id: CutId) -> Result<Option<Cut>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, seq, cut_off, merchant_id, currency, instant, state, waits_for, closed_at
         FROM settlement.cuts WHERE id = $1",
        id.as_uuid()
    )
    .fetch_optional(executor)
    .await?;
    row.map(read).transpose()
}

/// The cut under a key, and the fingerprint of what the key stands for.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find_by_key(
    executor: impl PgExecutor<'_>,
    caller: &str,
    key: &str,
) -> Result<Option<(CutId, String)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT id, fingerprint AS "fingerprint!" FROM settlement.cuts
           WHERE caller = $1 AND key = $2"#,
        caller,
        key
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| (CutId::from_uuid(row.id), row.fingerprint)))
}

/// Whether an instant has its cut.
///
/// # Errors
/// When the server cannot be asked.
pub async fn has_instant(
    executor: impl PgExecutor<'_>,
    instant: DateTime<Utc>,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM settlement.cuts WHERE instant = $1) AS "found!""#,
        instant
    )
    .fetch_one(executor)
    .await
}

/// The first cuts that wait, in order of their positions, and when each was asked for.
///
/// # Errors
/// When the server cannot be asked.
pub async fn waiting(
    executor: impl PgExecutor<'_>,
) -> Result<Vec<(CutId, DateTime<Utc>)>, sqlx::Error> {
    let rows = sqlx::query!(
        "SELECT id, requested_at FROM settlement.cuts WHERE state = 'waiting'
         ORDER BY seq, id LIMIT $1",
        WAITING_MAX
    )
    .fetch_all(executor)
    .await?;
    let cut = rows.into_iter();
    Ok(cut
        .map(|row| (CutId::from_uuid(row.id), row.requested_at))
        .collect())
}

/// The cut that is to be closed before all others that wait.
///
/// # Errors
/// When the server cannot be asked.
pub async fn first_waiting_in_tx(tx: &mut PgConnection) -> Result<Option<Cut>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT id, seq, cut_off, merchant_id, currency, instant, state, waits_for, closed_at
         FROM settlement.cuts WHERE state = 'waiting' ORDER BY seq, id LIMIT 1"
    )
    .fetch_optional(tx)
    .await?;
    row.map(read).transpose()
}

/// Lets one closer at a time go on, to the end of its transaction: two cuts that overlap must
/// not both take an item.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn take_turns_in_tx(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"SELECT pg_advisory_xact_lock(hashtextextended('florin.settlement.close', 0)) AS "turn""#
    )
    .fetch_one(tx)
    .await?;
    Ok(())
}

/// What keeps a cut at `seq` from being closed, as of one snapshot.
///
/// # Errors
/// When the server cannot be asked.
pub async fn blockers_in_tx(tx: &mut PgConnection, seq: u64) -> Result<Blockers, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT (SELECT lower(missing) FROM unnest(
                      int8multirange(int8range(1, $2::bigint + 1))
                      - coalesce((SELECT done FROM settlement.inbox WHERE consumer = $1), '{}'))
                      AS missing LIMIT 1) AS first_missing,
                  (SELECT count(*) FROM settlement.dead_letters
                   WHERE consumer = $1 AND state = 'parked' AND seq <= $2) AS "parked!",
                  (SELECT count(*) FROM settlement.retrying
                   WHERE consumer = $1 AND seq <= $2) AS "retrying!""#,
        Worker::Settlement.as_str(),
        bigint(seq),
    )
    .fetch_one(tx)
    .await?;
    Ok(Blockers {
        first_missing: row.first_missing,
        parked: row.parked,
        retrying: row.retrying,
    })
}

/// Says what a cut waits for; false when that is known.
///
/// # Errors
/// When the server refuses.
pub async fn say_in_tx(
    tx: &mut PgConnection,
    id: CutId,
    waits_for: &str,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE settlement.cuts SET waits_for = $2
         WHERE id = $1 AND state = 'waiting' AND waits_for IS DISTINCT FROM $2",
        id.as_uuid(),
        waits_for
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Closes a cut.
///
/// # Errors
/// When the server refuses.
pub async fn close_in_tx(
    tx: &mut PgConnection,
    id: CutId,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE settlement.cuts SET state = 'closed', waits_for = NULL, closed_at = $2
         WHERE id = $1",
        id.as_uuid(),
        now
    )
    .execute(tx)
    .await?;
    Ok(())
}
