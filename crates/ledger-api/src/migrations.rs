//! The ledger's part of the database.

use service_runtime::migrate::{self, Part};
use sqlx::{PgConnection, migrate::Migrator};

/// The schema and role of the ledger.
pub const PART: Part = Part {
    schema: "ledger",
    role: "florin_ledger",
};

/// The ledger's tables, in order of their versions.
pub static MIGRATIONS: Migrator = sqlx::migrate!();

/// Brings the ledger's part of the database up to date, as its owner; sets the role's password
/// when one is given.
///
/// # Errors
/// When the connection is not the owner's or a migration fails.
pub async fn migrate(owner: &mut PgConnection, password: Option<&str>) -> anyhow::Result<()> {
    migrate::apply(owner, PART, password, &[&MIGRATIONS]).await
}
