//! A ledger that is old before its services start: a history written straight into the tables.
//!
//! All that the laws of `florin verify` know of is there: wallets, balances, postings with their
//! versions, the log with its hash chain, statistics, and inboxes that have it all. Three things
//! are not, because the load would not meet them. Keys and answers: they are kept for 90 days, and
//! this history is older. The streams: they keep 7 days. Alerts: nothing in it is large or rapid.

mod history;
mod table;

use std::fmt::Display;

use anyhow::Context as _;
use chrono::TimeDelta;
use contracts::chain::{self, Hash};
use contracts::topology::{Topology, Worker};
use service_runtime::Clock;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};
use tokio::task::JoinSet;

pub use history::History;

use self::table::{Filling, connect};

/// How old the history is: older than what is kept of keys, and of streams.
const AGE: TimeDelta = TimeDelta::days(120);
/// Events that the log has room for after the history, as the ledger itself sees to it.
const ROOM: i64 = 5_000_000;

/// A history of about so many entries.
pub fn history(entries: u64) -> History {
    History::new(entries, Clock::system().now() - AGE)
}

/// Writes a history into a database that is migrated and otherwise empty.
///
/// # Errors
/// When the database does not take it.
pub async fn write(url: &str, history: &History) -> anyhow::Result<()> {
    let head = history.head().cast_signed();
    let mut owner = connect(url).await?;
    sqlx::query("SELECT ledger.ensure_event_partitions($1)")
        .bind(head + ROOM)
        .execute(&mut owner)
        .await?;
    // Two cores have the server and us to carry: four at a time keep them busy.
    let mut tables = JoinSet::new();
    tables.spawn(wallets(url.to_owned(), history.clone()));
    tables.spawn(postings(url.to_owned(), history.clone()));
    tables.spawn(read_models(url.to_owned(), history.clone()));
    let hash = log(url.to_owned(), history.clone())
        .await
        .context("the log")?;
    while let Some(done) = tables.join_next().await {
        done??;
    }
    finish(&mut owner, history, hash).await?;
    owner.close().await?;
    Ok(())
}

/// The log; answers the last hash of its chain.
async fn log(url: String, history: History) -> anyhow::Result<Hash> {
    let mut connection = connect(&url).await?;
    let columns = "ledger.events (seq, event_id, subject, data, hash, posted_at)";
    let mut events = Filling::begin(&mut connection, columns).await?;
    let mut hash = chain::GENESIS;
    for seq in 1..=history.head() {
        let event = history.event(seq);
        let data = event.encode();
        hash = chain::link(&hash, data.as_bytes());
        let (id, subject, link) = (event.id().as_uuid(), event.subject(), hex::encode(hash));
        let at = event.posted_at().to_rfc3339();
        events
            .row(&format!(
                "{seq}\t{id}\t{subject}\t{data}\t\\\\x{link}\t{at}"
            ))
            .await?;
    }
    events.end().await?;
    Ok(hash)
}

async fn wallets(url: String, history: History) -> anyhow::Result<()> {
    let mut connection = connect(&url).await?;
    let columns = "ledger.wallets (id, owner, kind, created_at)";
    let mut wallets = Filling::begin(&mut connection, columns).await?;
    for number in 0..history.wallets() {
        let (id, owner) = (history.wallet(number).as_uuid(), History::owner(number));
        let at = history.at(number + 1).to_rfc3339();
        wallets
            .row(&format!("{id}\t{owner}\tcustomer\t{at}"))
            .await?;
    }
    wallets.end().await?;

    let columns = "ledger.balances (wallet_id, account, currency, posted, credit_limit, version)";
    let mut balances = Filling::begin(&mut connection, columns).await?;
    for balance in history.balances() {
        let (id, account) = (balance.wallet.as_uuid(), balance.account.as_str());
        // What is the system's has no floor.
        let floor = if account == "main" { "0" } else { "\\N" };
        let (posted, version) = (balance.posted, balance.version);
        balances
            .row(&format!(
                "{id}\t{account}\tEUR\t{posted}\t{floor}\t{version}"
            ))
            .await?;
    }
    balances.end().await
}

async fn postings(url: String, history: History) -> anyhow::Result<()> {
    let mut connection = connect(&url).await?;
    let columns = "ledger.postings (wallet_id, account, currency, version, seq, transaction_id, \
                   amount, balance_after)";
    let mut postings = Filling::begin(&mut connection, columns).await?;
    for seq in history.first_transaction()..=history.head() {
        let transaction = history.transaction(seq).as_uuid();
        for entry in history.entries_at(seq).into_iter().flatten() {
            let (id, account) = (entry.wallet.as_uuid(), entry.account.as_str());
            let (version, amount, after) = (entry.version, entry.amount, entry.balance_after);
            postings
                .row(&format!(
                    "{id}\t{account}\tEUR\t{version}\t{seq}\t{transaction}\t{amount}\t{after}"
                ))
                .await?;
        }
    }
    postings.end().await
}

/// What the workers know of it.
async fn read_models(url: String, history: History) -> anyhow::Result<()> {
    let mut connection = connect(&url).await?;
    let columns = "analytics.tallies (wallet_id, currency, category, count, amount)";
    let mut tallies = Filling::begin(&mut connection, columns).await?;
    for number in 0..history.wallets() {
        let id = history.wallet(number).as_uuid();
        for (category, count, amount) in History::tallies() {
            tallies
                .row(&format!("{id}\tEUR\t{category}\t{count}\t{amount}"))
                .await?;
        }
    }
    tallies.end().await?;

    let columns = "analytics.activity (wallet_id, first_seen_at, last_activity_at)";
    let mut activity = Filling::begin(&mut connection, columns).await?;
    for number in 0..history.wallets() {
        let id = history.wallet(number).as_uuid();
        let (first, last) = history.activity(number);
        let (first, last) = (first.to_rfc3339(), last.to_rfc3339());
        activity.row(&format!("{id}\t{first}\t{last}")).await?;
    }
    activity.end().await?;

    let columns = "fraud.debits (wallet_id, effective_at, event_id, seq, transaction_id, currency, \
                   amount, posted_at)";
    let mut debits = Filling::begin(&mut connection, columns).await?;
    for seq in history.first_transaction()..=history.head() {
        let Some(sender) = history.sender(seq) else {
            continue;
        };
        let [sent, _] = history
            .entries_at(seq)
            .context("a transfer has two sides")?;
        let (id, amount) = (sender.as_uuid(), -sent.amount);
        let (event, transaction) = (
            history.event_id(seq).as_uuid(),
            history.transaction(seq).as_uuid(),
        );
        let at = history.at(seq).to_rfc3339();
        debits
            .row(&format!(
                "{id}\t{at}\t{event}\t{seq}\t{transaction}\tEUR\t{amount}\t{at}"
            ))
            .await?;
    }
    debits.end().await
}

/// The ends of everything: the head, what the relay has published and the workers have settled;
/// and the statistics and clean pages that a server of that age has.
async fn finish(
    owner: &mut sqlx::PgConnection,
    history: &History,
    hash: Hash,
) -> anyhow::Result<()> {
    let head = history.head().cast_signed();
    sqlx::query("UPDATE ledger.head SET seq = $1, hash = $2, posted_at = $3")
        .bind(head)
        .bind(hash.as_slice())
        .bind(history.at(history.head()))
        .execute(&mut *owner)
        .await?;
    sqlx::query("INSERT INTO ledger.relay (stream, epoch, cursor) VALUES ($1, 1, $2)")
        .bind(Topology::default().ledger_stream().name)
        .bind(head)
        .execute(&mut *owner)
        .await?;
    for worker in Worker::ALL {
        let settled = format!(
            "INSERT INTO {}.inbox (consumer, source, done, trusted_seq, trusted_hash)
             VALUES ($1, 'ledger', int8multirange(int8range(1, $2, '[]')), $2, $3)",
            worker.as_str()
        );
        sqlx::query(AssertSqlSafe(settled))
            .bind(worker.as_str())
            .bind(head)
            .bind(hash.as_slice())
            .execute(&mut *owner)
            .await?;
    }
    sqlx::query(
        "INSERT INTO settlement.sums (account, currency, amount, turnover)
         SELECT account, currency, sum(amount), sum(abs(amount)) FROM ledger.postings
         GROUP BY account, currency",
    )
    .execute(&mut *owner)
    .await?;
    owner.execute("VACUUM (ANALYZE)").await?;
    owner.execute("CHECKPOINT").await?;
    Ok(())
}

/// What was written, for people.
pub fn told(history: &History) -> impl Display {
    format!(
        "{} entries of {} wallets",
        crate::output::grouped(history.entries()),
        crate::output::grouped(history.wallets())
    )
}
