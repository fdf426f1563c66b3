//! Transactions by their id, and those of all wallets. No index of ids is kept: an id is a UUIDv7
//! of the millisecond in which the ledger wrote the transaction, and `ledger.seq_before` finds
//! that millisecond in the log.

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{Kind, LedgerEvent, Posted, TransactionId, WalletId};
use sqlx::PgPool;

use super::{StoreError, period::Span};

/// The transaction, as its event tells it. Reads what the log holds of one millisecond: a batch
/// or two. Where a clock was set back, that millisecond lasts until the clock is past it again.
///
/// # Errors
/// When the server cannot be asked.
pub async fn find(pool: &PgPool, id: TransactionId) -> Result<Option<Posted>, StoreError> {
    let Some(from) = minted_at(id) else {
        return Ok(None);
    };
    // Events may speak of other transactions too, in their own or in the sender's words. What
    // is returned is the one whose own id it is.
    let rows = sqlx::query!(
        r#"WITH around AS MATERIALIZED (
               SELECT ledger.seq_before($1) AS first, ledger.seq_before($2) AS last)
           SELECT e.seq AS "seq!", e.data AS "data!" FROM around CROSS JOIN LATERAL (
               SELECT seq, data FROM ledger.events own
               WHERE own.seq > around.first AND own.seq <= around.last
                 AND position($3 IN own.data) > 0 OFFSET 0) e"#,
        from,
        from + TimeDelta::milliseconds(1),
        id.to_string(),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .iter()
        .find_map(|row| match LedgerEvent::decode(row.data.as_bytes()) {
            Ok(LedgerEvent::Posted(posted)) if posted.transaction == id => Some(posted),
            _ => None,
        }))
}

/// The millisecond of a UUIDv7; none for an id that the ledger did not mint.
fn minted_at(id: TransactionId) -> Option<DateTime<Utc>> {
    let (seconds, nanos) = id.as_uuid().get_timestamp()?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

/// Which transactions of all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// With a leg of this wallet.
    pub wallet: Option<WalletId>,
    /// With this sender's reference.
    pub reference: Option<String>,
}

/// The transactions at the positions of `span`, newest first.
///
/// # Errors
/// When the server cannot be asked, or the log holds what is no event.
pub async fn page(
    pool: &PgPool,
    filter: &Filter,
    span: Span,
    limit: u16,
) -> Result<Vec<Posted>, StoreError> {
    // The sender's own notes may hold any text: only the parsed data tells, and it is parsed only
    // where the text is.
    let rows = sqlx::query!(
        r#"SELECT seq, data FROM ledger.events
           WHERE seq > $1 AND seq <= $2 AND subject LIKE $3
             AND ($4::text IS NULL OR CASE WHEN position($4 IN data) > 0
                  THEN data::jsonb -> 'legs'
                       @> jsonb_build_array(jsonb_build_object('wallet', $4)) END)
             AND ($5::text IS NULL OR CASE WHEN position($6 IN data) > 0
                  THEN data::jsonb ->> 'reference' = $5 END)
           ORDER BY seq DESC LIMIT $7"#,
        signed(span.first),
        signed(span.last),
        filter.kind.map_or_else(
            || "%.posted.%".to_owned(),
            |kind| format!("{}.%", kind.posted().subject_stem())
        ),
        filter.wallet.map(|wallet| wallet.to_string()),
        filter.reference.as_deref(),
        filter.reference.as_deref().map(json_text),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await?;
    rows.into_iter()
        .map(|row| posted(row.seq, &row.data))
        .collect()
}

/// A text as it stands in the data of events.
pub(super) fn json_text(text: &str) -> String {
    serde_json::to_string(text).expect("a text is JSON")
}

/// The transaction that the event at `seq` tells.
pub(super) fn posted(seq: i64, data: &str) -> Result<Posted, StoreError> {
    match LedgerEvent::decode(data.as_bytes()) {
        Ok(LedgerEvent::Posted(posted)) => Ok(posted),
        _ => Err(StoreError::inconsistent("events", "data", seq)),
    }
}

/// Positions of the log, as Postgres counts.
pub(super) fn signed(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}
