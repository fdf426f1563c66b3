//! The log: its head, and the one statement that appends to it.

use chrono::{DateTime, Utc};
use contracts::{EventId, Kind, chain::Hash};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    StoreError,
    audit::{AuditColumns, AuditRow},
};
use crate::{domain::PlannedLeg, posting::Rendered};

/// The channel on which the relay hears of new events.
pub const NOTIFY_CHANNEL: &str = "ledger_log";

/// The end of the log.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The last sequence number.
    pub seq: u64,
    /// Its hash.
    pub hash: Hash,
    /// Its time.
    pub posted_at: DateTime<Utc>,
    /// Counts the changes of the fee rules: who decided by another version decides again.
    pub rules_version: i64,
}

/// Locks the head to the end of the transaction: from here on this lane alone gives out
/// sequence numbers, over all lanes and replicas.
///
/// # Errors
/// When the server refuses, or the wait exceeds the lock timeout.
pub async fn lock_head_in_tx(tx: &mut PgConnection) -> Result<Head, StoreError> {
    let row =
        sqlx::query!("SELECT seq, hash, posted_at, rules_version FROM ledger.head FOR UPDATE")
            .fetch_one(tx)
            .await?;
    let bad = |column| StoreError::inconsistent("head", column, row.seq);
    Ok(Head {
        seq: u64::try_from(row.seq).map_err(|_| bad("seq"))?,
        hash: row.hash.try_into().map_err(|_| bad("hash"))?,
        posted_at: row.posted_at,
        rules_version: row.rules_version,
    })
}

/// The end of the log without a lock: what a rehearsal may look at.
///
/// # Errors
/// When the server cannot be asked.
pub async fn peek_head(connection: &mut PgConnection) -> Result<Head, StoreError> {
    let row = sqlx::query!("SELECT seq, hash, posted_at, rules_version FROM ledger.head")
        .fetch_one(connection)
        .await?;
    let bad = |column| StoreError::inconsistent("head", column, row.seq);
    Ok(Head {
        seq: u64::try_from(row.seq).map_err(|_| bad("seq"))?,
        hash: row.hash.try_into().map_err(|_| bad("hash"))?,
        posted_at: row.posted_at,
        rules_version: row.rules_version,
    })
}

/// The last sequence number, without a lock.
///
/// # Errors
/// When the server cannot be asked.
pub async fn head(connection: &mut PgConnection) -> Result<u64, StoreError> {
    let seq = sqlx::query_scalar!("SELECT seq FROM ledger.head")
        .fetch_one(connection)
        .await?;
    u64::try_from(seq).map_err(|_| StoreError::inconsistent("head", "seq", seq))
}

/// What one batch appends, column by column.
#[derive(Debug, Default)]
pub struct Entries {
    events: EventColumns,
    postings: PostingColumns,
    answers: AnswerColumns,
    audit: AuditColumns,
}

#[derive(Debug, Default)]
struct EventColumns {
    seqs: Vec<i64>,
    ids: Vec<Uuid>,
    subjects: Vec<String>,
    data: Vec<String>,
    hashes: Vec<Vec<u8>>,
    posted_at: Vec<DateTime<Utc>>,
    traceparents: Vec<Option<String>>,
}

#[derive(Debug, Default)]
struct PostingColumns {
    seqs: Vec<i64>,
    transactions: Vec<Uuid>,
    wallets: Vec<Uuid>,
    accounts: Vec<String>,
    currencies: Vec<String>,
    versions: Vec<i64>,
    amounts: Vec<Decimal>,
    balances_after: Vec<Decimal>,
    held_changes: Vec<Decimal>,
    held_after: Vec<Decimal>,
    purposes: Vec<Option<String>>,
    kinds: Vec<Option<String>>,
    effective_at: Vec<DateTime<Utc>>,
    backdated: Vec<bool>,
}

#[derive(Debug, Default)]
struct AnswerColumns {
    ids: Vec<Uuid>,
    statuses: Vec<i16>,
    bodies: Vec<String>,
    seqs: Vec<i64>,
}

/// An event to append.
#[derive(Debug)]
pub struct NewEvent {
    /// Position in the log.
    pub seq: u64,
    /// The event id.
    pub id: EventId,
    /// The subject, without a prefix.
    pub subject: String,
    /// The bytes that are stored, hashed and sent.
    pub data: String,
    /// The link of the hash chain.
    pub hash: Hash,
    /// When.
    pub posted_at: DateTime<Utc>,
    /// W3C trace context.
    pub traceparent: Option<String>,
}

/// What the postings of one transaction, or of one change of a hold, have in common.
#[derive(Debug, Clone, Copy)]
pub struct Heading {
    /// Position in the log.
    pub seq: u64,
    /// The id of the transaction or of the hold.
    pub transaction: Uuid,
    /// What the transaction is for; a change of a hold has none.
    pub kind: Option<Kind>,
    /// When it counts.
    pub effective_at: DateTime<Utc>,
    /// When the ledger writes it.
    pub posted_at: DateTime<Utc>,
}

impl Entries {
    /// Adds an event.
    pub fn event(&mut self, event: NewEvent) {
        let columns = &mut self.events;
        columns.seqs.push(signed(event.seq));
        columns.ids.push(event.id.as_uuid());
        columns.subjects.push(event.subject);
        columns.data.push(event.data);
        columns.hashes.push(event.hash.to_vec());
        columns.posted_at.push(event.posted_at);
        columns.traceparents.push(event.traceparent);
    }

    /// Adds a leg of a transaction, or of the change of a hold.
    pub fn posting(&mut self, of: &Heading, leg: &PlannedLeg) {
        let columns = &mut self.postings;
        columns.seqs.push(signed(of.seq));
        columns.transactions.push(of.transaction);
        columns
            .kinds
            .push(of.kind.map(|kind| kind.as_str().to_owned()));
        columns.effective_at.push(of.effective_at);
        columns.backdated.push(of.effective_at < of.posted_at);
        columns.wallets.push(leg.key.wallet.as_uuid());
        columns.accounts.push(leg.key.account.as_str().to_owned());
        columns.currencies.push(leg.key.currency.code().to_owned());
        columns.versions.push(signed(leg.version));
        columns.amounts.push(leg.amount.amount());
        columns.balances_after.push(leg.balance_after.amount());
        columns.held_changes.push(leg.held.amount());
        columns.held_after.push(leg.held_after.amount());
        let purpose = leg.purpose.map(|purpose| purpose.as_str().to_owned());
        columns.purposes.push(purpose);
    }

    /// Adds the answer about the event at `seq`.
    pub fn answer(&mut self, id: Uuid, seq: u64, rendered: &Rendered) {
        let columns = &mut self.answers;
        columns.ids.push(id);
        columns
            .statuses
            .push(i16::try_from(rendered.status).unwrap_or(i16::MAX));
        columns.bodies.push(rendered.body.clone());
        columns.seqs.push(signed(seq));
    }

    /// Adds the row of the request that asked for it.
    pub fn audit(&mut self, row: AuditRow) {
        self.audit.push(row);
    }
}

/// Appends a batch and moves the head to `head`, in one statement, because the head is locked
/// and everybody waits. Wakes the relay when it commits.
///
/// # Errors
/// When the server refuses.
#[expect(
    clippy::too_many_lines,
    reason = "one statement, because everybody waits for it, and its columns"
)]
pub async fn append_in_tx(
    tx: &mut PgConnection,
    entries: &Entries,
    head: &Head,
) -> Result<(), StoreError> {
    let Entries {
        events,
        postings,
        answers,
        audit,
    } = entries;
    sqlx::query!(
        "WITH event AS (
             INSERT INTO ledger.events
                    (seq, event_id, subject, data, hash, posted_at, traceparent)
             SELECT * FROM unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::bytea[],
                                  $6::timestamptz[], $7::text[])
         ), posting AS (
             INSERT INTO ledger.postings
                    (seq, transaction_id, wallet_id, account, currency, version, amount,
                     balance_after, held_change, held_after, kind, effective_at, backdated,
                     purpose)
             SELECT * FROM unnest($8::bigint[], $9::uuid[], $10::uuid[], $11::text[], $12::text[],
                                  $13::bigint[], $14::numeric[], $15::numeric[], $16::numeric[],
                                  $17::numeric[], $18::text[], $19::timestamptz[], $20::boolean[],
                                  $21::text[])
         ), answer AS (
             INSERT INTO ledger.answers (id, status, body, seq)
             SELECT * FROM unnest($22::uuid[], $23::smallint[], $24::text[], $25::bigint[])
         ), head AS (
             UPDATE ledger.head
             SET seq = $26, hash = $27, posted_at = $28, rules_version = $29
         ), audit AS (
             INSERT INTO ledger.audit
                    (id, at, actor, role, owner, client, method, route, path, idempotency_key,
                     request_id, status, code, replayed, wallet_id, seq)
             SELECT * FROM unnest($31::uuid[], $32::timestamptz[], $33::text[], $34::text[],
                                  $35::text[], $36::text[], $37::text[], $38::text[], $39::text[],
                                  $40::text[], $41::text[], $42::smallint[], $43::text[],
                                  $44::boolean[], $45::uuid[], $46::bigint[])
         )
         SELECT pg_notify($30, '')",
        &events.seqs,
        &events.ids,
        &events.subjects,
        &events.data,
        &events.hashes,
        &events.posted_at,
        &events.traceparents as &[Option<String>],
        &postings.seqs,
        &postings.transactions,
        &postings.wallets,
        &postings.accounts,
        &postings.currencies,
        &postings.versions,
        &postings.amounts,
        &postings.balances_after,
        &postings.held_changes,
        &postings.held_after,
        &postings.kinds as &[Option<String>],
        &postings.effective_at,
        &postings.backdated,
        &postings.purposes as &[Option<String>],
        &answers.ids,
        &answers.statuses,
        &answers.bodies,
        &answers.seqs,
        signed(head.seq),
        &head.hash[..],
        head.posted_at,
        head.rules_version,
        NOTIFY_CHANNEL,
        &audit.ids,
        &audit.at,
        &audit.actors as &[Option<String>],
        &audit.roles as &[Option<String>],
        &audit.owners as &[Option<String>],
        &audit.clients,
        &audit.methods,
        &audit.routes,
        &audit.paths,
        &audit.keys as &[Option<String>],
        &audit.request_ids,
        &audit.statuses,
        &audit.codes as &[Option<String>],
        &audit.replayed,
        &audit.wallets as &[Option<Uuid>],
        &audit.seqs as &[Option<i64>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Sequence numbers and versions start at 1 and would take thousands of years to exceed `i64`.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
