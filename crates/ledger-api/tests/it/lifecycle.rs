//! Wallets that change while money moves: what commits first counts.

use contracts::{Kind, Money, WalletId, parse_amount};
use futures_util::future::{join, join_all};
use ledger_api::{
    domain::{Action, ChangeWallet, WalletChange},
    posting::{Answer, SubmitError},
};
use serde_json::Value;

use crate::books::{Books, command, deposit, movement_of, status, withdrawal};

fn change(wallet: WalletId, change: WalletChange) -> Action {
    let reason = "because".to_owned();
    Action::ChangeWallet(ChangeWallet {
        wallet,
        change,
        reason,
    })
}

fn usd(text: &str) -> Money {
    parse_amount(text, "USD".parse().expect("a currency")).expect("an amount")
}

/// Dollars in or out: these wallets have euros only.
fn dollars(kind: Kind, wallet: WalletId) -> Action {
    movement_of(kind, wallet, None, usd("1.00"))
}

fn body(answer: &Result<Answer, SubmitError>) -> Value {
    serde_json::from_str(&answer.as_ref().expect("an answer").rendered.body).expect("JSON")
}

fn code(answer: &Result<Answer, SubmitError>) -> String {
    body(answer)["code"].as_str().unwrap_or_default().to_owned()
}

fn seq(answer: &Result<Answer, SubmitError>) -> u64 {
    body(answer)["seq"].as_u64().expect("a position")
}

/// A balance decides by its own copy of what its wallet may not do: it must be a true one. The bits
/// are those that a wallet has as a whole.
async fn copies_are_true(books: &Books) {
    let false_ones: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM ledger.balances b JOIN ledger.wallets w ON w.id = b.wallet_id
         WHERE (b.restrictions & 15) <> (w.restrictions & 15)",
    )
    .fetch_one(&books.owner)
    .await
    .expect("the database answers");
    assert_eq!(
        false_ones, 0,
        "a balance knows less, or more, than its wallet"
    );
}

/// Fifty withdrawals, the change, and fifty more, on two replicas at once.
async fn race(books: &Books, round: usize, what: WalletChange, expected: &str) -> usize {
    let other = &books.another_engine().await;
    let wallet = books.wallet_with(&format!("cust {round}"), "100.00").await;
    let withdraw = async |n: usize| {
        let engine = [&books.engine, other][n % 2];
        let action = withdrawal(wallet, "1.00");
        engine
            .submit(command("c", &format!("{round}/{n}"), action))
            .await
    };
    let key = format!("change {round}");
    // An engine of its own, so that it is never in one batch with what it races.
    let apart = books.another_engine().await;
    let freeze = apart.submit(command("ops", &key, change(wallet, what)));
    let (mut early, (frozen, late)) = join(
        join_all((0..50).map(withdraw)),
        join(freeze, join_all((50..100).map(withdraw))),
    )
    .await;
    let frozen = seq(&frozen);
    early.extend(late);
    let mut before = 0;
    for answer in &early {
        if seq(answer) < frozen {
            assert_eq!(status(answer), 201, "nothing stood against it");
            before += 1;
        } else {
            assert_eq!(code(answer), expected, "it came after the change");
        }
    }
    assert_eq!(books.balance(wallet).await, format!("{}.00", 100 - before));
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn no_debit_commits_after_a_freeze_that_committed_before_it() {
    let books = Books::open().await;
    let mut before = Vec::new();
    let euros = "EUR".parse().expect("a currency");
    for (round, (what, code)) in [
        (WalletChange::Freeze(None), "wallet_frozen"),
        (WalletChange::Freeze(Some(euros)), "currency_frozen"),
        (WalletChange::Block, "wallet_blocked"),
    ]
    .into_iter()
    .cycle()
    .take(12)
    .enumerate()
    {
        before.push(race(&books, round, what, code).await);
    }
    let amid = before.iter().filter(|before| (1..100).contains(*before));
    assert!(
        amid.count() > 0,
        "some freeze came amid the withdrawals: {before:?}"
    );
    copies_are_true(&books).await;
    books.close().await;
}

/// The balance does not exist yet, so there is no row that both would lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_balance_that_is_made_while_its_wallet_is_frozen_is_frozen_too() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "1.00").await;
    let mut freezing = books.owner.begin().await.expect("begins");
    sqlx::query("UPDATE ledger.wallets SET restrictions = 1, status = 'frozen' WHERE id = $1")
        .bind(wallet.as_uuid())
        .execute(&mut *freezing)
        .await
        .expect("is frozen");
    sqlx::query("UPDATE ledger.balances SET restrictions = 1 WHERE wallet_id = $1")
        .bind(wallet.as_uuid())
        .execute(&mut *freezing)
        .await
        .expect("is frozen");
    let first = books
        .engine
        .submit(command("ops", "first", dollars(Kind::Deposit, wallet)));
    let commit = async {
        books.wait_for_lanes(1).await;
        freezing.commit().await.expect("commits");
    };
    let (first, ()) = join(first, commit).await;
    assert_eq!(status(&first), 201, "what comes in is kept");
    copies_are_true(&books).await;
    let out = books
        .engine
        .submit(command("ann", "out", dollars(Kind::Withdrawal, wallet)))
        .await;
    assert_eq!(code(&out), "wallet_frozen");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_freeze_and_the_first_movement_in_a_currency_never_miss_each_other() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    join_all((0..60).map(async |n| {
        let wallet = books.wallet_with(&format!("cust {n}"), "1.00").await;
        let (one, two) = if n % 2 == 0 {
            (&books.engine, &other)
        } else {
            (&other, &books.engine)
        };
        let freeze = change(wallet, WalletChange::Freeze(None));
        let (frozen, first) = join(
            one.submit(command("ops", &format!("freeze {n}"), freeze)),
            two.submit(command(
                "ops",
                &format!("first {n}"),
                dollars(Kind::Deposit, wallet),
            )),
        )
        .await;
        assert_eq!((status(&frozen), status(&first)), (201, 201));
        let out = dollars(Kind::Withdrawal, wallet);
        let out = two.submit(command("c", &format!("out {n}"), out)).await;
        assert_eq!(code(&out), "wallet_frozen");
    }))
    .await;
    copies_are_true(&books).await;
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_is_closed_amid_its_first_deposits_has_no_money() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    let outcomes = join_all((0..60).map(async |n| {
        let wallet = books.wallet(&format!("cust {n}")).await;
        let close = change(wallet, WalletChange::Close);
        let (closed, first) = join(
            books
                .engine
                .submit(command("c", &format!("close {n}"), close)),
            other.submit(command(
                "ops",
                &format!("first {n}"),
                deposit(wallet, "1.00"),
            )),
        )
        .await;
        (code(&closed), code(&first))
    }))
    .await;
    for (closed, first) in &outcomes {
        let pair = (closed.as_str(), first.as_str());
        let whole = matches!(pair, ("", "wallet_closed") | ("wallet_not_empty", ""));
        assert!(whole, "closed: {closed:?}, deposited: {first:?}");
    }
    let closed_with_money: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM ledger.balances b JOIN ledger.wallets w ON w.id = b.wallet_id
         WHERE w.status = 'closed' AND b.posted <> 0",
    )
    .fetch_one(&books.owner)
    .await
    .expect("the database answers");
    assert_eq!(closed_with_money, 0);
    copies_are_true(&books).await;
    books.close().await;
}

/// One batch: a freeze, and before and after it what makes the balance.
#[tokio::test(flavor = "multi_thread")]
async fn within_one_batch_a_freeze_counts_from_its_place_on() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "1.00").await;
    let steps = [
        dollars(Kind::Deposit, wallet),
        change(wallet, WalletChange::CreditLimit(usd("5.00"))),
        dollars(Kind::Withdrawal, wallet),
        change(wallet, WalletChange::Freeze(None)),
        dollars(Kind::Withdrawal, wallet),
        withdrawal(wallet, "1.00"),
        change(wallet, WalletChange::Unfreeze(None)),
        dollars(Kind::Withdrawal, wallet),
    ];
    let commands = steps.into_iter().enumerate();
    let commands = commands.map(|(n, action)| command("ops", &format!("k{n}"), action));
    let answers = books
        .engine
        .submit_each(commands.collect())
        .await
        .expect("answered");
    let codes: Vec<String> = answers.iter().map(code).collect();
    let frozen = "wallet_frozen";
    assert_eq!(codes, ["", "", "", "", frozen, frozen, "", ""]);
    copies_are_true(&books).await;
    books.close().await;
}
