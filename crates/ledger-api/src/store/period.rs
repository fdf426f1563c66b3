//! Time as reads ask for it: which of its two times a movement has, and from when to when.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

use super::StoreError;

/// Which time of a movement counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// When the ledger wrote it. What was true at a past moment never changes any more.
    Posted,
    /// When it counts, as its sender says: a movement that is written late changes the past.
    Effective,
}

/// 1900-01-01T00:00:00Z: nothing counts from before it (`http::fields`).
const EARLIEST_SECONDS: i64 = -2_208_988_800;
/// 9999-12-31T23:59:59Z: the last second that RFC 3339 can write.
const LATEST_SECONDS: i64 = 253_402_300_799;

/// From `from` up to, and without, `to`. Postgres keeps microseconds, so both are whole ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Which time of a movement lies in it.
    pub by: By,
    /// The first moment that is in it.
    pub from: DateTime<Utc>,
    /// The first moment that is no more in it.
    pub to: DateTime<Utc>,
}

impl Period {
    /// All times.
    pub fn always(by: By) -> Self {
        let (from, to) = bounds();
        Self { by, from, to }
    }

    /// Does it leave out nothing?
    pub fn is_always(&self) -> bool {
        (self.from, self.to) == bounds()
    }
}

/// The first and the last moment that anybody may ask for.
pub fn bounds() -> (DateTime<Utc>, DateTime<Utc>) {
    let at = |seconds| DateTime::from_timestamp(seconds, 0).expect("a year between 0 and 9999");
    (at(EARLIEST_SECONDS), at(LATEST_SECONDS))
}

/// Positions of the log: after `first`, up to and with `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The last position that is not yet in it.
    pub first: u64,
    /// The last position that is in it.
    pub last: u64,
}

/// Where the log holds what lies in `period`, as of now: by the time when movements count, they
/// may have been written at any time since it began.
///
/// # Errors
/// When the server cannot be asked.
pub async fn span(pool: &PgPool, period: &Period) -> Result<Span, StoreError> {
    let to = match period.by {
        By::Posted => period.to,
        By::Effective => bounds().1,
    };
    let row = sqlx::query!(
        r#"SELECT ledger.seq_before($1) AS "first!", ledger.seq_before($2) AS "last!""#,
        period.from,
        to,
    )
    .fetch_one(pool)
    .await?;
    Ok(Span {
        first: row.first.unsigned_abs(),
        last: row.last.unsigned_abs(),
    })
}
