//! A worker's tables as an earlier version made and filled them.

use std::borrow::Cow;

use service_runtime::{
    migrate::{self, Part},
    worker::WORKER_MIGRATIONS,
};
use sqlx::{Connection as _, PgConnection, migrate::Migrator};
use testkit::TestDatabase;

const PART: Part = Part {
    schema: "upgraded",
    role: "florin_upgraded",
};
/// The last migration before people could act on dead letters.
const BEFORE: i64 = 4;
const PASSWORD: &str = "upgraded";

/// How that version parks an event.
const PARK: &str = "
    INSERT INTO upgraded.dead_letters (id, consumer, source, seq, subject, noun_verb, headers,
                                       data, reason, error, attempts, first_at, last_at)
    VALUES (gen_random_uuid(), 'analytics', 'ledger', $1, '', '', '[]', '', '', '', 1, now(), now())";

/// Old and new processes run side by side while a fleet is updated.
#[tokio::test]
async fn the_version_before_runs_on_the_new_tables_and_the_new_one_has_its_rights() {
    let database = TestDatabase::create().await;
    let mut owner = PgConnection::connect(&database.url())
        .await
        .expect("connects");
    let all = WORKER_MIGRATIONS.iter().cloned();
    let before = Migrator {
        migrations: Cow::Owned(all.filter(|one| one.version <= BEFORE).collect()),
        ignore_missing: true,
        ..WORKER_MIGRATIONS
    };
    migrate::apply(&mut owner, PART, Some(PASSWORD), &[&before])
        .await
        .expect("migrates");
    let rights = "GRANT USAGE ON SCHEMA upgraded TO florin_upgraded;
                  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA upgraded
                      TO florin_upgraded";
    sqlx::raw_sql(rights)
        .execute(&mut owner)
        .await
        .expect("grants");
    let url = database.url_as(PART.role, PASSWORD);
    let mut worker = PgConnection::connect(&url).await.expect("connects");
    sqlx::query(PARK)
        .bind(1_i64)
        .execute(&mut worker)
        .await
        .expect("parks");

    migrate::apply(&mut owner, PART, None, &[&WORKER_MIGRATIONS])
        .await
        .expect("migrates");
    sqlx::query(PARK)
        .bind(2_i64)
        .execute(&mut worker)
        .await
        .expect("parks");
    let note = "INSERT INTO upgraded.dead_letter_history (dead_letter, at, action, by, note)
                SELECT id, now(), 'discarded', 'ann', '' FROM upgraded.dead_letters;
                INSERT INTO upgraded.dead_letter_answers
                SELECT 'ann', id::text, '', id, '{}', now() FROM upgraded.dead_letters";
    sqlx::raw_sql(note)
        .execute(&mut worker)
        .await
        .expect("acts");
    let unknown: i64 =
        sqlx::query_scalar("SELECT count(*) FROM upgraded.dead_letters WHERE stake IS NULL")
            .fetch_one(&mut worker)
            .await
            .expect("reads");
    assert_eq!(unknown, 2, "what nobody noted is unknown, and not nothing");
}
