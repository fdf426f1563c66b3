//! The worker's part of the database.

use service_runtime::{
    log::LOG_MIGRATIONS,
    migrate::{self, Part},
    worker::WORKER_MIGRATIONS,
};
use sqlx::{PgConnection, migrate::Migrator};

/// The schema and role of the worker.
pub const PART: Part = Part {
    schema: "settlement",
    role: "florin_settlement",
};

/// The worker's own tables; those of its inbox and its log are the runtime's.
pub static MIGRATIONS: Migrator = Migrator {
    ignore_missing: true,
    ..sqlx::migrate!()
};

/// Brings the worker's part of the database up to date, as its owner; sets the role's password
/// when one is given.
///
/// # Errors
/// When the connection is not the owner's or a migration fails.
pub async fn migrate(owner: &mut PgConnection, password: Option<&str>) -> anyhow::Result<()> {
    let migrations = [&WORKER_MIGRATIONS, &LOG_MIGRATIONS, &MIGRATIONS];
    migrate::apply(owner, PART, password, &migrations).await
}
