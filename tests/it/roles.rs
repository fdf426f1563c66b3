//! No service touches another's tables: the database says so, whatever the code does.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, Row};
use testkit::TestDatabase;

const PASSWORD: &str = "roles";

async fn database() -> TestDatabase {
    TestDatabase::from_template("roles", async |template: TestDatabase| {
        let pool = template.pool().await;
        let mut owner = pool.acquire().await.expect("a connection");
        ledger_api::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the ledger's tables");
        analytics_worker::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the statistics worker's tables");
        fraud_worker::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the fraud worker's tables");
        settlement_worker::migrate(&mut owner, Some(PASSWORD))
            .await
            .expect("the settlement worker's tables");
        drop(owner);
        pool.close().await;
    })
    .await
}

/// Tables of a schema, the migrations' own among them.
async fn tables(owner: &PgPool, schema: &str) -> Vec<String> {
    sqlx::query(
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
         WHERE schemaname = $1 ORDER BY 1",
    )
    .bind(schema)
    .fetch_all(owner)
    .await
    .expect("the catalogue answers")
    .iter()
    .map(|row| row.get(0))
    .collect()
}

async fn refuses(role: &mut PgConnection, sql: String) {
    let error = sqlx::raw_sql(AssertSqlSafe(sql.clone()))
        .execute(role)
        .await
        .err();
    let error = error
        .unwrap_or_else(|| panic!("{sql} was allowed"))
        .to_string();
    assert!(error.contains("permission denied"), "{sql}: {error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_role_is_refused_on_every_table_of_another() {
    let database = database().await;
    let owner = database.pool().await;
    for (role, foreign) in [
        ("florin_analytics", "ledger"),
        ("florin_analytics", "fraud"),
        ("florin_fraud", "ledger"),
        ("florin_fraud", "analytics"),
        ("florin_ledger", "analytics"),
        ("florin_ledger", "fraud"),
        ("florin_settlement", "ledger"),
        ("florin_settlement", "analytics"),
        ("florin_settlement", "fraud"),
        ("florin_ledger", "settlement"),
        ("florin_analytics", "settlement"),
        ("florin_fraud", "settlement"),
    ] {
        let url = database.url_as(role, PASSWORD);
        let mut role = PgConnection::connect(&url)
            .await
            .expect("the role can log in");
        let foreign = tables(&owner, foreign).await;
        assert!(foreign.len() > 5, "the schema has tables: {foreign:?}");
        for table in foreign {
            refuses(&mut role, format!("SELECT 1 FROM {table}")).await;
            refuses(&mut role, format!("INSERT INTO {table} DEFAULT VALUES")).await;
            refuses(&mut role, format!("DELETE FROM {table}")).await;
            refuses(&mut role, format!("TRUNCATE {table}")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_services_role_makes_no_tables_and_grants_nothing() {
    let database = database().await;
    for (role, own) in [
        ("florin_analytics", "analytics"),
        ("florin_fraud", "fraud"),
        ("florin_settlement", "settlement"),
        ("florin_ledger", "ledger"),
    ] {
        let url = database.url_as(role, PASSWORD);
        let mut role = PgConnection::connect(&url)
            .await
            .expect("the role can log in");
        for schema in ["ledger", "analytics", "fraud", "settlement", "public"] {
            refuses(&mut role, format!("CREATE TABLE {schema}.mine (id int)")).await;
        }
        refuses(&mut role, format!("CREATE SCHEMA {own}_too")).await;
        refuses(&mut role, "CREATE ROLE eve".to_owned()).await;
    }
}
