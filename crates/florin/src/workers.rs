//! How far the workers are behind the ledger: their inboxes in the database, beside the head of
//! the log.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::bail;
use sqlx::{Connection as _, PgConnection};

use crate::fleet::Fleet;

/// How long a worker may need to catch up, before something is wrong.
const CATCH_UP_PATIENCE: Duration = Duration::from_mins(5);
/// How often we look whether it has.
const CATCH_UP_POLL: Duration = Duration::from_millis(20);
/// What a worker's service is called after its schema.
const SUFFIX: &str = "-worker";

/// The fleet's workers.
pub struct Workers {
    connection: PgConnection,
    names: Vec<String>,
}

impl Workers {
    /// Finds them.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn of(fleet: &Fleet) -> anyhow::Result<Self> {
        let services = fleet.endpoints.services.keys();
        Ok(Self {
            connection: PgConnection::connect(&fleet.endpoints.postgres).await?,
            // A second process of a worker has a number at its end, and the same inbox.
            names: services
                .filter(|name| name.ends_with(SUFFIX))
                .cloned()
                .collect(),
        })
    }

    /// Events of the log that each has not settled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn behind(&mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut all = BTreeMap::new();
        for name in &self.names {
            let schema = name.trim_end_matches(SUFFIX);
            let behind: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "SELECT (h.seq - coalesce(sum(upper(range) - lower(range)), 0))::bigint
                 FROM ledger.head h
                 LEFT JOIN {schema}.inbox i ON i.source = 'ledger'
                 LEFT JOIN LATERAL unnest(i.done) AS range ON true
                 GROUP BY h.seq"
            )))
            .fetch_one(&mut self.connection)
            .await?;
            all.insert(name.clone(), u64::try_from(behind).unwrap_or(0));
        }
        Ok(all)
    }

    /// Waits until all have settled everything, and says when each had.
    ///
    /// # Errors
    /// When one does not.
    pub async fn catch_up(&mut self) -> anyhow::Result<BTreeMap<String, Duration>> {
        let started = Instant::now();
        let mut done = BTreeMap::new();
        loop {
            for (name, behind) in self.behind().await? {
                if behind == 0 {
                    done.entry(name).or_insert_with(|| started.elapsed());
                }
            }
            if done.len() == self.names.len() {
                return Ok(done);
            }
            if started.elapsed() > CATCH_UP_PATIENCE {
                bail!(
                    "not every worker has caught up after {} s",
                    CATCH_UP_PATIENCE.as_secs()
                );
            }
            tokio::time::sleep(CATCH_UP_POLL).await;
        }
    }
}
