//! What must be true of a fleet after anything: read from the database by plain SQL, with
//! nothing of the services' code. The checks answer what is wrong, so that a test can show that
//! they see it.

use std::{collections::HashMap, time::Duration};

use sqlx::PgConnection;
use testkit::eventually;

use super::{Fleet, florin};

/// Until every event's effect is there, whatever happened before.
const CAUGHT_UP: Duration = Duration::from_mins(1);

const STATISTICS_INBOX: &str = "
    SELECT done::text, done = int8multirange(int8range(1, upper(done))) AND upper(done) > $1
    FROM analytics.inbox";
const FRAUD_INBOX: &str = "
    SELECT done::text, done = int8multirange(int8range(1, upper(done))) AND upper(done) > $1
    FROM fraud.inbox";
const SETTLEMENT_INBOX: &str = "
    SELECT done::text, done = int8multirange(int8range(1, upper(done))) AND upper(done) > $1
    FROM settlement.inbox";

impl Fleet {
    /// The last position of the log.
    pub async fn head(&self) -> i64 {
        self.scalar("SELECT seq FROM ledger.head").await
    }

    /// A count, or another whole number.
    pub async fn scalar(&self, sql: &'static str) -> i64 {
        let found = sqlx::query_scalar(sql).fetch_one(&self.owner).await;
        found.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Waits until every worker has settled every event so far, without a hole.
    pub async fn settle(&self) {
        self.settle_statistics().await;
        self.settle_inbox(FRAUD_INBOX).await;
        self.settle_inbox(SETTLEMENT_INBOX).await;
    }

    /// The same of the worker that counts alone.
    pub async fn settle_statistics(&self) {
        self.settle_inbox(STATISTICS_INBOX).await;
    }

    async fn settle_inbox(&self, inbox: &'static str) {
        let head = self.head().await;
        let what = format!("{inbox} is one range up to {head}");
        eventually(&what, CAUGHT_UP, async || {
            let (done, whole): (String, bool) = sqlx::query_as(inbox)
                .bind(head)
                .fetch_one(&self.owner)
                .await
                .map_err(|error| error.to_string())?;
            if whole { Ok(()) } else { Err(done) }
        })
        .await;
    }

    /// The statistics are a recount of the postings.
    pub async fn recount(&self) {
        let mut owner = self.owner.acquire().await.expect("a connection");
        nothing_of("wrong statistics", &wrong_statistics(&mut owner).await);
    }

    /// No transaction has one leg, and no key has no answer.
    pub async fn nothing_is_half_done(&self) {
        let mut owner = self.owner.acquire().await.expect("a connection");
        nothing_of("half done", &half_done(&mut owner).await);
    }

    /// Every write that a client was told about is there once, as it was told.
    pub async fn check_history(&self) {
        let mut owner = self.owner.acquire().await.expect("a connection");
        nothing_of(
            "lost, changed or doubled",
            &self.broken_promises(&mut owner).await,
        );
    }

    /// Acknowledged writes that are not in the database exactly once with the answer that was
    /// given, and references that came under one key and have two events.
    pub async fn broken_promises(&self, owner: &mut PgConnection) -> Vec<String> {
        let writes = self.history.writes();
        let (answers, events) = (answers(owner).await, events(owner).await);
        let mut broken = doubled(owner).await;
        for (key, write) in &writes {
            if answers.get(key) != Some(&(write.status, write.body.clone())) {
                broken.push(format!("{key:?} has another answer than {write:?}"));
            }
            let found = events.get(&write.witness());
            if found != Some(&(1, write.reference())) {
                broken.push(format!("{key:?} has the events {found:?}: {write:?}"));
            }
        }
        broken
    }

    /// `florin verify` finds nothing.
    pub async fn verify(&self) {
        let mut command = florin();
        command.arg("verify").arg("--data").arg(self.dir());
        let output = tokio::process::Command::from(command).output().await;
        let output = output.expect("florin starts");
        assert!(
            output.status.success(),
            "florin verify: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// Everything above: the end of every test that has a fleet of its own.
    pub async fn close(&self) {
        self.settle().await;
        self.recount().await;
        self.nothing_is_half_done().await;
        self.check_history().await;
        self.verify().await;
    }
}

fn nothing_of(what: &str, found: &[String]) {
    let shown = &found[..found.len().min(10)];
    assert!(
        found.is_empty(),
        "{} {what}, such as {shown:#?}",
        found.len()
    );
}

/// Statistics that are not a recount of the postings of exactly those events that the inbox has
/// and that were not given up: in one snapshot, so also under load.
pub async fn wrong_statistics(owner: &mut PgConnection) -> Vec<String> {
    let found = sqlx::query_scalar(include_str!("recount.sql"));
    found
        .fetch_all(owner)
        .await
        .unwrap_or_else(|error| panic!("recount: {error}"))
}

/// Currencies that do not sum to nothing, transactions without both legs, keys without answers,
/// and balances that are not their postings.
pub async fn half_done(owner: &mut PgConnection) -> Vec<String> {
    let found = sqlx::query_scalar(include_str!("half_done.sql"));
    found
        .fetch_all(owner)
        .await
        .unwrap_or_else(|error| panic!("half done: {error}"))
}

/// The stored answers by caller and key.
async fn answers(owner: &mut PgConnection) -> HashMap<(String, String), (i16, String)> {
    let rows: Vec<(String, String, i16, String)> = sqlx::query_as(
        "SELECT k.caller, k.key, a.status, a.body
         FROM ledger.idempotency_keys AS k JOIN ledger.answers AS a ON a.id = k.answer_id",
    )
    .fetch_all(owner)
    .await
    .expect("the answers are there");
    let entry = |(caller, key, status, body)| ((caller, key), (status, body));
    rows.into_iter().map(entry).collect()
}

/// Events by what an answer calls them, with their number and the sender's reference.
async fn events(owner: &mut PgConnection) -> HashMap<String, (i64, Option<String>)> {
    let rows: Vec<(String, i64, Option<String>)> = sqlx::query_as(
        "SELECT CASE d->>'type' WHEN 'florin.ledger.wallet.created.v1' THEN d->>'wallet'
                                ELSE coalesce(d->>'transaction', d->>'id') END AS witness,
                count(*), max(d->>'reference')
         FROM (SELECT data::jsonb AS d FROM ledger.events) AS e GROUP BY witness",
    )
    .fetch_all(owner)
    .await
    .expect("the events are there");
    rows.into_iter()
        .map(|(id, count, reference)| (id, (count, reference)))
        .collect()
}

/// References that were sent under one key only and have several events, whatever the tables of
/// keys say.
async fn doubled(owner: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT concat(data::jsonb->>'reference', ' has ', count(*), ' events')
         FROM ledger.events WHERE data LIKE '%\"once:%'
         GROUP BY data::jsonb->>'reference' HAVING count(*) > 1",
    )
    .fetch_all(owner)
    .await
    .expect("the events are there")
}
