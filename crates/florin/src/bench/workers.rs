//! How far the workers are behind the ledger: their own histograms of ages, and their inboxes in
//! the database beside the head of the log.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use sqlx::{Connection as _, PgConnection};

use super::effect::Ages;
use crate::fleet::Fleet;

/// How long a worker may need to catch up after a load, before something is wrong.
const CATCH_UP_PATIENCE: Duration = Duration::from_mins(5);
/// How often we look whether it has.
const CATCH_UP_POLL: Duration = Duration::from_millis(20);
/// What a worker's service is called after its schema.
const SUFFIX: &str = "-worker";

/// The fleet's workers.
pub struct Workers {
    connection: PgConnection,
    admins: BTreeMap<String, SocketAddr>,
}

impl Workers {
    /// Finds them.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn of(fleet: &Fleet) -> anyhow::Result<Self> {
        let services = fleet.endpoints.services.iter();
        let workers = services.filter(|(name, _)| name.ends_with(SUFFIX));
        Ok(Self {
            connection: PgConnection::connect(&fleet.endpoints.postgres).await?,
            admins: workers
                .map(|(name, service)| (name.clone(), service.admin))
                .collect(),
        })
    }

    /// What each has counted so far.
    ///
    /// # Errors
    /// When one does not answer.
    pub async fn ages(&self) -> anyhow::Result<BTreeMap<String, Ages>> {
        let mut all = BTreeMap::new();
        for (name, admin) in &self.admins {
            let ages = Ages::of(*admin).await.context(name.clone())?;
            all.insert(name.clone(), ages);
        }
        Ok(all)
    }

    /// Events of the log that each has not settled.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn behind(&mut self) -> anyhow::Result<BTreeMap<String, u64>> {
        let mut all = BTreeMap::new();
        for name in self.admins.keys() {
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
            if done.len() == self.admins.len() {
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
