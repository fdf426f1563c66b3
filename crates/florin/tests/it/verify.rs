//! `florin verify` finds one planted violation of every law and says what it is.

use florin::verify::{Report, check, law, prove};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::books;

/// A slice smaller than the log, so that every law is tried across the edge of slices.
const SLICE: i64 = 3;

/// What breaks which law, and words of the evidence.
const PLANTED: &[(&str, &str, &str)] = &[
    (
        "transactions_balance",
        "UPDATE ledger.postings SET amount = amount + 1 WHERE seq = 6 AND amount > 0",
        "transaction 6: its postings in EUR sum to 1.00",
    ),
    (
        "books_sum_to_zero",
        "UPDATE ledger.balances SET posted = posted + 7 WHERE account = 'main' AND currency = 'KRW'
             AND posted = 1200",
        "KRW: all accounts together hold 7",
    ),
    (
        "balances_are_their_postings",
        "UPDATE ledger.balances SET posted = posted + 7 WHERE account = 'main' AND posted = 1200;
         UPDATE ledger.balances SET posted = posted - 7 WHERE account = 'main' AND posted = 3800",
        "the balance is 1207, its postings sum to 1200",
    ),
    (
        "balance_chains_are_whole",
        "DELETE FROM ledger.postings WHERE seq = 6 AND amount < 0",
        "version 3 follows version 1",
    ),
    (
        "balance_chains_are_whole",
        "UPDATE ledger.balances SET version = version + 1 WHERE posted = 64.50",
        "the balance is at version 4, its last posting at 3",
    ),
    (
        "no_balance_below_its_floor",
        "ALTER TABLE ledger.balances DROP CONSTRAINT balance_stays_above_its_floor;
         UPDATE ledger.balances SET held = 70 WHERE posted = 64.50",
        "64.50 less 70 held is below 0",
    ),
    (
        "no_balance_below_its_floor",
        "UPDATE ledger.balances SET credit_limit = NULL WHERE posted = 64.50",
        "has no floor",
    ),
    (
        "head_is_the_last_event",
        "DELETE FROM ledger.events WHERE seq = 10",
        "the head is at 10",
    ),
    (
        "head_is_the_last_event",
        "UPDATE ledger.head SET hash = sha256('x')",
        "the head is at 10",
    ),
    (
        "head_is_the_last_event",
        "DELETE FROM ledger.head",
        "the last event is 10",
    ),
    (
        "postings_belong_to_events",
        "UPDATE ledger.postings SET seq = 77 WHERE seq = 6",
        "there is no event 77",
    ),
    (
        "answers_belong_to_events",
        "UPDATE ledger.answers SET seq = 77 WHERE seq = 6",
        "there is no event 77",
    ),
    (
        "answers_belong_to_events",
        "UPDATE ledger.answers SET seq = 7 WHERE seq = 6",
        "event 7 has 2 answers",
    ),
    (
        "keys_have_answers",
        "DELETE FROM ledger.answers WHERE seq = 9",
        "the key \"row 5\" of \"books\" has no answer",
    ),
    (
        "wallets_come_from_the_log",
        "INSERT INTO ledger.wallets (id, owner, kind, created_at)
         VALUES ('01900000-0000-7000-8000-000000000000', 'eve', 'customer', now())",
        "there are 4 wallets, the log opened 3",
    ),
    (
        "data_is_json",
        "UPDATE ledger.events SET data = left(data, -1) WHERE seq = 6",
        "the data of event 6 is not JSON",
    ),
    (
        "log_has_no_gaps",
        "DELETE FROM ledger.events WHERE seq = 4",
        "event 4 is missing",
    ),
    (
        "log_has_no_gaps",
        "DELETE FROM ledger.events WHERE seq IN (8, 9)",
        "events 8 to 9 are missing",
    ),
    (
        "hash_chain_holds",
        "UPDATE ledger.events SET data = replace(data, '25.50', '26.50') WHERE seq = 6",
        "event 6: its hash is",
    ),
    (
        "hash_chain_holds",
        "UPDATE ledger.events SET hash = sha256('x') WHERE seq = 3",
        "event 4: its hash is",
    ),
    (
        "time_never_runs_backwards",
        "UPDATE ledger.events SET posted_at = posted_at - interval '1 hour' WHERE seq = 7",
        "event 7 is of",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET event_id = '01900000-0000-7000-8000-000000000000' WHERE seq = 6",
        "event 6: the data says id evt_",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET subject = 'ledger.v1.deposit.posted.03' WHERE seq = 6",
        "the data says type florin.ledger.transfer.posted.v1",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET data = replace(data, '\"seq\":6', '\"seq\":5') WHERE seq = 6",
        "event 6: the data says seq 5, the row 6",
    ),
    (
        "data_says_what_the_columns_say",
        "UPDATE ledger.events SET posted_at = posted_at + interval '1 us' WHERE seq = 10",
        "event 10: the data says posted_at",
    ),
    (
        "postings_are_the_legs",
        "UPDATE ledger.events SET data = replace(data, '\"25.50\"', '\"26.50\"') WHERE seq = 6",
        "event 6: the data has a leg that is no posting: 26.50 EUR",
    ),
    (
        "postings_are_the_legs",
        "DELETE FROM ledger.postings WHERE seq = 7 AND amount > 0",
        "event 7: the data has a leg that is no posting: 10.00 EUR",
    ),
    (
        "postings_are_the_legs",
        "INSERT INTO ledger.postings SELECT wallet_id, account, currency, version + 9, seq,
             transaction_id, amount, balance_after FROM ledger.postings WHERE seq = 7",
        "event 7: there is a posting that is no leg of the data: 10.00 EUR",
    ),
    (
        "wallets_are_those_the_log_opened",
        "UPDATE ledger.wallets SET owner = 'eve' WHERE owner = 'ann'",
        "for \"ann\": its row is missing or says otherwise",
    ),
];

/// The same for the laws about workers, on a ledger whose worker has counted everything.
const PLANTED_AT_THE_WORKER: &[(&str, &str, &str)] = &[
    (
        "inbox_is_within_the_log",
        "UPDATE analytics.inbox SET done = '{[1,13)}'",
        "analytics claims to have handled {[11,13)} of ledger, the log has [1,11)",
    ),
    (
        "inbox_is_within_the_log",
        "UPDATE analytics.inbox SET done = '{[-4,11)}'",
        "analytics claims to have handled {[-4,1)}",
    ),
    (
        "troubled_events_are_marked",
        "UPDATE analytics.inbox SET done = '{[1,6),[7,11)}';
         INSERT INTO analytics.retrying VALUES
             ('analytics', 'ledger', 6, '', '{}', '', 1, now(), now(), now(), '')",
        "analytics retries event 6 without having marked it",
    ),
    (
        "dead_letters_are_settled_once",
        "INSERT INTO analytics.dead_letters (id, consumer, source, seq, subject, noun_verb,
             headers, data, reason, error, attempts, first_at, last_at, state)
         VALUES ('00000000-0000-0000-0000-000000000007', 'analytics', 'ledger', 5, '', '', '{}',
             '', '', '', 1, now(), now(), 'replayed');
         INSERT INTO analytics.dead_letter_history (dead_letter, at, action, by, note)
         SELECT id, now(), unnest(ARRAY['replayed', 'discarded']), '', ''
         FROM analytics.dead_letters",
        "dlt_00000000000000000000000000000007 as replayed, and its history settles it 2 times",
    ),
    (
        "tallies_are_what_was_counted",
        "UPDATE analytics.tallies SET amount = amount + 1 WHERE category = 'paid' AND currency = 'EUR'",
        "paid EUR: the worker counted 1 with 11.00, the postings are 1 with 10.00",
    ),
    (
        "tallies_are_what_was_counted",
        "DELETE FROM analytics.tallies WHERE category = 'transferred_in'",
        "transferred_in EUR: the worker counted 0 with 0, the postings are 1 with 25.50",
    ),
    (
        "tallies_are_what_was_counted",
        "UPDATE analytics.inbox SET done = '{[1,6),[7,11)}'",
        "transferred_out EUR: the worker counted 1 with 25.50",
    ),
    (
        "activity_is_what_was_seen",
        "UPDATE analytics.activity SET first_seen_at = first_seen_at - interval '1 day'",
        "the worker saw it from",
    ),
];

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
            PLANTED.iter().any(|(name, ..)| *name == law.name),
            "{} is not tried",
            law.name
        );
    }
}

#[tokio::test]
async fn every_law_about_workers_notices_what_breaks_it() {
    for (name, sql, words) in PLANTED_AT_THE_WORKER {
        let database = books::watched().await;
        let report = planted(&database.url(), sql).await;
        let found = report.broken().find(|finding| finding.law.name == *name);
        let found = found.unwrap_or_else(|| panic!("{name} did not notice: {sql}\n{report}"));
        assert_eq!(found.worker, Some("analytics"));
        let said = found
            .evidence
            .iter()
            .any(|evidence| evidence.contains(words));
        assert!(said, "{name} does not say \"{words}\":\n{report}");
    }
    for law in law::CONSUMERS.iter().chain(law::PROJECTIONS) {
        let is_tried = PLANTED_AT_THE_WORKER
            .iter()
            .any(|(name, ..)| *name == law.name);
        assert!(is_tried, "{} is not tried", law.name);
    }
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
