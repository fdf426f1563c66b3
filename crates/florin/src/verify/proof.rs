//! Runs the laws: the books in one snapshot, the log in slices.

use std::time::Instant;

use anyhow::Context as _;
use contracts::topology::Worker;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};

use super::{
    law::{self, Law},
    report::{Consumer, Finding, Report},
};
use crate::exit::Failure;

/// Events of one transaction: some seconds of work, so that no snapshot of the log stays open
/// for long and vacuum is not held up, however long the log is.
pub const SLICE: i64 = 100_000;

/// Proves every law on the database at `url`, reading the log in slices of `slice` events.
///
/// # Errors
/// When the database cannot be reached or is not Florin's.
pub async fn prove(url: &str, slice: i64) -> anyhow::Result<Report> {
    let started = Instant::now();
    let mut connection = connect(url)
        .await
        .map_err(|error| Failure::out_of_reach(format!("the database is out of reach: {error}")))?;
    let (mut report, last) = prove_books(&mut connection).await?;
    let mut findings: Vec<Finding> = std::iter::once(law::DATA_IS_JSON)
        .chain(law::LOG.iter().copied())
        .map(|law| Finding::of(law, None))
        .collect();
    let mut from = 1;
    while from <= last {
        let to = last.min(from + slice - 1);
        prove_slice(&mut connection, from, to, &mut findings).await?;
        from = to + 1;
    }
    report
        .laws
        .splice(law::BOOKS.len()..law::BOOKS.len(), findings);
    report.clean = report.broken().count() == 0;
    report.seconds = started.elapsed().as_secs_f64();
    // Nothing depends on a polite farewell.
    let _ = connection.close().await;
    Ok(report)
}

/// A session that cannot write, whoever it belongs to.
async fn connect(url: &str) -> Result<PgConnection, sqlx::Error> {
    let options: PgConnectOptions = url.parse()?;
    let settings = [
        ("default_transaction_read_only", "on"),
        // Every law reads whole tables or whole slices. A young table has no statistics yet, and
        // the planner takes it for an empty one and goes through it once per row.
        ("enable_nestloop", "off"),
        // Where there is no other way, the switch makes the plan look so costly that it would be
        // compiled first.
        ("jit", "off"),
        ("work_mem", "64MB"),
    ];
    options
        .application_name("florin verify")
        .options(settings)
        .disable_statement_logging()
        .connect()
        .await
}

/// Everything that moves, in one snapshot. Also returns the last event it saw.
async fn prove_books(connection: &mut PgConnection) -> anyhow::Result<(Report, i64)> {
    let mut snapshot = connection
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    if !has_table(&mut snapshot, "ledger", "head").await? {
        return Err(Failure::out_of_reach("there is no ledger in this database").into());
    }
    let span = sqlx::query(include_str!("sql/span.sql"))
        .fetch_optional(&mut *snapshot)
        .await?;
    let (head, hash, last) = match span {
        Some(row) => (
            row.try_get("head")?,
            row.try_get("hash")?,
            row.try_get("last")?,
        ),
        // Then `head_is_the_last_event` will say so.
        None => (0, String::new(), 0),
    };
    let mut laws = Vec::new();
    for law in law::BOOKS {
        laws.push(prove_one(&mut snapshot, *law, None).await?);
    }
    let mut consumers = Vec::new();
    for worker in Worker::ALL {
        if has_table(&mut snapshot, worker.as_str(), "inbox").await? {
            prove_worker(&mut snapshot, *worker, &mut laws, &mut consumers).await?;
        }
    }
    snapshot.rollback().await?;
    Ok((
        Report {
            clean: false,
            head,
            hash,
            laws,
            consumers,
            seconds: 0.0,
        },
        last,
    ))
}

async fn prove_worker(
    snapshot: &mut PgConnection,
    whose: Worker,
    laws: &mut Vec<Finding>,
    consumers: &mut Vec<Consumer>,
) -> anyhow::Result<()> {
    let worker = whose.as_str();
    sqlx::query("SELECT set_config('search_path', $1, true)")
        .bind(worker)
        .execute(&mut *snapshot)
        .await?;
    let own: &[&[Law]] = match whose {
        Worker::Analytics => &[law::PROJECTIONS],
        Worker::Fraud => &[law::OWN_LOGS, law::ALERTS],
        Worker::Settlement => &[law::OWN_LOGS, law::SETTLEMENTS],
    };
    for law in law::CONSUMERS.iter().chain(own.iter().copied().flatten()) {
        laws.push(prove_one(snapshot, *law, Some(worker)).await?);
    }
    let rows = sqlx::query(include_str!("sql/consumers.sql"))
        .fetch_all(&mut *snapshot)
        .await?;
    for row in rows {
        consumers.push(Consumer {
            worker,
            consumer: row.try_get("consumer")?,
            source: row.try_get("source")?,
            handled_to: row.try_get("handled_to")?,
            missing: row.try_get("missing")?,
            first_missing: row.try_get("first_missing")?,
            parked: row.try_get("parked")?,
            retrying: row.try_get("retrying")?,
        });
    }
    Ok(())
}

async fn prove_one(
    snapshot: &mut PgConnection,
    law: Law,
    worker: Option<&'static str>,
) -> anyhow::Result<Finding> {
    // A savepoint: damaged data may make the statement itself fail, and the next law wants to
    // be proven too.
    let mut attempt = snapshot.begin().await?;
    let rows = sqlx::query(law.sql).fetch_all(&mut *attempt).await;
    attempt.rollback().await?;
    let mut finding = Finding::of(law, worker);
    take(&mut finding, rows)?;
    Ok(finding)
}

async fn prove_slice(
    connection: &mut PgConnection,
    from: i64,
    to: i64,
    findings: &mut [Finding],
) -> anyhow::Result<()> {
    let unreadable = find_unreadable(connection, from, to).await?;
    for finding in findings {
        if finding.law.name == law::DATA_IS_JSON.name {
            let evidence = unreadable
                .iter()
                .map(|seq| format!("the data of event {seq} is not JSON"));
            finding.add(unreadable.len() as u64, evidence);
            continue;
        }
        // The laws bind what they use, and Postgres refuses a parameter that is not used.
        let mut query = sqlx::query(finding.law.sql).bind(from).bind(to);
        if finding.law.sql.contains("$3") {
            query = query.bind(&unreadable);
        }
        let rows = query.fetch_all(&mut *connection).await;
        take(finding, rows)?;
    }
    Ok(())
}

/// The events of a slice whose data is not JSON, found by halving: normally one statement.
async fn find_unreadable(
    connection: &mut PgConnection,
    from: i64,
    to: i64,
) -> anyhow::Result<Vec<i64>> {
    let mut unreadable = Vec::new();
    let mut open = vec![(from, to)];
    while let Some((from, to)) = open.pop() {
        let read = sqlx::query(law::DATA_IS_JSON.sql)
            .bind(from)
            .bind(to)
            .execute(&mut *connection)
            .await;
        match read {
            Ok(_) => {}
            Err(error) if is_about_data(&error) && from == to => unreadable.push(from),
            Err(error) if is_about_data(&error) => {
                let middle = from.midpoint(to);
                open.extend([(middle + 1, to), (from, middle)]);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(unreadable)
}

/// Adds a law's rows to its finding. A law that fails on the data is broken too.
fn take(
    finding: &mut Finding,
    rows: Result<Vec<sqlx::postgres::PgRow>, sqlx::Error>,
) -> anyhow::Result<()> {
    match rows {
        Ok(rows) => {
            let Some(first) = rows.first() else {
                return Ok(());
            };
            let found: i64 = first.try_get("found")?;
            let evidence: Vec<String> = rows
                .iter()
                .map(|row| row.try_get("evidence"))
                .collect::<Result<_, _>>()?;
            finding.add(found.unsigned_abs(), evidence);
            Ok(())
        }
        Err(error) if is_about_data(&error) => {
            finding.add(1, [format!("it cannot be proven on this data: {error}")]);
            Ok(())
        }
        Err(error) => Err(error).with_context(|| format!("could not prove {}", finding.law.name)),
    }
}

/// SQLSTATE class 22: a value that is none of its type, such as text that is not JSON.
fn is_about_data(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("22"))
}

async fn has_table(
    connection: &mut PgConnection,
    schema: &str,
    table: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar("SELECT to_regclass($1 || '.' || $2) IS NOT NULL")
        .bind(schema)
        .bind(table)
        .fetch_one(connection)
        .await
}
