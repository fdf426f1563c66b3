//! Creates a service's role and schema and brings its tables up to date.
//!
//! Run as the database's owner; the services' own roles cannot alter a table.

use anyhow::{Context, ensure};
use sqlx::{AssertSqlSafe, PgConnection, migrate::Migrator};

/// One service's part of the database.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// The schema, and the only one that the role may touch.
    pub schema: &'static str,
    /// The role that the service connects as.
    pub role: &'static str,
}

/// Creates role and schema when they are missing and applies the migrations in order.
///
/// Two fleets may share a server: roles belong to all of its databases, so a role that is there
/// already is left as it is. `password` is set when it is given.
///
/// # Errors
/// When the connection is not the owner's, or a migration fails; what was applied before stays.
pub async fn apply(
    owner: &mut PgConnection,
    part: Part,
    password: Option<&str>,
    migrations: &[&Migrator],
) -> anyhow::Result<()> {
    let Part { schema, role } = part;
    for name in [schema, role] {
        let plain = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        ensure!(plain, "{name} is not a plain name");
    }
    // One at a time per database; the lock ends with the session at the latest.
    sqlx::query("SELECT pg_advisory_lock(hashtext('florin.migrate'))")
        .execute(&mut *owner)
        .await?;
    let applied = apply_locked(owner, part, password, migrations).await;
    sqlx::query("SELECT pg_advisory_unlock(hashtext('florin.migrate'))")
        .execute(&mut *owner)
        .await?;
    applied.with_context(|| format!("could not migrate the schema {schema}"))
}

async fn apply_locked(
    owner: &mut PgConnection,
    Part { schema, role }: Part,
    password: Option<&str>,
    migrations: &[&Migrator],
) -> anyhow::Result<()> {
    // Another database's migration may create the same role at the same moment.
    run(
        owner,
        format!(
            "DO $$ BEGIN CREATE ROLE {role} LOGIN;
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
        ),
    )
    .await?;
    if let Some(password) = password {
        let literal = password.replace('\'', "''");
        run(owner, format!("ALTER ROLE {role} PASSWORD '{literal}'")).await?;
    }
    run(owner, format!("CREATE SCHEMA IF NOT EXISTS {schema}")).await?;
    run(owner, format!("SET search_path = {schema}")).await?;
    for migrator in migrations {
        migrator.run(&mut *owner).await?;
    }
    run(owner, "RESET search_path".to_owned()).await
}

/// Every name in `sql` was checked to be plain, and the password is quoted.
async fn run(owner: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(owner).await?;
    Ok(())
}
