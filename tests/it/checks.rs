//! The checks of this binary see what they look for: a check that cannot fail proves nothing.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::fleet::{Fleet, Load, LoadWallets, half_done, wrong_statistics};

/// Which check must see it, and the damage: by the owner, past every guard of the tables.
const DAMAGE: &[(Check, &str)] = &[
    (
        Check::Statistics,
        "UPDATE analytics.tallies SET count = count + 1 WHERE category = 'paid'",
    ),
    (
        Check::Statistics,
        "UPDATE analytics.tallies SET amount = amount + 0.01",
    ),
    (
        Check::Statistics,
        "DELETE FROM analytics.tallies WHERE category = 'transferred_in'",
    ),
    (
        Check::Statistics,
        "UPDATE analytics.activity SET last_activity_at = now() + interval '1 s'",
    ),
    (
        Check::HalfDone,
        "DELETE FROM ledger.postings WHERE seq = (SELECT max(seq) FROM ledger.postings) AND amount > 0",
    ),
    (
        Check::HalfDone,
        "DELETE FROM ledger.postings WHERE seq = (SELECT max(seq) FROM ledger.postings)",
    ),
    (
        Check::HalfDone,
        "DELETE FROM ledger.events WHERE seq = (SELECT max(seq) FROM ledger.postings)",
    ),
    (
        Check::HalfDone,
        "UPDATE ledger.balances SET posted = posted + 1 WHERE account = 'main'",
    ),
    (
        Check::HalfDone,
        "DELETE FROM ledger.answers WHERE status = 422",
    ),
    (
        Check::History,
        "DELETE FROM ledger.idempotency_keys WHERE key LIKE 'checks-1-%'",
    ),
    (
        Check::History,
        "UPDATE ledger.answers SET body = replace(body, '0.50', '0.51')",
    ),
    (
        Check::History,
        "DELETE FROM ledger.events WHERE subject LIKE 'ledger.v1.payment.posted.%'",
    ),
    (
        Check::History,
        "INSERT INTO ledger.events SELECT seq + 1000000, event_id, subject, data, hash, posted_at, traceparent FROM ledger.events",
    ),
    (
        Check::History,
        "UPDATE ledger.events SET data = replace(data, 'once:checks-1-', 'once:checks-2-')",
    ),
];

#[derive(Debug, Clone, Copy)]
enum Check {
    Statistics,
    HalfDone,
    History,
}

impl Check {
    async fn look(self, fleet: &Fleet, owner: &mut PgConnection) -> Vec<String> {
        match self {
            Self::Statistics => wrong_statistics(owner).await,
            Self::HalfDone => half_done(owner).await,
            Self::History => fleet.broken_promises(owner).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_check_sees_the_damage_that_it_looks_for() {
    let fleet = Fleet::start(&[]).await;
    let client = fleet.service("checks");
    let wallets = LoadWallets::open(&client).await;
    let load = Load::start(&client, &wallets, "checks");
    load.goes_on(300).await;
    load.end().await;
    fleet.close().await;
    let mut owner = fleet.owner.acquire().await.expect("a connection");
    for (check, damage) in DAMAGE {
        // Nobody else sees it, and it is gone afterwards.
        let mut damaged = owner.begin().await.expect("a transaction");
        let unguarded = "SET LOCAL session_replication_role = replica";
        for statement in [unguarded, damage] {
            let done = sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *damaged)
                .await;
            let rows = done
                .unwrap_or_else(|error| panic!("{statement}: {error}"))
                .rows_affected();
            assert!(
                statement == unguarded || rows > 0,
                "nothing was damaged: {statement}"
            );
        }
        let seen = check.look(&fleet, &mut damaged).await;
        assert!(!seen.is_empty(), "{check:?} does not see: {damage}");
        damaged.rollback().await.expect("undone");
    }
    fleet.close().await;
}
