//! A database for one test, on the shared Postgres.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::sync::Mutex;

use crate::servers;

/// Connections that one test's pool may open: the server takes 200 for all tests of a binary.
const POOL_SIZE: u32 = 8;

/// Templates that are ready, by the name their crate gave them. The lock is held while a database
/// is created: Postgres refuses a template that is in use by another `CREATE DATABASE`.
static TEMPLATES: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);

/// A fresh database, named for nobody. Dropping this leaves it: the server dies with the binary.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// An empty database.
    ///
    /// # Panics
    /// When it cannot be created.
    pub async fn create() -> Self {
        let _one_at_a_time = TEMPLATES.lock().await;
        Self::clone_of("template0").await
    }

    /// A copy of a template, which `init` fills when the first test of this binary asks for
    /// `template`: migrate once, copy often. A test that runs `init` again by another name gets
    /// another template.
    ///
    /// # Panics
    /// When a database cannot be created; a panic of `init` leaves no half-made template.
    pub async fn from_template(template: &str, init: impl AsyncFnOnce(Self)) -> Self {
        let mut templates = TEMPLATES.lock().await;
        if let Some(ready) = templates.get(template) {
            return Self::clone_of(ready).await;
        }
        let made = Self::clone_of("template0").await;
        init(made.clone()).await;
        made.close().await;
        templates.insert(template.to_owned(), made.name.clone());
        Self::clone_of(&made.name).await
    }

    async fn clone_of(template: &str) -> Self {
        let name = format!("t_{:016x}", rand::random::<u64>());
        run_as_owner(&format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { name }
    }

    /// Shuts the template: an open connection to it, such as one of a pool that `init` forgot,
    /// would make every copy fail.
    async fn close(&self) {
        let name = &self.name;
        run_as_owner(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
        run_as_owner(&format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .await;
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, as the owner of everything.
    pub fn url(&self) -> String {
        servers().postgres.url(&self.name)
    }

    /// Its address for another role. Roles belong to the server, not to the database: give them
    /// names of their own, or create them once.
    pub fn url_as(&self, role: &str, password: &str) -> String {
        servers().postgres.url_as(role, password, &self.name)
    }

    /// A pool of connections as the owner.
    ///
    /// # Panics
    /// When it cannot connect.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(POOL_SIZE)
            .connect(&self.url())
            .await
            .unwrap_or_else(|error| panic!("cannot connect to the test database: {error}"))
    }
}

async fn run_as_owner(statement: &str) {
    let mut connection = PgConnection::connect(&servers().postgres.url("postgres"))
        .await
        .unwrap_or_else(|error| panic!("cannot connect to the test server: {error}"));
    connection
        // The names in it are ours: letters, digits and underscores.
        .execute(AssertSqlSafe(statement.to_owned()))
        .await
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    let _ = connection.close().await;
}
