//! Limits of accounts, on a real Postgres: what may be spent, by whom, until when.

mod books_agree;
mod holds;
mod windows;

use std::collections::BTreeMap;

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

/// Two batches that have no balance in common, both decided before either is committed: what keeps
/// them apart is the lock on what the account used.
#[tokio::test(flavor = "multi_thread")]
async fn two_wallets_of_one_owner_do_not_spend_the_same_limit_at_the_same_moment() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    let wallets = [
        wallet_with(&books, "ann", &[("9000.00", "USD")]).await,
        wallet_with(&books, "ann", &[("9000.00", "USD")]).await,
    ];
    submit(&books.engine, known("ann", KycLevel::None))
        .await
        .expect("set");
    let spent = withdraw(&books.engine, wallets[0], "100.00", "USD").await;
    assert_eq!(code(&spent), "");
    let mut head = books.owner.begin().await.expect("begins");
    sqlx::query("SELECT 1 FROM ledger.head FOR UPDATE")
        .execute(&mut *head)
        .await
        .expect("the head is held");
    let both_wait = async {
        books.wait_for_lanes(2).await;
        head.rollback().await.expect("the lanes go on");
    };
    let (first, second, ()) = tokio::join!(
        withdraw(&books.engine, wallets[0], "600.00", "USD"),
        withdraw(&other, wallets[1], "600.00", "USD"),
        both_wait,
    );
    let mut codes = [code(&first), code(&second)];
    codes.sort();
    assert_eq!(codes, ["", "limit_exceeded"]);
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

/// The first use of a currency has a row of its own, which names the account. Whoever changes the
/// account wants the spender's balance next: they must not wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_use_of_a_currency_does_not_wait_for_a_change_of_the_account() {
    let books = Books::open().await;
    let ann = wallet_with(&books, "ann", &[("10.00", "EUR")]).await;
    let known = submit(&books.engine, known("ann", KycLevel::Basic)).await;
    assert_eq!(code(&known), "");
    let mut change = books.owner.begin().await.expect("begins");
    let owners = ["ann".to_owned()];
    let locked = ledger_api::store::accounts::lock_in_tx(&mut change, &owners).await;
    assert_eq!(locked.expect("locked").len(), 1);
    let spent = withdraw(&books.engine, ann, "1.00", "EUR").await;
    assert_eq!(code(&spent), "");
    change.rollback().await.expect("ends");
    books.close().await;
}
