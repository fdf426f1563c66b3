//! Idempotency keys and the answers stored under them.

use std::collections::HashSet;

use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use super::StoreError;
use crate::{domain::Fingerprint, posting::Rendered};

/// A key to be claimed.
#[derive(Debug, Clone)]
pub struct NewClaim {
    /// Whose key.
    pub caller: String,
    /// The key.
    pub key: String,
    /// What it stands for.
    pub fingerprint: Fingerprint,
    /// Under which id the answer will be stored.
    pub answer_id: Uuid,
}

/// What was found under a key that somebody had claimed before.
#[derive(Debug, Clone)]
pub struct StoredAnswer {
    /// Position of the claim in the slice that was asked about.
    pub position: usize,
    /// What the key stands for.
    pub fingerprint: Fingerprint,
    /// The answer's id.
    pub answer_id: Uuid,
    /// The answer.
    pub rendered: Rendered,
    /// The event that it is about.
    pub seq: u64,
}

/// Whether a key stands for a write of the ledger's own.
///
/// # Errors
/// When the server cannot be asked.
pub async fn is_claimed(pool: &PgPool, caller: &str, key: &str) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ledger.idempotency_keys
                          WHERE caller = $1 AND key = $2) AS "found!""#,
        caller,
        key
    );
    Ok(found.fetch_one(pool).await?)
}

/// Claims keys that nobody has and returns their answer ids. `claims` must be sorted by caller
/// and key: lanes that claim crossed keys then wait for each other instead of deadlocking. A
/// key that another transaction has claimed and not yet committed is waited for.
///
/// # Errors
/// When the server refuses or the wait exceeds the lock timeout.
pub async fn claim_in_tx(
    tx: &mut PgConnection,
    claims: &[NewClaim],
) -> Result<HashSet<Uuid>, StoreError> {
    let callers: Vec<String> = claims.iter().map(|claim| claim.caller.clone()).collect();
    let keys: Vec<String> = claims.iter().map(|claim| claim.key.clone()).collect();
    let fingerprints: Vec<Vec<u8>> = claims
        .iter()
        .map(|claim| claim.fingerprint.to_vec())
        .collect();
    let answer_ids: Vec<Uuid> = claims.iter().map(|claim| claim.answer_id).collect();
    let claimed = sqlx::query_scalar!(
        "INSERT INTO ledger.idempotency_keys (caller, key, fingerprint, answer_id)
         SELECT caller, key, fingerprint, answer_id
         FROM unnest($1::text[], $2::text[], $3::bytea[], $4::uuid[])
              WITH ORDINALITY AS claim(caller, key, fingerprint, answer_id, position)
         ORDER BY position
         ON CONFLICT (caller, key) DO NOTHING
         RETURNING answer_id",
        &callers,
        &keys,
        &fingerprints,
        &answer_ids,
    )
    .fetch_all(tx)
    .await?;
    Ok(claimed.into_iter().collect())
}

/// The answers under keys that `claim_in_tx` did not get. A second statement on purpose: the
/// one that lost the insert cannot see what the winner committed.
///
/// # Errors
/// When the server refuses, or a key has no answer.
pub async fn answers_in_tx(
    tx: &mut PgConnection,
    claims: &[&NewClaim],
) -> Result<Vec<StoredAnswer>, StoreError> {
    let callers: Vec<String> = claims.iter().map(|claim| claim.caller.clone()).collect();
    let keys: Vec<String> = claims.iter().map(|claim| claim.key.clone()).collect();
    let rows = sqlx::query!(
        r#"SELECT asked.position AS "position!", k.fingerprint, k.answer_id, a.status, a.body, a.seq
           FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked(caller, key, position)
           CROSS JOIN LATERAL (
               SELECT * FROM ledger.idempotency_keys own
               WHERE own.caller = asked.caller AND own.key = asked.key LIMIT 1) k
           CROSS JOIN LATERAL (
               SELECT * FROM ledger.answers own WHERE own.id = k.answer_id LIMIT 1) a"#,
        &callers,
        &keys,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let bad = |column| StoreError::inconsistent("idempotency_keys", column, row.answer_id);
            Ok(StoredAnswer {
                position: usize::try_from(row.position - 1).map_err(|_| bad("position"))?,
                fingerprint: row.fingerprint.try_into().map_err(|_| bad("fingerprint"))?,
                answer_id: row.answer_id,
                rendered: Rendered {
                    status: u16::try_from(row.status).map_err(|_| bad("status"))?,
                    body: row.body,
                },
                seq: u64::try_from(row.seq).map_err(|_| bad("seq"))?,
            })
        })
        .collect()
}
