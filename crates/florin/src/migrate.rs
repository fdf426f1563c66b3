//! `florin migrate`: roles, schemas and tables, as the database's owner.

use service_runtime::Secret;
use service_runtime::log::LOG_MIGRATIONS;
use service_runtime::worker::WORKER_MIGRATIONS;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, PgConnection};

use crate::exit::{Code, Failure};
use crate::output;

/// Creates or updates the database.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The database, as its owner.
    #[arg(
        long,
        env = "FLORIN_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database_url: Secret,

    /// Sets the ledger's password; left alone when not given.
    #[arg(
        long,
        env = "FLORIN_LEDGER_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub ledger_password: Option<String>,

    /// Sets the statistics worker's password; left alone when not given.
    #[arg(
        long,
        env = "FLORIN_ANALYTICS_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub analytics_password: Option<String>,

    /// Sets the fraud worker's password; left alone when not given.
    #[arg(
        long,
        env = "FLORIN_FRAUD_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub fraud_password: Option<String>,

    /// Sets the settlement worker's password; left alone when not given.
    #[arg(
        long,
        env = "FLORIN_SETTLEMENT_PASSWORD",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    pub settlement_password: Option<String>,
}

/// Migrates every service's part of the database.
///
/// # Errors
/// When the database is out of reach or a migration fails.
pub async fn run(args: Args) -> anyhow::Result<Code> {
    let passwords = [
        (ledger_api::PART.role, args.ledger_password),
        (analytics_worker::PART.role, args.analytics_password),
        (fraud_worker::PART.role, args.fraud_password),
        (settlement_worker::PART.role, args.settlement_password),
    ];
    let password = |role: &str| {
        let (_, password) = passwords.iter().find(|(known, _)| *known == role)?;
        password.as_deref()
    };
    all(&args.database_url, password).await?;
    output::note("The database is up to date.");
    Ok(Code::Done)
}

/// The services' roles.
pub fn roles() -> [&'static str; 4] {
    [
        ledger_api::PART.role,
        analytics_worker::PART.role,
        fraud_worker::PART.role,
        settlement_worker::PART.role,
    ]
}

/// The versions of the migrations of every service's schema.
pub fn versions() -> Vec<(&'static str, Vec<i64>)> {
    let of = |migrators: &[&Migrator]| -> Vec<i64> {
        let migrations = migrators.iter().flat_map(|migrator| migrator.iter());
        migrations.map(|migration| migration.version).collect()
    };
    vec![
        (ledger_api::PART.schema, of(&[&ledger_api::MIGRATIONS])),
        (
            analytics_worker::PART.schema,
            of(&[&WORKER_MIGRATIONS, &analytics_worker::MIGRATIONS]),
        ),
        (
            fraud_worker::PART.schema,
            of(&[
                &WORKER_MIGRATIONS,
                &LOG_MIGRATIONS,
                &fraud_worker::MIGRATIONS,
            ]),
        ),
        (
            settlement_worker::PART.schema,
            of(&[
                &WORKER_MIGRATIONS,
                &LOG_MIGRATIONS,
                &settlement_worker::MIGRATIONS,
            ]),
        ),
    ]
}

/// Migrates every service's part of the database at `url`, as its owner; `password` knows the
/// roles whose password is to be set.
///
/// # Errors
/// When the database is out of reach or a migration fails.
pub async fn all<'a>(
    url: &Secret,
    password: impl Fn(&str) -> Option<&'a str>,
) -> anyhow::Result<()> {
    let mut owner = PgConnection::connect(url.expose()).await.map_err(|error| {
        Failure::out_of_reach(format!("the database {url} is out of reach: {error}"))
    })?;
    ledger_api::migrate(&mut owner, password(ledger_api::PART.role)).await?;
    analytics_worker::migrate(&mut owner, password(analytics_worker::PART.role)).await?;
    fraud_worker::migrate(&mut owner, password(fraud_worker::PART.role)).await?;
    settlement_worker::migrate(&mut owner, password(settlement_worker::PART.role)).await?;
    owner.close().await?;
    Ok(())
}
