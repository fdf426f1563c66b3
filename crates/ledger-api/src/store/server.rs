//! What the ledger demands of the server.

use sqlx::PgConnection;

use super::StoreError;

/// Settings under which an acknowledged write would not survive a crash.
///
/// # Errors
/// When the server cannot be asked.
pub async fn unsafe_settings(connection: &mut PgConnection) -> Result<Vec<String>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", setting AS "setting!" FROM pg_settings
           WHERE name IN ('fsync', 'synchronous_commit') AND setting = 'off'"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| format!("{} = {}", row.name, row.setting))
        .collect())
}

/// Has every statement of this session find its rows by index, whatever the tables' sizes were
/// when it was planned: a prepared statement keeps a plan that was made while a table was small,
/// and scanned ten thousand wallets for every batch. The write path looks rows up by LATERAL
/// probes of a full primary key; with the scan switched off each is a probe of the index. A
/// scan that cannot be avoided, such as that of the one-row head, then looks so expensive that
/// Postgres would compile the statement to machine code each time: hence `jit`.
///
/// # Errors
/// When the server refuses.
pub async fn plan_by_index(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::raw_sql("SET enable_seqscan = off; SET jit = off")
        .execute(connection)
        .await?;
    Ok(())
}

/// Has the partitions of the log that events up to `seq` need.
///
/// # Errors
/// When the server refuses.
pub async fn ensure_event_partitions(
    connection: &mut PgConnection,
    seq: u64,
) -> Result<(), StoreError> {
    let upto = i64::try_from(seq).unwrap_or(i64::MAX);
    sqlx::query!("SELECT ledger.ensure_event_partitions($1)", upto)
        .execute(connection)
        .await?;
    Ok(())
}
