//! What a wallet held at a moment, against a replay of the log that shares no code with it.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use contracts::{LedgerEvent, WalletId};
use ledger_api::auth::Role;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use service_runtime::Clock;

use crate::world::World;

/// Numbers that look random and are the same in every run.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: i64) -> i64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

/// One leg, as the log tells it.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) seq: u64,
    pub(super) transaction: String,
    pub(super) wallet: WalletId,
    pub(super) currency: String,
    pub(super) amount: Decimal,
    pub(super) version: u64,
    pub(super) posted_at: DateTime<Utc>,
    pub(super) effective_at: DateTime<Utc>,
}

impl Told {
    pub(super) fn at(&self, by: &str) -> DateTime<Utc> {
        if by == "posted" {
            self.posted_at
        } else {
            self.effective_at
        }
    }
}

/// A world with a busy past: several movements at the same moment, others apart, and many that
/// were written late.
pub(super) struct Past {
    pub(super) world: World,
    pub(super) clock: Clock,
    pub(super) staff: String,
    pub(super) wallets: Vec<String>,
    pub(super) dice: Dice,
}

/// The currencies that move, with amounts that fit their scales.
const MOVES: [(&str, &str); 3] = [("EUR", "0.07"), ("JPY", "7"), ("BTC", "0.00000007")];

impl Past {
    pub(super) async fn of(movements: usize, seed: u64) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let world = World::start_at(clock.clone()).await;
        let staff = world.token_now(Role::Operator, "");
        let mut wallets = Vec::new();
        for owner in ["ann", "bob", "cy"] {
            wallets.push(world.wallet(owner, "customer").await);
        }
        let mut past = Self {
            world,
            clock,
            staff,
            wallets,
            dice: Dice(seed),
        };
        for wallet in past.wallets.clone() {
            for (currency, _) in MOVES {
                past.write(
                    "deposit",
                    &wallet,
                    json!({"amount": "1000", "currency": currency}),
                )
                .await;
            }
        }
        for _ in 0..movements {
            past.move_something().await;
        }
        past
    }

    pub(super) async fn move_something(&mut self) {
        if self.dice.roll(3) > 0 {
            let micros = [1, 400, 1_000, 70_000][usize::try_from(self.dice.roll(4)).expect("0..4")];
            self.clock.advance(Duration::from_micros(micros));
        }
        let pick = |number: i64| usize::try_from(number).expect("0..");
        let wallet = self.wallets[pick(self.dice.roll(3))].clone();
        let (currency, amount) = MOVES[pick(self.dice.roll(3))];
        let mut body = json!({"amount": amount, "currency": currency});
        if self.dice.roll(5) < 2 {
            let late = TimeDelta::microseconds(self.dice.roll(2_000_000));
            body["effective_at"] = json!((self.clock.now() - late).to_rfc3339());
        }
        let verb = ["deposit", "withdraw", "transfer"][pick(self.dice.roll(3))];
        if verb == "transfer" {
            let other = self.wallets.iter().find(|other| **other != wallet);
            body["to_wallet"] = json!(other);
        }
        self.write(verb, &wallet, body).await;
    }

    async fn write(&self, verb: &str, wallet: &str, body: Value) {
        let path = format!("/v1/wallets/{wallet}/{verb}");
        self.world.write(&self.staff, &path, &body).await.ok(201);
    }

    /// Every leg of a wallet that the log tells, in its order.
    pub(super) async fn told(&self) -> Vec<Told> {
        let rows: Vec<String> = sqlx::query_scalar("SELECT data FROM ledger.events ORDER BY seq")
            .fetch_all(&self.world.owner)
            .await
            .expect("the log is there");
        let mut told = Vec::new();
        for data in rows {
            let Ok(LedgerEvent::Posted(posted)) = LedgerEvent::decode(data.as_bytes()) else {
                continue;
            };
            for leg in &posted.legs {
                if let (Some(wallet), Some(version)) = (leg.wallet, leg.version) {
                    told.push(Told {
                        seq: posted.seq,
                        transaction: posted.transaction.to_string(),
                        wallet,
                        currency: leg.currency.code().to_owned(),
                        amount: leg.amount,
                        version,
                        posted_at: posted.posted_at,
                        effective_at: posted.effective_at,
                    });
                }
            }
        }
        told
    }

    /// Some moment of the past: of a movement, just beside one, or any.
    pub(super) fn moment(&mut self, told: &[Told]) -> DateTime<Utc> {
        let number = i64::try_from(told.len()).expect("few");
        let one = &told[usize::try_from(self.dice.roll(number)).expect("0..")];
        let at = [one.posted_at, one.effective_at][usize::from(self.dice.roll(2) == 0)];
        match self.dice.roll(5) {
            0 => at - TimeDelta::microseconds(1),
            1 => at + TimeDelta::microseconds(1),
            2 => at + TimeDelta::microseconds(self.dice.roll(500_000) - 250_000),
            _ => at,
        }
    }
}

/// A time as it goes into a query.
pub(super) fn query_time(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Micros, true)
}

pub(super) fn decimal(value: &Value) -> Decimal {
    value.as_str().expect("a text").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_at_any_moment_is_what_a_replay_of_the_log_gives_by_either_time() {
    let mut past = Past::of(160, 7).await;
    let told = past.told().await;
    let late = told.iter().filter(|leg| leg.effective_at < leg.posted_at);
    assert!(late.count() > 30, "much was written late");
    for wallet in past.wallets.clone() {
        for round in 0..70 {
            let at = past.moment(&told);
            let by = ["posted", "effective"][round % 2];
            let path = format!("/v1/wallets/{wallet}?at={}&by={by}", query_time(at));
            let answer = past.world.get(&past.staff, &path).await.ok(200);
            let mut replayed: BTreeMap<&str, (Decimal, u64)> = BTreeMap::new();
            for leg in &told {
                if leg.wallet.to_string() == wallet && leg.at(by) <= at {
                    let entry = replayed.entry(&leg.currency).or_default();
                    *entry = (entry.0 + leg.amount, entry.1.max(leg.version));
                }
            }
            let balances = answer["balances"].as_array().expect("balances");
            assert_eq!(balances.len(), replayed.len(), "{path}: {answer}");
            for (balance, (currency, (posted, version))) in balances.iter().zip(&replayed) {
                assert_eq!(balance["currency"], *currency, "{path}");
                assert_eq!(decimal(&balance["posted"]), *posted, "{path}: {answer}");
                if by == "posted" {
                    assert_eq!(balance["version"], *version, "{path}");
                    assert_eq!(balance["available"], balance["posted"], "{path}");
                } else {
                    assert_eq!(balance.get("held"), None, "{path}");
                }
            }
        }
    }
    past.world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_moment_is_refused_and_what_has_not_come_is_now() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "5.00", "EUR").await;
    let path = |query: &str| format!("/v1/wallets/{wallet}?{query}");
    for query in [
        "at=",
        "at=yesterday",
        "at=2026-01-01",
        "at=2026-01-01T00:00:00+01:00",
        "at=1800-01-01T00:00:00Z",
        "by=posted",
        "at=2026-01-01T00:00:00Z&by=both",
        "at=2026-01-01T00:00:00Z&at=2026-01-01T00:00:00Z",
        "when=2026-01-01T00:00:00Z",
    ] {
        let reply = world.get(&world.staff(), &path(query)).await;
        reply.refused(400, "invalid_query", query);
    }
    let ann = world.customer("ann");
    for by in ["posted", "effective"] {
        let reply = world
            .get(&ann, &path(&format!("at=9000-01-01T00:00:00Z&by={by}")))
            .await;
        assert_eq!(reply.ok(200)["balances"][0]["posted"], "5.00", "{by}");
        let reply = world
            .get(&ann, &path(&format!("at=2000-01-01T00:00:00Z&by={by}")))
            .await;
        assert_eq!(reply.ok(200)["balances"], json!([]), "{by}");
    }
    let eve = world.customer("eve");
    world
        .get(&eve, &path("at=2000-01-01T00:00:00Z"))
        .await
        .refused(404, "not_found", "another's wallet");
    world.close().await;
}

/// What each posting is for and when it counts.
async fn headings(world: &World) -> Vec<(i64, Option<String>, Option<DateTime<Utc>>, bool)> {
    sqlx::query_as(
        "SELECT seq, kind, effective_at, backdated FROM ledger.postings ORDER BY seq, amount",
    )
    .fetch_all(&world.owner)
    .await
    .expect("the database answers")
}

/// A process of the version before leaves the new columns out while an update is under way.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_version_left_out_is_filled_in_from_the_log() {
    let past = Past::of(40, 17).await;
    let before = headings(&past.world).await;
    assert!(before.iter().any(|(_, _, _, backdated)| *backdated));
    sqlx::raw_sql(
        "ALTER TABLE ledger.postings DISABLE TRIGGER postings_are_never_changed;
         UPDATE ledger.postings SET kind = NULL, effective_at = NULL, backdated = false
         WHERE seq % 2 = 0;
         ALTER TABLE ledger.postings ENABLE TRIGGER postings_are_never_changed",
    )
    .execute(&past.world.owner)
    .await
    .expect("the owner may");
    assert_ne!(headings(&past.world).await, before);
    sqlx::raw_sql("SELECT ledger.fill_postings()")
        .execute(&past.world.owner)
        .await
        .expect("filled");
    assert_eq!(headings(&past.world).await, before);
    past.world.close().await;
}

/// A lane writes balances before it waits for the log: what it wrote is nobody's business yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_read_during_a_posting_sees_the_balance_before_and_after_the_answer_the_one_after() {
    let world = World::start().await;
    let wallet = world.wallet_with("ann", "5.00", "EUR").await;
    let staff = world.staff();
    let path = format!("/v1/wallets/{wallet}");
    for round in 0..20 {
        let mut head = world.owner.begin().await.expect("begins");
        sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
            .execute(&mut *head)
            .await
            .expect("the head is held");
        let body = json!({"amount": "1.00", "currency": "EUR"});
        let deposit_path = format!("{path}/deposit");
        let deposit = world.write(&staff, &deposit_path, &body);
        let look = async {
            lane_waits(&world).await;
            for path in [
                path.clone(),
                format!("{path}/summary"),
                format!("{path}?at=9000-01-01T00:00:00Z"),
                format!("{path}?at=9000-01-01T00:00:00Z&by=effective"),
            ] {
                let answer = world.get(&staff, &path).await.ok(200);
                let wallet = answer.get("wallet").unwrap_or(&answer);
                let posted = &wallet["balances"][0]["posted"];
                assert_eq!(*posted, format!("{}.00", 5 + round), "{path}");
            }
            head.rollback().await.expect("the lane goes on");
        };
        let (reply, ()) = tokio::join!(deposit, look);
        reply.ok(201);
        let answer = world.get(&staff, &path).await.ok(200);
        assert_eq!(answer["balances"][0]["posted"], format!("{}.00", 6 + round));
    }
    world.close().await;
}

async fn lane_waits(world: &World) {
    testkit::eventually("a lane waits", Duration::from_secs(20), async || {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'florin-lane'
               AND datname = current_database() AND wait_event_type = 'Lock'",
        )
        .fetch_one(&world.owner)
        .await
        .expect("the database answers");
        waiting == 1
    })
    .await;
}
