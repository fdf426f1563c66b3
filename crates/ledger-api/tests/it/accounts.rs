//! Accounts on a real Postgres: one word about an owner holds for all their wallets, also for those
//! that are opened at the same moment.

use std::time::Instant;

use contracts::{WalletId, event::KycLevel};
use futures_util::future::join_all;
use ledger_api::{
    domain::{AccountChange, Restrictions},
    posting::Engine,
};
use serde_json::{Value, json};

use crate::{
    books::{Books, deposit, open, transfer, withdrawal},
    limits::{account, code, event, known, submit},
};

async fn change(engine: &Engine, owner: &str, change: AccountChange) -> String {
    code(&submit(engine, account(owner, change)).await)
}

/// Every wallet of an owner, with its restrictions.
async fn restrictions(books: &Books, owner: &str) -> Vec<Restrictions> {
    let rows =
        ledger_api::store::wallets::list(&books.owner, Some(owner), None, None, false, 200).await;
    let rows = rows.expect("the database answers");
    rows.iter().map(|(wallet, _)| wallet.restrictions).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_opened_while_its_account_is_suspended_is_suspended_whoever_comes_first() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    for round in 0..20 {
        let owner = format!("owner {round}");
        // Some accounts are there before, others are made by the race itself.
        if round % 2 == 0 {
            submit(&books.engine, open(&owner)).await.expect("opened");
        }
        let opening = join_all((0..4).map(|n| {
            let engine = if n % 2 == 0 { &books.engine } else { &other };
            submit(engine, open(&owner))
        }));
        let suspending = change(&other, &owner, AccountChange::Suspend);
        let (opened, suspended) = tokio::join!(opening, suspending);
        assert_eq!(suspended, "");
        assert!(opened.iter().all(|answer| code(answer).is_empty()));
        let wallets = restrictions(&books, &owner).await;
        assert_eq!(wallets.len(), 4 + usize::from(round % 2 == 0));
        assert!(wallets.iter().all(|own| own.has(Restrictions::SUSPENDED)));
        // Each answer says how the wallet was born: suspended after the account was, and only then.
        let rows = sqlx::query_scalar::<_, String>(
            "SELECT data FROM ledger.events WHERE data LIKE '%' || $1 || '\"%' ORDER BY seq",
        )
        .bind(&owner)
        .fetch_all(&books.owner)
        .await
        .expect("the log answers");
        let mut is_suspended = false;
        for row in rows {
            let event: Value = serde_json::from_str(&row).expect("JSON");
            if event["type"] == "florin.ledger.account.suspended.v1" {
                is_suspended = true;
            } else {
                assert_eq!(event["status"] == json!("suspended"), is_suspended);
            }
        }
    }
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_batch_too_a_wallet_is_born_as_its_account_is() {
    let books = Books::open().await;
    let engine = &books.engine;
    let head = books.stall().await;
    let group = [
        open("ann"),
        account("ann", AccountChange::Suspend),
        open("ann"),
        account("ann", AccountChange::Close),
        open("ann"),
        known("bob", KycLevel::Basic),
        open("bob"),
    ];
    let answers = join_all(group.map(|action| submit(engine, action)));
    let (answers, released) = tokio::join!(answers, head.rollback());
    released.expect("the lanes go on");
    let codes: Vec<String> = answers.iter().map(code).collect();
    assert_eq!(codes, ["", "", "", "", "account_closed", "", ""]);
    let wallets = restrictions(&books, "ann").await;
    let closed = Restrictions::SUSPENDED.with(Restrictions::CLOSED);
    assert_eq!(wallets, [closed, closed]);
    assert_eq!(restrictions(&books, "bob").await, [Restrictions::LIMITED]);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_account_neither_pays_nor_is_paid_until_it_is_resumed() {
    let books = Books::open().await;
    let engine = &books.engine;
    let ann = books.wallet_with("ann", "10.00").await;
    let bob = books.wallet_with("bob", "10.00").await;
    assert_eq!(change(engine, "ann", AccountChange::Suspend).await, "");
    let suspended = [
        withdrawal(ann, "1.00"),
        transfer(ann, bob, "1.00"),
        transfer(bob, ann, "1.00"),
        deposit(ann, "1.00"),
    ];
    for action in suspended {
        assert_eq!(code(&submit(engine, action).await), "wallet_suspended");
    }
    assert_eq!(
        change(engine, "ann", AccountChange::Suspend).await,
        "status_unchanged"
    );
    assert_eq!(change(engine, "ann", AccountChange::Resume).await, "");
    assert_eq!(code(&submit(engine, withdrawal(ann, "1.00")).await), "");
    books.close().await;
}

/// A freeze of the account and one of a wallet are two words: each is taken back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn no_debit_of_any_wallet_commits_after_the_account_was_frozen() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    let wallets = [
        books.wallet_with("ann", "1000.00").await,
        sibling(&books, "ann").await,
    ];
    let debits = join_all((0..100).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        submit(engine, withdrawal(wallets[n / 2 % 2], "1.00"))
    }));
    let asked = Instant::now();
    let freezing = async {
        let frozen = submit(&other, account("ann", AccountChange::Freeze)).await;
        (
            event(&frozen)["seq"].as_u64().expect("a seq"),
            asked.elapsed(),
        )
    };
    let (answers, (frozen_at, took)) = tokio::join!(debits, freezing);
    for answer in &answers {
        let event = event(answer);
        let before = event["seq"].as_u64().expect("a seq") < frozen_at;
        let passed = event["code"].is_null();
        assert_eq!(passed, before, "{event}");
        assert!(passed || event["code"] == "wallet_frozen", "{event}");
    }
    assert!(took.as_secs() < 1, "the freeze took {took:?}");
    // What comes in is kept.
    assert_eq!(code(&submit(&other, deposit(wallets[0], "1.00")).await), "");
    let frozen = code(&submit(&other, withdrawal(wallets[0], "1.00")).await);
    assert_eq!(frozen, "wallet_frozen");
    assert_eq!(change(&other, "ann", AccountChange::Unfreeze).await, "");
    assert_eq!(
        code(&submit(&other, withdrawal(wallets[0], "1.00")).await),
        ""
    );
    books.close().await;
}

/// Another wallet of an owner, with money.
async fn sibling(books: &Books, owner: &str) -> WalletId {
    let opened = event(&submit(&books.engine, open(owner)).await);
    let id: WalletId = opened["wallet"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let funded = submit(&books.engine, deposit(id, "1000.00")).await;
    assert_eq!(code(&funded), "");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_closed_empty_with_all_its_wallets_and_for_ever() {
    let books = Books::open().await;
    let engine = &books.engine;
    let (ann, bob) = (
        books.wallet_with("ann", "10.00").await,
        books.wallet("bob").await,
    );
    sibling(&books, "ann").await;
    assert_eq!(
        change(engine, "ann", AccountChange::Close).await,
        "account_not_empty"
    );
    for own in ledger_api::store::wallets::list(&books.owner, Some("ann"), None, None, false, 200)
        .await
        .expect("the database answers")
    {
        let all = own.1[0].posted.to_string();
        assert_eq!(code(&submit(engine, withdrawal(own.0.id, &all)).await), "");
    }
    assert_eq!(change(engine, "ann", AccountChange::Close).await, "");
    assert_eq!(
        code(&submit(engine, deposit(ann, "1.00")).await),
        "wallet_closed"
    );
    for again in [
        AccountChange::Close,
        AccountChange::Resume,
        AccountChange::Unfreeze,
    ] {
        assert_eq!(change(engine, "ann", again).await, "account_closed");
    }
    assert_eq!(code(&submit(engine, open("ann")).await), "account_closed");
    assert_eq!(code(&submit(engine, deposit(bob, "1.00")).await), "");
    // The table says so too, to those who have every right.
    for sql in [
        "UPDATE ledger.accounts SET status = 'active', restrictions = 0 WHERE owner = 'ann'",
        "UPDATE ledger.accounts SET kyc_level = 'basic', restrictions = 40 WHERE owner = 'ann'",
        "DELETE FROM ledger.accounts WHERE owner = 'ann'",
        "TRUNCATE ledger.accounts CASCADE",
    ] {
        let refused = sqlx::query(sql).execute(&books.owner).await;
        assert!(refused.is_err(), "{sql}");
    }
    books.close().await;
}

/// Money that somebody sends into a wallet while its account is closed either comes first, and the
/// account stays open, or comes too late.
#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_racing_the_closing_of_its_account_is_not_lost_in_it() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    for round in 0..20 {
        let owner = format!("owner {round}");
        let wallet = books.wallet(&owner).await;
        let (closed, paid) = tokio::join!(
            change(&other, &owner, AccountChange::Close),
            submit(&books.engine, deposit(wallet, "1.00"))
        );
        match (closed.as_str(), code(&paid).as_str()) {
            ("", "wallet_closed") | ("account_not_empty", "") => {}
            other => panic!("{other:?}"),
        }
    }
    books.close().await;
}
