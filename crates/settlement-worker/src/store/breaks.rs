//! Breaks: what tie-outs found.

use chrono::{DateTime, Utc};
use contracts::{
    BreakId,
    rpc::{Break, BreaksRequest},
    settlement::{BreakKind, BreakState},
};
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use super::{bigint, currency, foreign, position, total};
use crate::reconcile::Difference;

/// Writes down what a tie-out as of `seq` found: a new row for each new difference, and the
/// latest numbers into the row of one that was open. Says how many are new.
///
/// # Errors
/// When the server refuses.
pub async fn found_in_tx(
    tx: &mut PgConnection,
    found: &[(BreakId, &Difference)],
    seq: u64,
    now: DateTime<Utc>,
) -> Result<usize, sqlx::Error> {
    let texts = |text: fn(&Difference) -> &str| -> Vec<String> {
        found.iter().map(|(_, one)| text(one).to_owned()).collect()
    };
    let ids: Vec<Uuid> = found.iter().map(|(id, _)| id.as_uuid()).collect();
    let new = sqlx::query_scalar!(
        r#"INSERT INTO settlement.breaks AS b (id, kind, scope, currency, ours, theirs, seq,
                                               first_seen_at, last_seen_at)
           SELECT id, kind, scope, currency, ours::numeric, theirs::numeric, $7, $8, $8
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
                AS found (id, kind, scope, currency, ours, theirs)
           ON CONFLICT (kind, scope, currency) WHERE state = 'open' DO UPDATE
           SET ours = excluded.ours, theirs = excluded.theirs, seq = excluded.seq,
               last_seen_at = excluded.last_seen_at
           RETURNING (b.id = ANY ($1)) AS "new!""#,
        &ids,
        &texts(|one| one.kind.as_str()),
        &texts(|one| &one.scope),
        &texts(|one| one.currency.code()),
        &texts(|one| &one.ours),
        &texts(|one| &one.theirs),
        bigint(seq),
        now,
    )
    .fetch_all(tx)
    .await?;
    Ok(new.into_iter().filter(|new| *new).count())
}

/// Resolves what is open and is not among what was found. Kinds in `unsure` were not looked at
/// as a whole. Says how many.
///
/// # Errors
/// When the server refuses.
pub async fn resolve_in_tx(
    tx: &mut PgConnection,
    found: &[Difference],
    unsure: &[BreakKind],
    now: DateTime<Utc>,
) -> Result<u64, sqlx::Error> {
    let texts = |text: fn(&Difference) -> &str| -> Vec<String> {
        found.iter().map(|one| text(one).to_owned()).collect()
    };
    let unsure: Vec<String> = unsure.iter().map(|kind| kind.as_str().to_owned()).collect();
    let done = sqlx::query!(
        "UPDATE settlement.breaks SET state = 'resolved', resolved_at = $1
         WHERE state = 'open' AND kind <> ALL ($2)
           AND (kind, scope, currency) NOT IN (SELECT * FROM unnest($3::text[], $4::text[], $5::text[]))",
        now,
        &unsure,
        &texts(|one| one.kind.as_str()),
        &texts(|one| &one.scope),
        &texts(|one| one.currency.code()),
    )
    .execute(tx)
    .await?;
    Ok(done.rows_affected())
}

struct Row {
    id: Uuid,
    kind: String,
    scope: String,
    currency: String,
    ours: String,
    theirs: String,
    difference: String,
    seq: i64,
    state: String,
    first_seen_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
    resolved_at: Option<DateTime<Utc>>,
}

/// Breaks, newest first.
///
/// # Errors
/// When the server cannot be asked.
pub async fn list(
    executor: impl PgExecutor<'_>,
    wanted: &BreaksRequest,
) -> Result<Vec<Break>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, kind, scope, currency, ours::text AS "ours!", theirs::text AS "theirs!",
                  (ours - theirs)::text AS "difference!", seq, state, first_seen_at,
                  last_seen_at, resolved_at
           FROM settlement.breaks
           WHERE ($1::text IS NULL OR state = $1) AND ($2::uuid IS NULL OR id < $2)
           ORDER BY id DESC LIMIT $3"#,
        wanted.state.map(BreakState::as_str),
        wanted.after.map(BreakId::as_uuid),
        i64::from(wanted.limit),
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter().map(read).collect()
}

fn read(row: Row) -> Result<Break, sqlx::Error> {
    let currency = currency(&row.currency)?;
    Ok(Break {
        id: BreakId::from_uuid(row.id),
        kind: BreakKind::parse(&row.kind).ok_or_else(|| foreign("an unknown kind"))?,
        scope: row.scope,
        currency,
        ours: total(row.ours, currency),
        theirs: total(row.theirs, currency),
        difference: total(row.difference, currency),
        seq: position(row.seq)?,
        state: BreakState::parse(&row.state).ok_or_else(|| foreign("an unknown state"))?,
        first_seen_at: row.first_seen_at,
        last_seen_at: row.last_seen_at,
        resolved_at: row.resolved_at,
    })
}
