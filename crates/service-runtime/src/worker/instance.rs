//! One running worker process, as its peers see it: a session lock on a connection of its own,
//! and a row that says what it has in hand.
//!
//! The row is written through the connection that holds the lock, so whoever finds the row and
//! a free lock knows that the process is gone, or was cut off and will notice before it goes
//! on. Its session runs with `synchronous_commit = off`: the row guards against the death of
//! the process, which a commit in the server's memory survives. When the server itself dies,
//! the effect's transaction is gone as well, the event is delivered again, and a death that a
//! restart of the server explains does not count.

use chrono::{DateTime, Utc};
use sqlx::{Connection as _, PgConnection};

use super::{
    metrics::CRASHES,
    policy::Attempts,
    store::{self, Owner},
};
use crate::{
    Secret, entropy,
    inbox::{self, SeqSet},
    postgres::{self, PostgresOptions},
};

/// This process's place among the instances of a consumer.
pub(crate) struct Instance {
    pub(crate) id: i64,
    connection: PgConnection,
    owner: Owner,
}

impl Instance {
    /// Connects and takes the lock of a new instance id. `previous` is the id this process had
    /// before its connection broke: its row is removed, because the process did not die.
    pub(crate) async fn open(
        url: &Secret,
        schema: &'static str,
        owner: Owner,
        previous: Option<i64>,
    ) -> Result<Self, sqlx::Error> {
        let options = PostgresOptions {
            schema,
            application_name: "florin worker instance",
            ..PostgresOptions::default()
        };
        let mut connection = postgres::connect(url, &options).await?;
        sqlx::query("SET synchronous_commit = off")
            .execute(&mut connection)
            .await?;
        if let Some(previous) = previous {
            store::clear_running_in_tx(&mut connection, owner, previous).await?;
        }
        let random = entropy();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&random[..8]);
        let id = i64::from_be_bytes(bytes);
        sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(id)
            .execute(&mut connection)
            .await?;
        Ok(Self {
            id,
            connection,
            owner,
        })
    }

    /// Says that these events are in hand.
    pub(crate) async fn begin(&mut self, seqs: &SeqSet) -> Result<(), sqlx::Error> {
        store::mark_running(&mut self.connection, self.owner, self.id, seqs).await
    }

    /// Says that this event alone is in hand, and counts the try.
    pub(crate) async fn begin_alone(
        &mut self,
        seq: u64,
        now: DateTime<Utc>,
    ) -> Result<Attempts, sqlx::Error> {
        store::mark_running_alone(&mut self.connection, self.owner, self.id, seq, now).await
    }

    /// What is recorded about these events.
    pub(crate) async fn attempts(
        &mut self,
        seqs: &[i64],
    ) -> Result<Vec<(u64, Attempts)>, sqlx::Error> {
        store::list_attempts(&mut self.connection, self.owner, seqs).await
    }

    /// Makes suspects of what dead instances had in hand.
    pub(crate) async fn inherit(&mut self, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let dead = store::lock_dead_instances(&mut self.connection, self.owner, self.id).await?;
        for id in dead {
            self.inherit_from(id, now).await?;
            sqlx::query("SELECT pg_advisory_unlock($1)")
                .bind(id)
                .execute(&mut self.connection)
                .await?;
        }
        Ok(())
    }

    async fn inherit_from(&mut self, dead: i64, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
        let owner = self.owner;
        let mut tx = self.connection.begin().await?;
        let Some(remains) = store::take_running_in_tx(&mut tx, owner, dead).await? else {
            return tx.commit().await;
        };
        let done = inbox::store::find(&mut tx, owner.consumer, owner.source)
            .await?
            .done;
        let all: Vec<i64> = remains
            .seqs
            .ranges()
            .flatten()
            .map(u64::cast_signed)
            .collect();
        let mut open: Vec<i64> = store::list_retrying(&mut tx, owner, &all).await?;
        open.extend(
            remains
                .seqs
                .without(&done)
                .ranges()
                .flatten()
                .map(u64::cast_signed),
        );
        if !open.is_empty() {
            let deaths = i32::from(remains.counts);
            store::mark_suspects_in_tx(&mut tx, owner, &open, deaths, now).await?;
        }
        tx.commit().await?;
        metrics::counter!(CRASHES.name, "consumer" => owner.consumer).increment(1);
        tracing::warn!(
            suspects = open.len(),
            alone = remains.counts,
            "An instance died with events in hand"
        );
        Ok(())
    }
}
