//! What must be true of a fleet after anything: read from the database by plain SQL, with
//! nothing of the services' code.

use std::{collections::HashMap, time::Duration};

use testkit::eventually;

use super::{Fleet, florin};

/// Until every event's effect is there, whatever happened before.
pub const CAUGHT_UP: Duration = Duration::from_mins(1);

impl Fleet {
    /// The last position of the log.
    pub async fn head(&self) -> i64 {
        self.scalar("SELECT seq FROM ledger.head").await
    }

    /// A count, or another whole number.
    pub async fn scalar(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.owner)
            .await
            .unwrap_or_else(|e| panic!("{sql}: {e}"))
    }

    /// Waits until the worker has settled every event so far, without a hole.
    pub async fn settle(&self) {
        let head = self.head().await;
        eventually(
            &format!("the inbox is one range up to {head}"),
            CAUGHT_UP,
            async || {
                let (done, whole): (String, bool) = sqlx::query_as(
                    "SELECT done::text,
                        done = int8multirange(int8range(1, upper(done))) AND upper(done) > $1
                 FROM analytics.inbox",
                )
                .bind(head)
                .fetch_one(&self.owner)
                .await
                .map_err(|error| error.to_string())?;
                if whole { Ok(()) } else { Err(done) }
            },
        )
        .await;
    }

    /// Statistics are a recount of the postings of exactly those events that the inbox has and
    /// that were not given up: in one snapshot, so also under load.
    pub async fn recount(&self) {
        let wrong: Vec<String> = sqlx::query_scalar(include_str!("recount.sql"))
            .fetch_all(&self.owner)
            .await
            .unwrap_or_else(|error| panic!("recount: {error}"));
        assert!(
            wrong.is_empty(),
            "{} statistics are wrong, such as {:#?}",
            wrong.len(),
            first(&wrong)
        );
    }

    /// In every currency all accounts together hold nothing, both legs of every transaction are
    /// there, and no key was claimed without an answer: nothing is half done.
    pub async fn nothing_is_half_done(&self) {
        let wrong: Vec<String> = sqlx::query_scalar(include_str!("half_done.sql"))
            .fetch_all(&self.owner)
            .await
            .unwrap_or_else(|error| panic!("half done: {error}"));
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// Every write that a client was told about is in the database exactly once, with the
    /// answer that was given.
    pub async fn check_history(&self) {
        let writes = self.history.writes();
        let mut unfound: HashMap<_, _> = writes.iter().map(|(key, write)| (key, write)).collect();
        let stored: Vec<(String, String, i16, String)> = sqlx::query_as(
            "SELECT k.caller, k.key, a.status, a.body
             FROM ledger.idempotency_keys k JOIN ledger.answers a ON a.id = k.answer_id",
        )
        .fetch_all(&self.owner)
        .await
        .expect("the answers are there");
        for (caller, key, status, body) in stored {
            if let Some(write) = unfound.remove(&(caller, key)) {
                assert_eq!(
                    (write.status, &write.body),
                    (status, &body),
                    "the stored answer"
                );
            }
        }
        assert!(
            unfound.is_empty(),
            "{} acknowledged writes are lost: {unfound:#?}",
            unfound.len()
        );
        let events = self.events_by_witness().await;
        for (key, write) in &writes {
            let event = events.get(&write.witness());
            assert_eq!(
                event,
                Some(&(1, write.reference())),
                "the events of {key:?}: {write:?}"
            );
        }
        self.nothing_happened_twice().await;
    }

    /// Events by what an answer calls them, with their number and the sender's reference.
    async fn events_by_witness(&self) -> HashMap<String, (i64, Option<String>)> {
        let rows: Vec<(String, i64, Option<String>)> = sqlx::query_as(
            "SELECT CASE d->>'type' WHEN 'florin.ledger.wallet.created.v1' THEN d->>'wallet'
                                    ELSE coalesce(d->>'transaction', d->>'id') END AS witness,
                    count(*), max(d->>'reference')
             FROM (SELECT data::jsonb AS d FROM ledger.events) AS e GROUP BY witness",
        )
        .fetch_all(&self.owner)
        .await
        .expect("the events are there");
        rows.into_iter()
            .map(|(id, count, reference)| (id, (count, reference)))
            .collect()
    }

    /// A reference that was sent under one key only has one event only, whatever the tables of
    /// keys say.
    async fn nothing_happened_twice(&self) {
        let twice: Vec<String> = sqlx::query_scalar(
            "SELECT data::jsonb->>'reference' FROM ledger.events
             WHERE data LIKE '%\"once:%' GROUP BY 1 HAVING count(*) > 1",
        )
        .fetch_all(&self.owner)
        .await
        .expect("the events are there");
        assert_eq!(twice, Vec::<String>::new());
    }

    /// `florin verify` finds nothing.
    pub async fn verify(&self) {
        let mut command = florin();
        command.arg("verify").arg("--data").arg(self.dir());
        let output = tokio::process::Command::from(command)
            .output()
            .await
            .expect("florin starts");
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

fn first(wrong: &[String]) -> &[String] {
    &wrong[..wrong.len().min(10)]
}
