//! Limits of accounts, on a real Postgres: what may be spent, by whom, until when.

use std::{collections::BTreeMap, time::Duration};

use chrono::{DateTime, Utc};
use contracts::{
    Kind, Money, WalletId,
    event::{KycLevel, RiskLevel},
    parse_amount,
};
use futures_util::future::join_all;
use ledger_api::{
    domain::{AccountChange, Action, ChangeAccount, Movement},
    posting::{Answer, Engine, SubmitError},
};
use rust_decimal::Decimal;
use serde_json::{Value, json};
use service_runtime::Clock;
use sqlx::{PgPool, Row};

use crate::books::{Books, command};

type Outcome = Result<Answer, SubmitError>;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a moment")
}

fn money(amount: &str, currency: &str) -> Money {
    parse_amount(amount, currency.parse().expect("a currency")).expect("an amount")
}

fn spend(kind: Kind, wallet: WalletId, to: Option<WalletId>, amount: Money) -> Action {
    Action::Move(Movement {
        kind,
        wallet,
        counterparty: to,
        amount,
        effective_at: None,
        reference: None,
        order_reference: None,
        merchant_category: None,
        description: None,
        metadata: BTreeMap::new(),
    })
}

/// An account gets a level of verification.
pub(super) fn known(owner: &str, level: KycLevel) -> Action {
    let change = AccountChange::KycLevel {
        level,
        document_reference: None,
    };
    account(owner, change)
}

/// An account changes.
pub(super) fn account(owner: &str, change: AccountChange) -> Action {
    Action::ChangeAccount(ChangeAccount {
        owner: owner.to_owned(),
        change,
        reason: "because".to_owned(),
    })
}

/// The event of a decision.
pub(super) fn event(answer: &Outcome) -> Value {
    let answer = answer.as_ref().expect("an answer");
    serde_json::from_str(&answer.rendered.body).expect("JSON")
}

/// The code of a decision against; empty when it was one for.
pub(super) fn code(answer: &Outcome) -> String {
    event(answer)["code"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Submits under a key of its own.
pub(super) async fn submit(engine: &Engine, action: Action) -> Outcome {
    let key = crate::world::fresh_key();
    engine.submit(command("limits", &key, action)).await
}

async fn wallet(books: &Books, owner: &str) -> WalletId {
    let opened = submit(&books.engine, crate::books::open(owner)).await;
    let id = event(&opened)["wallet"].as_str().expect("an id").to_owned();
    id.parse().expect("an id")
}

async fn wallet_with(books: &Books, owner: &str, funds: &[(&str, &str)]) -> WalletId {
    let wallet = wallet(books, owner).await;
    for (amount, currency) in funds {
        let action = spend(Kind::Deposit, wallet, None, money(amount, currency));
        assert_eq!(code(&submit(&books.engine, action).await), "");
    }
    wallet
}

async fn withdraw(engine: &Engine, wallet: WalletId, amount: &str, currency: &str) -> Outcome {
    let action = spend(Kind::Withdrawal, wallet, None, money(amount, currency));
    submit(engine, action).await
}

/// What an account used, as the limits say it.
async fn used(owner: &PgPool, account: &str, currency: &str, now: DateTime<Utc>) -> [String; 2] {
    let usages = ledger_api::store::usages::of_owner(owner, account, now)
        .await
        .expect("the database answers");
    let usage = usages
        .iter()
        .find(|usage| usage.day_used.currency().code() == currency)
        .expect("a usage");
    [usage.day_used.to_string(), usage.month_used.to_string()]
}

/// What an account spent, by the postings alone. Nothing in these tests has a fee.
async fn spent(owner: &PgPool, account: &str, currency: &str, now: DateTime<Utc>) -> [Decimal; 2] {
    let row = sqlx::query(
        "SELECT coalesce(sum(-p.amount) FILTER (WHERE (e.posted_at AT TIME ZONE 'UTC')::date
                                                     = ($3 AT TIME ZONE 'UTC')::date), 0),
                coalesce(sum(-p.amount), 0)
         FROM ledger.postings p JOIN ledger.wallets w ON w.id = p.wallet_id
         JOIN ledger.events e USING (seq)
         WHERE w.owner = $1 AND p.currency = $2 AND p.amount < 0
           AND split_part(e.subject, '.', 3) IN ('withdrawal', 'transfer', 'payment')
           AND date_trunc('month', e.posted_at AT TIME ZONE 'UTC')
               = date_trunc('month', $3 AT TIME ZONE 'UTC')",
    )
    .bind(account)
    .bind(currency)
    .bind(now)
    .fetch_one(owner)
    .await
    .expect("the database answers");
    [row.get(0), row.get(1)]
}

/// Checks that what counts against the limits is what the books say.
async fn check(books: &Books, account: &str, currencies: &[&str], now: DateTime<Utc>) {
    for currency in currencies {
        let used = used(&books.owner, account, currency, now).await;
        let used = used.map(|text| text.parse::<Decimal>().expect("a number"));
        let spent = spent(&books.owner, account, currency, now).await;
        assert_eq!(used, spent, "{account} {currency}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_hundred_payments_of_100_at_once_exactly_ten_pass_a_daily_limit_of_1000() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    // Two wallets of one owner, two lanes, two processes: one limit.
    let wallets = [
        wallet_with(&books, "ann", &[("10000.00", "USD")]).await,
        wallet_with(&books, "ann", &[("10000.00", "USD")]).await,
    ];
    let shop = wallet(&books, "shop").await;
    let set = submit(&books.engine, known("ann", KycLevel::None)).await;
    assert_eq!(
        event(&set)["type"],
        "florin.ledger.account.kyc_level_set.v1"
    );
    let answers = join_all((0..100).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        let from = wallets[n / 2 % 2];
        let pay = spend(Kind::Payment, from, Some(shop), money("100.00", "USD"));
        submit(engine, pay)
    }))
    .await;
    let passed = answers.iter().filter(|answer| code(answer).is_empty());
    assert_eq!(passed.count(), 10);
    let refused = answers.iter().find(|answer| !code(answer).is_empty());
    let refused = event(refused.expect("ninety were refused"));
    assert_eq!(refused["code"], "limit_exceeded");
    assert_eq!(refused["limit"]["window"], "day");
    assert_eq!(refused["limit"]["limit"], "1000.00");
    assert_eq!(refused["limit"]["used"], "1000.00");
    check(&books, "ann", &["USD"], Clock::system().now()).await;
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_nobody_said_anything_about_has_no_limit_and_costs_nothing() {
    let books = Books::open().await;
    let ann = wallet_with(&books, "ann", &[("9000000.00", "USD")]).await;
    assert_eq!(
        code(&withdraw(&books.engine, ann, "9000000.00", "USD").await),
        ""
    );
    assert_eq!(books.count("usages").await, 0);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_day_is_over_at_midnight_utc_and_not_a_moment_before() {
    let clock = Clock::manual(at("2026-03-26T22:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engine = &books.engine;
    let funds = [("9000.00", "USD"), ("900000", "JPY")];
    let (ann, bob) = (
        wallet_with(&books, "ann", &funds).await,
        wallet_with(&books, "bob", &[]).await,
    );
    submit(engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    assert_eq!(code(&withdraw(engine, ann, "1000.00", "USD").await), "");
    // The same in another currency is another sum, at the house's rate.
    assert_eq!(code(&withdraw(engine, ann, "150000", "JPY").await), "");
    let refused = [
        withdraw(engine, ann, "0.01", "USD").await,
        submit(
            engine,
            spend(Kind::Transfer, ann, Some(bob), money("0.01", "USD")),
        )
        .await,
        submit(
            engine,
            spend(Kind::Payment, ann, Some(bob), money("0.01", "USD")),
        )
        .await,
        withdraw(engine, ann, "1", "JPY").await,
    ];
    assert!(
        refused
            .iter()
            .all(|answer| code(answer) == "limit_exceeded")
    );
    assert_eq!(
        event(&refused[0])["limit"]["resets_at"],
        "2026-03-27T00:00:00Z"
    );
    // What comes in is nobody's spending.
    let back = spend(Kind::Deposit, ann, None, money("5000.00", "USD"));
    assert_eq!(code(&submit(engine, back).await), "");

    clock.set(at("2026-03-26T23:59:59.999999Z"));
    assert_eq!(
        code(&withdraw(engine, ann, "0.01", "USD").await),
        "limit_exceeded"
    );
    for day in 27..=30 {
        clock.set(at(&format!("2026-03-{day}T00:00:00Z")));
        assert_eq!(
            code(&withdraw(engine, ann, "1000.00", "USD").await),
            "",
            "{day}"
        );
        check(&books, "ann", &["USD", "JPY"], clock.now()).await;
    }
    // Five thousand in March: the month is used up too.
    clock.set(at("2026-03-31T23:59:59Z"));
    let refused = event(&withdraw(engine, ann, "0.01", "USD").await);
    let (window, ends) = (&refused["limit"]["window"], &refused["limit"]["resets_at"]);
    assert_eq!(
        (window, ends),
        (&json!("month"), &json!("2026-04-01T00:00:00Z"))
    );
    clock.set(at("2026-04-01T00:00:00Z"));
    assert_eq!(code(&withdraw(engine, ann, "1000.00", "USD").await), "");
    assert_eq!(
        used(&books.owner, "ann", "USD", clock.now()).await,
        ["1000.00", "1000.00"]
    );
    books.close().await;
}

/// The event's day is the limit's day, also for a batch that was decided at 23:59:59 and got the
/// head of the log after midnight.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_waits_for_the_log_past_midnight_counts_for_the_new_day() {
    let clock = Clock::manual(at("2026-03-30T23:59:59Z"));
    let books = Books::open_at(clock.clone()).await;
    let ann = wallet_with(&books, "ann", &[("9000.00", "USD")]).await;
    submit(&books.engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    assert_eq!(
        code(&withdraw(&books.engine, ann, "700.00", "USD").await),
        ""
    );

    let mut head = books.owner.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
        .execute(&mut *head)
        .await
        .expect("the head is held");
    let late = async {
        books.wait_for_lanes(1).await;
        clock.set(at("2026-03-31T00:00:01Z"));
        head.rollback().await.expect("the lane goes on");
    };
    let (answer, ()) = tokio::join!(withdraw(&books.engine, ann, "900.00", "USD"), late);
    // Yesterday it would have been too much; it is posted today.
    assert_eq!(code(&answer), "");
    assert_eq!(event(&answer)["posted_at"], "2026-03-31T00:00:01Z");
    assert_eq!(
        used(&books.owner, "ann", "USD", clock.now()).await,
        ["900.00", "1600.00"]
    );
    check(&books, "ann", &["USD"], clock.now()).await;
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lower_level_applies_to_the_next_payment() {
    let books = Books::open().await;
    let engine = &books.engine;
    let ann = wallet_with(&books, "ann", &[("90000.00", "USD")]).await;
    submit(engine, known("ann", KycLevel::Advanced))
        .await
        .expect("set");
    assert_eq!(code(&withdraw(engine, ann, "4000.00", "USD").await), "");
    let risky = account("ann", AccountChange::RiskLevel(RiskLevel::High));
    submit(engine, risky).await.expect("set");
    // At most a thousand at once, five thousand a day: of the lower level, the lower limit.
    let refused = event(&withdraw(engine, ann, "1000.01", "USD").await);
    assert_eq!(refused["limit"]["window"], "transaction");
    assert!(refused["limit"].get("resets_at").is_none());
    assert_eq!(code(&withdraw(engine, ann, "1000.00", "USD").await), "");
    let refused = event(&withdraw(engine, ann, "0.01", "USD").await);
    assert_eq!(refused["limit"]["window"], "day");
    submit(engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    let refused = event(&withdraw(engine, ann, "0.01", "USD").await);
    assert_eq!(
        (&refused["limit"]["limit"], &refused["limit"]["used"]),
        (&json!("1000.00"), &json!("5000.00"))
    );
    books.close().await;
}

/// Nobody gets a day's limit anew by spending first and being verified afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_spent_before_the_first_level_counts() {
    let clock = Clock::manual(at("2026-03-10T12:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engine = &books.engine;
    let ann = wallet_with(&books, "ann", &[("9000.00", "USD"), ("900.00", "EUR")]).await;
    let other = wallet_with(&books, "ann", &[("9000.00", "USD")]).await;
    let bob = wallet_with(&books, "bob", &[("50.00", "USD")]).await;
    assert_eq!(code(&withdraw(engine, ann, "3900.00", "USD").await), "");
    clock.set(at("2026-03-11T12:00:00Z"));
    let transfer = spend(Kind::Transfer, other, Some(bob), money("400.00", "USD"));
    assert_eq!(code(&submit(engine, transfer).await), "");
    assert_eq!(code(&withdraw(engine, ann, "1.00", "EUR").await), "");
    // In one batch with the level, before it and after it.
    let held = books.stall().await;
    let together = async {
        let group = [
            spend(Kind::Withdrawal, ann, None, money("500.00", "USD")),
            known("ann", KycLevel::None),
            spend(Kind::Withdrawal, other, None, money("100.01", "USD")),
            spend(Kind::Withdrawal, other, None, money("100.00", "USD")),
        ];
        join_all(group.map(|action| submit(engine, action))).await
    };
    let (answers, released) = tokio::join!(together, held.rollback());
    released.expect("the lanes go on");
    let codes: Vec<String> = answers.iter().map(code).collect();
    assert_eq!(codes, ["", "", "limit_exceeded", ""]);
    assert_eq!(
        used(&books.owner, "ann", "USD", clock.now()).await,
        ["1000.00", "4900.00"]
    );
    check(&books, "ann", &["USD", "EUR"], clock.now()).await;
    // Whom nobody said anything about still has no limit.
    assert_eq!(code(&withdraw(engine, bob, "450.00", "USD").await), "");
    books.close().await;
}

/// Linear congruence: the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_any_run_over_two_processes_usage_is_what_the_postings_say() {
    const OWNERS: [&str; 3] = ["ann", "bob", "cem"];
    const CURRENCIES: [&str; 3] = ["USD", "EUR", "JPY"];
    let clock = Clock::manual(at("2026-01-29T09:00:00Z"));
    let books = Books::open_at(clock.clone()).await;
    let engines = [books.engine.clone(), books.another_engine().await];
    let mut wallets = Vec::new();
    for owner in OWNERS.iter().chain(&OWNERS) {
        let funds = CURRENCIES.map(|currency| ("3000", currency));
        wallets.push(wallet_with(&books, owner, &funds).await);
    }
    let mut dice = Dice(42);
    for round in 0..12 {
        let actions: Vec<Action> = (0..40)
            .map(|_| {
                let (from, to) = (wallets[dice.roll(6)], wallets[dice.roll(6)]);
                let currency = CURRENCIES[dice.roll(3)];
                let amount = money(&(dice.roll(300) + 1).to_string(), currency);
                match dice.roll(10) {
                    0 => known(OWNERS[dice.roll(3)], KycLevel::ALL[dice.roll(4)]),
                    1 => account(
                        OWNERS[dice.roll(3)],
                        AccountChange::RiskLevel(RiskLevel::ALL[dice.roll(3)]),
                    ),
                    2 => spend(Kind::Deposit, to, None, amount),
                    3 | 4 if from != to => spend(Kind::Transfer, from, Some(to), amount),
                    5 | 6 if from != to => spend(Kind::Payment, from, Some(to), amount),
                    _ => spend(Kind::Withdrawal, from, None, amount),
                }
            })
            .collect();
        let answers = join_all(
            actions
                .into_iter()
                .enumerate()
                .map(|(n, action)| submit(&engines[n % 2], action)),
        )
        .await;
        assert!(
            answers.iter().all(Result::is_ok),
            "round {round}: no deadlock surfaces"
        );
        clock.advance(Duration::from_secs(6 * 3600));
    }
    for owner in OWNERS {
        check(&books, owner, &CURRENCIES, clock.now()).await;
    }
    books.close().await;
}
