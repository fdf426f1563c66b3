//! `florin verify` finds one planted violation of every law and says what it is.

mod bytes;
mod holds;
mod ledger;
mod payments;
mod workers;

use florin::verify::{Report, check, law, prove};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use self::{
    holds::PLANTED_AT_HOLDS,
    ledger::{PLANTED, PLANTED_AT_THE_WORKER},
    payments::PLANTED_AT_PAYMENTS,
    workers::{PLANTED_AT_FRAUD, PLANTED_AT_SETTLEMENT},
};
use crate::books;

/// A slice smaller than the log, so that every law is tried across the edge of slices.
const SLICE: i64 = 3;

#[tokio::test]
async fn a_ledger_that_was_only_used_is_clean() {
    let database = books::filled().await;
    for report in [
        check(&database.url()).await,
        prove(&database.url(), SLICE).await,
    ] {
        let report = report.expect("proven");
        assert!(report.clean, "{report}");
        assert_eq!(report.head, books::EVENTS);
        assert_eq!(report.laws.len(), law::BOOKS.len() + 1 + law::LOG.len());
    }
}

#[tokio::test]
async fn an_empty_ledger_is_clean() {
    let database = testkit::TestDatabase::create().await;
    let mut owner = connect(&database.url()).await;
    ledger_api::migrate(&mut owner, None)
        .await
        .expect("migrated");
    let report = check(&database.url()).await.expect("proven");
    assert!(report.clean, "{report}");
}

#[tokio::test]
async fn every_law_notices_what_breaks_it() {
    for (name, sql, words) in PLANTED {
        let database = books::filled().await;
        let report = planted(&database.url(), sql).await;
        let found = report.broken().find(|finding| finding.law.name == *name);
        let found = found.unwrap_or_else(|| panic!("{name} did not notice: {sql}\n{report}"));
        let said = found
            .evidence
            .iter()
            .any(|evidence| evidence.contains(words));
        assert!(said, "{name} does not say \"{words}\":\n{report}");
        assert!(!report.clean);
        assert!(report.to_string().contains("BROKEN"));
    }
    for law in law::BOOKS
        .iter()
        .chain(law::LOG)
        .chain([&law::DATA_IS_JSON])
    {
        assert!(
            PLANTED
                .iter()
                .chain(PLANTED_AT_PAYMENTS)
                .chain(PLANTED_AT_HOLDS)
                .any(|(name, ..)| *name == law.name),
            "{} is not tried",
            law.name
        );
    }
}

#[tokio::test]
async fn every_law_about_payments_notices_what_breaks_it() {
    let database = books::corrected().await;
    let report = prove(&database.url(), SLICE).await.expect("proven");
    assert!(report.clean, "{report}");
    for (name, sql, words) in PLANTED_AT_PAYMENTS {
        let database = books::corrected().await;
        let report = planted(&database.url(), sql).await;
        let found = report.broken().find(|finding| finding.law.name == *name);
        let found = found.unwrap_or_else(|| panic!("{name} did not notice: {sql}\n{report}"));
        let said = found
            .evidence
            .iter()
            .any(|evidence| evidence.contains(words));
        assert!(said, "{name} does not say \"{words}\":\n{report}");
    }
}

#[tokio::test]
async fn every_law_about_holds_notices_what_breaks_it() {
    let report = check(&books::holding().await.url()).await.expect("proven");
    assert!(report.clean, "{report}");
    for (name, sql, words) in PLANTED_AT_HOLDS {
        let database = books::holding().await;
        let report = planted(&database.url(), sql).await;
        let found = report.broken().find(|finding| finding.law.name == *name);
        let found = found.unwrap_or_else(|| panic!("{name} did not notice: {sql}\n{report}"));
        let mut said = found.evidence.iter();
        let said = said.any(|evidence| evidence.contains(words));
        assert!(said, "{name} does not say \"{words}\":\n{report}");
    }
}

#[tokio::test]
async fn every_law_about_workers_notices_what_breaks_it() {
    for (name, sql, words) in PLANTED_AT_THE_WORKER {
        let database = books::watched().await;
        notices(&database.url(), "analytics", (name, sql, words)).await;
    }
    for law in law::CONSUMERS.iter().chain(law::PROJECTIONS) {
        is_tried(PLANTED_AT_THE_WORKER, law);
    }
}

#[tokio::test]
async fn every_law_about_settlements_notices_what_breaks_it() {
    for (name, sql, words) in PLANTED_AT_SETTLEMENT {
        let database = books::settled().await;
        notices(&database.url(), "settlement", (name, sql, words)).await;
    }
    for law in law::SETTLEMENTS.iter().chain(law::OWN_LOGS) {
        is_tried(PLANTED_AT_SETTLEMENT, law);
    }
}

#[tokio::test]
async fn every_law_about_alerts_notices_what_breaks_it() {
    for (name, sql, words) in PLANTED_AT_FRAUD {
        let database = books::alarmed().await;
        notices(&database.url(), "fraud", (name, sql, words)).await;
    }
    for law in law::ALERTS {
        is_tried(PLANTED_AT_FRAUD, law);
    }
}

/// One planted violation is found, at that worker, and said in these words.
async fn notices(url: &str, worker: &str, (name, sql, words): (&str, &str, &str)) {
    let report = planted(url, sql).await;
    let found = report.broken().find(|finding| finding.law.name == name);
    let found = found.unwrap_or_else(|| panic!("{name} did not notice: {sql}\n{report}"));
    assert_eq!(found.worker, Some(worker));
    let said = found
        .evidence
        .iter()
        .any(|evidence| evidence.contains(words));
    assert!(said, "{name} does not say \"{words}\":\n{report}");
}

fn is_tried(planted: &[(&str, &str, &str)], law: &law::Law) {
    let is_tried = planted.iter().any(|(name, ..)| *name == law.name);
    assert!(is_tried, "{} is not tried", law.name);
}

#[tokio::test]
async fn workers_that_have_settled_and_alarmed_are_clean() {
    for (database, worker) in [
        (books::settled().await, "settlement"),
        (books::alarmed().await, "fraud"),
    ] {
        let report = check(&database.url()).await.expect("proven");
        assert!(report.clean, "{report}");
        assert_eq!(report.consumers[0].worker, worker);
        let about = report.laws.iter().filter(|law| law.worker == Some(worker));
        assert!(about.count() > law::CONSUMERS.len() + law::OWN_LOGS.len());
    }
}

/// Its payment is no item, because it is a dead letter, and is not missed.
#[tokio::test]
async fn a_payment_that_was_discarded_is_not_missed_among_the_items() {
    const LETTER: &str = "DELETE FROM settlement.items WHERE currency = 'KRW';
        UPDATE settlement.sums SET turnover = turnover - 2400 WHERE currency = 'KRW'
            AND account = 'main';
        INSERT INTO settlement.dead_letters (id, consumer, source, seq, subject, noun_verb, headers,
            data, reason, error, attempts, first_at, last_at, state)
        VALUES (gen_random_uuid(), 'settlement', 'ledger', 10, '', '', '{}', '', '', '', 1, now(),
                now(), 'discarded');
        INSERT INTO settlement.dead_letter_history (dead_letter, at, action, by, note)
        SELECT id, now(), 'discarded', '', '' FROM settlement.dead_letters;";
    let database = books::settled().await;
    let report = planted(&database.url(), LETTER).await;
    assert!(report.clean, "{report}");
}

#[tokio::test]
async fn a_worker_that_has_counted_everything_is_clean() {
    let database = books::watched().await;
    let report = check(&database.url()).await.expect("proven");
    assert!(report.clean, "{report}");
    let [consumer] = report.consumers.as_slice() else {
        panic!("one consumer: {report}")
    };
    assert_eq!((consumer.handled_to, consumer.missing), (books::EVENTS, 0));
}

/// It may be about to count it; that is no violation, and is said.
#[tokio::test]
async fn what_a_worker_has_not_counted_yet_is_told_and_no_violation() {
    let database = books::watched().await;
    let report = planted(
        &database.url(),
        "DELETE FROM analytics.tallies; DELETE FROM analytics.activity;
         UPDATE analytics.inbox SET done = '{[1,4),[9,10)}'",
    )
    .await;
    assert!(report.clean, "{report}");
    let consumer = &report.consumers[0];
    assert_eq!((consumer.handled_to, consumer.missing), (9, 6));
    assert_eq!(consumer.first_missing, ["4-8", "10"]);
    assert!(
        report.to_string().contains("6 still missing: 4-8, 10"),
        "{report}"
    );
}

/// Its effect is not there, because it is a dead letter; once replayed, it is.
#[tokio::test]
async fn a_dead_letter_is_left_out_of_the_recount_until_it_is_replayed() {
    const LETTER: &str = "INSERT INTO analytics.dead_letters (id, consumer, source, seq, subject,
        noun_verb, headers, data, reason, error, attempts, first_at, last_at, state)
        VALUES (gen_random_uuid(), 'analytics', 'ledger', 5, '', '', '{}', '', '', '', 1,
                now(), now(), 'parked');";
    let database = books::watched().await;
    let without = "DELETE FROM analytics.tallies WHERE amount = 5000";
    let report = planted(&database.url(), &format!("{LETTER}{without}")).await;
    let broken: Vec<&str> = report.broken().map(|finding| finding.law.name).collect();
    // Bob was first seen with that deposit.
    assert_eq!(broken, ["activity_is_what_was_seen"], "{report}");
    assert_eq!(report.consumers[0].parked, 1);
    let replay = "UPDATE analytics.dead_letters SET state = 'replayed';
        INSERT INTO analytics.dead_letter_history (dead_letter, at, action, by, note)
        SELECT id, now(), state, '', '' FROM analytics.dead_letters";
    let report = planted(&database.url(), replay).await;
    let broken: Vec<&str> = report.broken().map(|finding| finding.law.name).collect();
    assert_eq!(broken, ["tallies_are_what_was_counted"], "{report}");
}

#[tokio::test]
async fn no_more_than_ten_violations_are_shown_and_all_are_counted() {
    let database = books::filled().await;
    let report = planted(
        &database.url(),
        "INSERT INTO ledger.answers SELECT gen_random_uuid(), 201, '', n
             FROM generate_series(500, 549) AS n",
    )
    .await;
    let found = report
        .broken()
        .find(|f| f.law.name == "answers_belong_to_events");
    let found = found.expect("found");
    assert_eq!(
        (found.violations, found.evidence.len()),
        (50, law::EVIDENCE_MAX)
    );
    assert!(report.to_string().contains("and 40 more"), "{report}");
}

#[tokio::test]
async fn what_is_no_ledger_is_out_of_reach() {
    let database = testkit::TestDatabase::create().await;
    for url in [
        database.url(),
        "postgres://florin@127.0.0.1:1/nowhere".to_owned(),
    ] {
        let error = check(&url).await.expect_err("not a ledger");
        assert_eq!(
            florin::exit::code_of(&error),
            florin::exit::Code::OutOfReach,
            "{error:#}"
        );
    }
}

/// Breaks something as nobody but the owner can, and proves.
async fn planted(url: &str, sql: &str) -> Report {
    let mut owner = connect(url).await;
    // Triggers and foreign keys do not see it.
    let sql = format!("SET session_replication_role = replica; {sql}");
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(&mut owner)
        .await
        .expect("planted");
    prove(url, SLICE).await.expect("proven")
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}
