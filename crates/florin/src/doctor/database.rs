//! Postgres: is it there, is it safe, is it up to date, has it room.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use local_servers::is_running;
use service_runtime::{
    Clock, Secret,
    postgres::{self, PostgresOptions},
};
use sqlx::PgConnection;

use super::patient::{Patient, is_stopped, unstop};
use super::store;
use crate::migrate;

const CHECK: &str = "postgres";
const SUBJECT: &str = "Postgres";
/// A server answers within milliseconds or is away.
const ANSWER: Duration = Duration::from_secs(5);
/// The oldest server that Florin is tested on.
const VERSION_MIN: i32 = 150_000;
/// Beyond this part of the connections, the next restart of everything may not fit.
const CONNECTIONS_PERCENT: i64 = 80;
/// Tokens and cut-offs are compared across machines: below this nobody notices.
const SKEW_MAX: TimeDelta = TimeDelta::seconds(2);
/// A transaction this old holds back vacuum, and perhaps others. Ours last milliseconds.
const TRANSACTION_MINUTES: i32 = 5;

pub async fn check(patient: &mut Patient) {
    let url = Secret::new(patient.fleet.endpoints.postgres.clone());
    let options = PostgresOptions {
        statement_timeout_ms: 5_000,
        application_name: "florin doctor",
        ..PostgresOptions::default()
    };
    let connecting = async {
        let mut connection = postgres::connect(&url, &options).await?;
        let server = store::server(&mut connection).await?;
        Ok::<_, sqlx::Error>((connection, server))
    };
    let why = match tokio::time::timeout(ANSWER, connecting).await {
        Ok(Ok((mut connection, server))) => {
            look(patient, &mut connection, &server).await;
            patient.database = Some(connection);
            return;
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "it does not answer".to_owned(),
    };
    away(patient, &url, &why);
}

fn away(patient: &mut Patient, url: &Secret, why: &str) {
    let own = patient.endpoints().servers.postgres;
    let log = patient.log("postgres").display().to_string();
    let found = format!("out of reach at {url}: {why}. Nothing can be read or written");
    match own {
        Some(server) if is_stopped(server.pid) => {
            patient.broken(CHECK, SUBJECT, found, unstop(server.pid));
        }
        Some(server) if is_running(server.pid) => {
            let advice = format!(
                "Its process {} runs: the end of {log} says more.",
                server.pid
            );
            patient.broken(CHECK, SUBJECT, found, advice);
        }
        Some(_) => {
            let advice = format!(
                "`florin up` starts it again by itself. When it does not come back, the end of \
                 {log} says why: most often the disk is full."
            );
            patient.broken(CHECK, SUBJECT, found, advice);
        }
        None => {
            let advice = "Start it, or let this machine in; the services connect again by \
                          themselves.";
            patient.broken(CHECK, SUBJECT, found, advice);
        }
    }
}

async fn look(patient: &mut Patient, connection: &mut PgConnection, server: &store::Server) {
    patient.note(format!("Postgres {}", server.version));
    if server.version_number < VERSION_MIN {
        let found = format!("version {} is too old", server.version);
        patient.broken(
            CHECK,
            SUBJECT,
            found,
            "Florin needs 15 or later: upgrade the server.",
        );
    }
    for name in &server.unsafe_settings {
        let found = format!("{name} is off: a crash may lose writes that were acknowledged");
        let advice = format!(
            "Set {name} = on where it is off: in postgresql.conf, or with ALTER ROLE or ALTER \
             DATABASE … RESET {name}. Then restart the services."
        );
        patient.broken(CHECK, SUBJECT, found, advice);
    }
    let (used, most) = (server.connections, server.max_connections);
    if used * 100 >= most * CONNECTIONS_PERCENT {
        let found = format!("{used} of {most} connections are in use");
        let advice = "Raise max_connections, or find who holds them: pg_stat_activity has an \
                      application_name for each.";
        patient.worrying(CHECK, SUBJECT, found, advice);
    }
    skew(patient, connection).await;
    match store::old_transactions(connection, TRANSACTION_MINUTES).await {
        Ok(old) => {
            for (pid, name, minutes) in old {
                let found = format!("a transaction of `{name}` is open for {minutes} minutes");
                let advice = format!(
                    "It holds back vacuum and perhaps others. When nobody needs it, \
                     pg_terminate_backend({pid}) ends it."
                );
                patient.worrying(CHECK, SUBJECT, found, advice);
            }
        }
        Err(error) => unreadable(patient, &error),
    }
    migrations(patient, connection).await;
}

/// Our clock beside the server's, asked between two looks at ours.
async fn skew(patient: &mut Patient, connection: &mut PgConnection) {
    let clock = Clock::system();
    let before = clock.now();
    let theirs = match store::now(connection).await {
        Ok(theirs) => theirs,
        Err(error) => return unreadable(patient, &error),
    };
    let ours = before + (clock.now() - before) / 2;
    let skew: TimeDelta = theirs.with_timezone(&Utc) - ours;
    if skew.abs() > SKEW_MAX {
        let found = format!(
            "its clock is {} s {} of this machine's",
            skew.abs().num_seconds(),
            if skew > TimeDelta::zero() {
                "ahead"
            } else {
                "behind"
            }
        );
        let advice = "Have both follow the same time servers (chrony or systemd-timesyncd): tokens \
                      expire and days are cut by the clock.";
        patient.worrying("clock", SUBJECT, found, advice);
    }
}

async fn migrations(patient: &mut Patient, connection: &mut PgConnection) {
    for (schema, wanted) in migrate::versions() {
        let applied = match store::migrations(connection, schema).await {
            Ok(applied) => applied,
            Err(error) => return unreadable(patient, &error),
        };
        let pending = wanted
            .iter()
            .filter(|version| !applied.contains(version))
            .count();
        if pending > 0 {
            let found = format!("{pending} migrations of the schema {schema} are not applied");
            let advice = "Run `florin migrate --database-url URL` as the owner, or start the \
                          fleet again: `florin up` migrates first.";
            patient.broken("migrations", schema, found, advice);
        }
    }
}

pub fn unreadable(patient: &mut Patient, error: &sqlx::Error) {
    if !patient.has_found("postgres", "Postgres") {
        let found = format!("it does not answer every question: {error}");
        patient.worrying(CHECK, SUBJECT, found, "Look at its log, and ask again.");
    }
}
