//! Commands that come together: linked ones, independent ones, and rehearsals of both.

mod cuts;
mod together;

use std::collections::BTreeSet;

use contracts::WalletId;
use futures_util::future::{join, join_all};
use ledger_api::{
    domain::{Action, Command},
    posting::{Answer, SubmitError},
};

use crate::books::{Books, command, deposit, open, status, transfer, withdrawal};

type Outcomes = Vec<Result<Answer, SubmitError>>;

/// Commands of one caller, under keys that begin alike.
fn group(prefix: &str, actions: impl IntoIterator<Item = Action>) -> Vec<Command> {
    let numbered = actions.into_iter().enumerate();
    numbered
        .map(|(n, action)| command("ops", &format!("{prefix}/{n}"), action))
        .collect()
}

fn statuses(outcomes: &Outcomes) -> Vec<u16> {
    outcomes.iter().map(status).collect()
}

/// The codes of rejections; empty for what was posted.
fn codes(outcomes: &Outcomes) -> Vec<String> {
    let body = |outcome: &Result<Answer, SubmitError>| {
        let body = &outcome.as_ref().expect("an answer").rendered.body;
        serde_json::from_str::<serde_json::Value>(body).expect("JSON")
    };
    let code = |outcome| {
        body(outcome)["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    outcomes.iter().map(code).collect()
}

fn replayed(outcomes: &Outcomes) -> usize {
    let replayed = |outcome: &&Result<Answer, SubmitError>| {
        outcome.as_ref().is_ok_and(|answer| answer.replayed)
    };
    outcomes.iter().filter(replayed).count()
}

/// Everything that a write would change.
async fn everything(books: &Books) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT 'head ' || seq || encode(hash, 'hex') || posted_at FROM ledger.head
         UNION ALL SELECT 'key ' || key FROM ledger.idempotency_keys
         UNION ALL SELECT 'answer ' || id FROM ledger.answers
         UNION ALL SELECT 'event ' || seq FROM ledger.events
         UNION ALL SELECT 'posting ' || wallet_id || version FROM ledger.postings
         UNION ALL SELECT 'wallet ' || id || status FROM ledger.wallets
         UNION ALL SELECT 'balance ' || wallet_id || account || currency || posted || version
                   FROM ledger.balances
         ORDER BY 1",
    )
    .fetch_all(&books.owner)
    .await
    .expect("the database answers")
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_commands_are_all_posted_or_none_whatever_moves_beside_them() {
    let books = Books::open().await;
    let [ann, bob, cyd, dan] = [
        books.wallet_with("ann", "60.00").await,
        books.wallet("bob").await,
        books.wallet("cyd").await,
        books.wallet_with("dan", "1000.00").await,
    ];
    let other = books.another_engine().await;
    let engine = |n: usize| [&books.engine, &other][n % 2];
    // The first step is always good, the second only while ann has money, and the third spends
    // what both bring.
    let groups = join_all((0..80).map(|n| {
        let steps = [
            transfer(dan, bob, "1.00"),
            transfer(ann, bob, "1.00"),
            transfer(bob, cyd, "2.00"),
        ];
        engine(n).submit_linked(group(&format!("g{n}"), steps))
    }));
    let singles =
        join_all((0..80).map(|n| {
            engine(n + 1).submit(command("ann", &format!("s{n}"), withdrawal(ann, "0.50")))
        }));
    let (groups, singles) = join(groups, singles).await;
    let mut posted = 0;
    for outcomes in groups {
        let outcomes = outcomes.expect("answered");
        match statuses(&outcomes)[..] {
            [201, 201, 201] => posted += 1,
            [422, 422, 422] => {
                let expected = ["batch_rejected", "insufficient_funds", "batch_rejected"];
                assert_eq!(codes(&outcomes), expected);
            }
            ref mixed => panic!("half a group was posted: {mixed:?}"),
        }
    }
    let single = singles
        .iter()
        .filter(|answer| status(answer) == 201)
        .count();
    assert_eq!(
        2 * posted + single,
        120,
        "everything was spent, and no more"
    );
    assert_eq!(books.balance(bob).await, "0.00");
    assert_eq!(books.balance(cyd).await, format!("{}.00", 2 * posted));
    assert_eq!(books.balance(dan).await, format!("{}.00", 1_000 - posted));
    // Nothing came between the steps of a group.
    let apart: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM ledger.postings gained
         JOIN ledger.postings spent USING (wallet_id, account, currency)
         WHERE gained.wallet_id = $1 AND gained.amount > 0 AND spent.version = gained.version + 1
           AND spent.seq <> gained.seq + 1",
    )
    .bind(bob.as_uuid())
    .fetch_one(&books.owner)
    .await
    .expect("the database answers");
    assert_eq!(apart, 0);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guilty_one_of_a_rejected_group_is_told_and_all_keep_their_answers() {
    let books = Books::open().await;
    let (ann, bob) = (books.wallet("ann").await, books.wallet("bob").await);
    let ask = || {
        let steps = [
            deposit(ann, "1.00"),
            withdrawal(ann, "1.01"),
            deposit(bob, "1.00"),
        ];
        books.engine.submit_linked(group("g", steps))
    };
    let first = ask().await.expect("answered");
    assert_eq!(
        codes(&first),
        ["batch_rejected", "insufficient_funds", "batch_rejected"]
    );
    assert_eq!(books.count("postings").await, 0);
    books
        .engine
        .submit(command("ops", "more", deposit(ann, "9.00")))
        .await
        .expect("answered");
    let again = ask().await.expect("answered");
    assert_eq!(replayed(&again), 3);
    let bodies = |outcomes: &Outcomes| -> Vec<_> {
        let answers = outcomes
            .iter()
            .map(|outcome| outcome.as_ref().expect("answered"));
        answers.map(|answer| answer.rendered.clone()).collect()
    };
    assert_eq!(bodies(&again), bodies(&first));
    assert_eq!(books.balance(ann).await, "9.00");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_is_asked_for_many_times_at_once_is_done_once() {
    let books = Books::open().await;
    let (ann, bob) = (
        books.wallet_with("ann", "10.00").await,
        books.wallet("bob").await,
    );
    let other = books.another_engine().await;
    let answers = join_all((0..30).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        let steps = [transfer(ann, bob, "1.00"), transfer(bob, ann, "0.25")];
        engine.submit_linked(group("the one", steps))
    }))
    .await;
    let answers: Vec<Outcomes> = answers
        .into_iter()
        .map(|outcomes| outcomes.expect("answered"))
        .collect();
    let bodies: BTreeSet<Vec<String>> = answers
        .iter()
        .map(|outcomes| {
            let answers = outcomes
                .iter()
                .map(|outcome| outcome.as_ref().expect("answered"));
            answers.map(|answer| answer.rendered.body.clone()).collect()
        })
        .collect();
    assert_eq!(bodies.len(), 1);
    let originals = answers.iter().filter(|outcomes| replayed(outcomes) == 0);
    assert_eq!(originals.count(), 1);
    assert!(
        answers
            .iter()
            .all(|outcomes| matches!(replayed(outcomes), 0 | 2))
    );
    assert_eq!(books.balance(bob).await, "0.75");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_with_a_used_key_is_refused_whole_and_its_other_keys_stay_free() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "10.00").await;
    let engine = &books.engine;
    let used = command("ops", "g/1", deposit(ann, "1.00"));
    engine.submit(used).await.expect("answered");
    let before = everything(&books).await;
    // Also for the very same command: it was not a part of this group.
    let steps = || (0..3).map(|_| deposit(ann, "1.00"));
    let refused = engine.submit_linked(group("g", steps())).await;
    let expected = [
        Err(SubmitError::LinkedRefused),
        Err(SubmitError::KeyReused),
        Err(SubmitError::LinkedRefused),
    ];
    assert_eq!(refused.expect("answered"), expected);
    assert_eq!(everything(&books).await, before);
    // One batch with neighbours: they go through.
    let head = books.stall().await;
    let (refused, neighbours) = (
        engine.submit_linked(group("g", steps())),
        join_all(
            (0..10).map(|n| engine.submit(command("ops", &format!("n{n}"), deposit(ann, "1.00")))),
        ),
    );
    let (answers, released) = join(join(refused, neighbours), head.rollback()).await;
    released.expect("the lanes go on");
    assert_eq!(answers.0.expect("answered"), expected);
    assert!(answers.1.iter().all(|answer| status(answer) == 201));
    for key in ["g/0", "g/2"] {
        let free = engine
            .submit(command("ops", key, withdrawal(ann, "1.00")))
            .await;
        assert!(!free.expect("answered").replayed, "{key}");
    }
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_comes_twice_in_a_group_is_refused_and_nothing_is_written() {
    let books = Books::open().await;
    let ann = books.wallet("ann").await;
    let before = everything(&books).await;
    for second in ["1.00", "2.00"] {
        let twice = [deposit(ann, "1.00"), deposit(ann, second)];
        let twice = twice.map(|action| command("ops", "k", action)).to_vec();
        let refused = books.engine.submit_linked(twice).await.expect("answered");
        let expected = [Err(SubmitError::LinkedRefused), Err(SubmitError::KeyReused)];
        assert_eq!(refused, expected);
    }
    assert_eq!(everything(&books).await, before);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_names_what_is_not_there_leaves_nothing_behind() {
    let books = Books::open().await;
    let ann = books.wallet("ann").await;
    let nobody = WalletId::mint(service_runtime::Clock::system().now(), [9; 10]);
    let before = everything(&books).await;
    let steps = [open("eve"), deposit(ann, "1.00"), deposit(nobody, "1.00")];
    let refused = books.engine.submit_linked(group("g", steps)).await;
    assert_eq!(
        refused.expect("answered"),
        [
            Err(SubmitError::LinkedRefused),
            Err(SubmitError::LinkedRefused),
            Err(SubmitError::UnknownWallet),
        ]
    );
    assert_eq!(everything(&books).await, before);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guilty_group_fails_alone_and_whole() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    // Stands for any disagreement of the rules and the constraints.
    sqlx::query("ALTER TABLE ledger.postings ADD CONSTRAINT planted CHECK (abs(amount) <> 66.66)")
        .execute(&books.owner)
        .await
        .expect("planted");
    let head = books.stall().await;
    let engine = &books.engine;
    let groups = join_all((0..9).map(|n| {
        let amount = if n == 4 { "66.66" } else { "1.00" };
        let steps = ["1.00", amount, "1.00"].map(|amount| deposit(wallet, amount));
        engine.submit_linked(group(&format!("g{n}"), steps))
    }));
    let singles = join_all(
        (0..20).map(|n| engine.submit(command("ops", &format!("s{n}"), deposit(wallet, "1.00")))),
    );
    let ((groups, singles), released) = join(join(groups, singles), head.rollback()).await;
    released.expect("the lanes go on");
    for (n, outcomes) in groups.into_iter().enumerate() {
        let outcomes = outcomes.expect("answered");
        if n == 4 {
            assert_eq!(outcomes, vec![Err(SubmitError::Refused); 3]);
        } else {
            assert_eq!(statuses(&outcomes), [201; 3], "group {n}");
        }
    }
    assert!(singles.iter().all(|answer| status(answer) == 201));
    assert_eq!(books.balance(wallet).await, "44.00");
    books.close().await;
}
