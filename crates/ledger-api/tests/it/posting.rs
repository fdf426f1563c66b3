//! The posting engine against a real Postgres: every test is named for the hazard it guards.

use std::{collections::BTreeSet, time::Duration};

use contracts::WalletId;
use futures_util::future::join_all;
use ledger_api::posting::SubmitError;
use testkit::eventually;

use crate::books::{Books, command, deposit, open, status, transfer, withdrawal};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_first_deposits_to_a_new_wallet_all_count() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let answers = join_all((0..100).map(|n| {
        books.engine.submit(command(
            "ops",
            &format!("first {n}"),
            deposit(wallet, "1.00"),
        ))
    }))
    .await;
    assert!(answers.iter().all(|answer| status(answer) == 201));
    assert_eq!(books.balance(wallet).await, "100.00");
    assert_eq!(books.count("events").await, 101);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_identical_requests_make_one_entry_and_fifty_identical_answers() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    // On two replicas at once: the same batch, other batches and another process.
    let other = books.another_engine().await;
    let answers = join_all((0..50).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        engine.submit(command("ops", "the one key", deposit(wallet, "25.00")))
    }))
    .await;
    let bodies: BTreeSet<_> = answers
        .iter()
        .map(|answer| answer.as_ref().expect("answered").rendered.body.clone())
        .collect();
    let originals = answers
        .iter()
        .filter(|answer| !answer.as_ref().expect("answered").replayed)
        .count();
    assert_eq!((bodies.len(), originals), (1, 1));
    assert_eq!(books.balance(wallet).await, "25.00");
    assert_eq!(books.count("events").await, 2);
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_stands_for_another_request_is_refused_and_moves_nothing() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let engine = &books.engine;
    assert_eq!(
        status(
            &engine
                .submit(command("ops", "k", deposit(wallet, "10.00")))
                .await
        ),
        201
    );
    for other in [
        deposit(wallet, "10.01"),
        withdrawal(wallet, "10.00"),
        open("bob"),
    ] {
        let answer = engine.submit(command("ops", "k", other)).await;
        assert_eq!(answer, Err(SubmitError::KeyReused));
    }
    // In one batch too: exactly one of two different requests under a new key wins.
    let head = books.stall().await;
    let pair = join_all(
        ["1.00", "2.00"]
            .map(|amount| engine.submit(command("ops", "new", deposit(wallet, amount)))),
    );
    let (pair, released) = tokio::join!(pair, head.rollback());
    released.expect("the lanes go on");
    let refused = pair
        .iter()
        .filter(|answer| **answer == Err(SubmitError::KeyReused))
        .count();
    assert_eq!(refused, 1);
    // Keys are the caller's own.
    assert_eq!(
        status(
            &engine
                .submit(command("eve", "k", deposit(wallet, "5.00")))
                .await
        ),
        201
    );
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_is_sticky_even_when_the_money_comes_later() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "10.00").await;
    let ask = || {
        books
            .engine
            .submit(command("ann", "too much", withdrawal(wallet, "10.01")))
    };
    let first = ask().await;
    assert_eq!(status(&first), 422);
    let funded = books
        .engine
        .submit(command("ops", "more", deposit(wallet, "100.00")))
        .await;
    assert_eq!(status(&funded), 201);
    let again = ask().await.expect("answered");
    assert!(again.replayed);
    assert_eq!(again.rendered, first.expect("answered").rendered);
    assert_eq!(books.balance(wallet).await, "110.00");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_withdrawals_of_one_from_a_hundred_exactly_a_hundred_pass() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "100.00").await;
    let other = books.another_engine().await;
    let answers = join_all((0..200).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        engine.submit(command(
            "ann",
            &format!("w {n}"),
            withdrawal(wallet, "1.00"),
        ))
    }))
    .await;
    let passed = answers
        .iter()
        .filter(|answer| status(answer) == 201)
        .count();
    let rejected = answers
        .iter()
        .filter(|answer| status(answer) == 422)
        .count();
    assert_eq!((passed, rejected), (100, 100));
    assert_eq!(books.balance(wallet).await, "0.00");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_withdrawals_of_everything_never_both_pass() {
    let books = Books::open().await;
    let other = books.another_engine().await;
    let rounds =
        join_all((0..200).map(async |round| {
            let wallet = books.wallet_with(&format!("cust {round}"), "100.00").await;
            let both = join_all([&books.engine, &other].into_iter().enumerate().map(
                |(n, engine)| {
                    engine.submit(command(
                        "c",
                        &format!("{round} {n}"),
                        withdrawal(wallet, "100.00"),
                    ))
                },
            ))
            .await;
            both.iter().filter(|answer| status(answer) == 201).count()
        }))
        .await;
    assert!(rounds.iter().all(|passed| *passed == 1), "{rounds:?}");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn crossed_transfers_and_crossed_keys_of_two_replicas_surface_no_deadlock() {
    let books = Books::open().await;
    let (ann, bob) = (
        books.wallet_with("ann", "1000.00").await,
        books.wallet_with("bob", "1000.00").await,
    );
    let other = books.another_engine().await;
    let total = 2_000;
    let (a_to_b, b_to_a) = join_all([(&books.engine, 0), (&other, 1)].map(
        async |(engine, way)| {
            let answers = join_all((0..total).map(|n| {
                // The replicas use the same keys in opposite order, half of them for the same request.
                let n = if way == 0 { n } else { total - 1 - n };
                let (from, to) = if n % 2 == 0 { (ann, bob) } else { (bob, ann) };
                engine.submit(command(
                    "crossed",
                    &format!("x {n}"),
                    transfer(from, to, "0.01"),
                ))
            }))
            .await;
            answers
                .iter()
                .filter(|answer| status(answer) == 201)
                .count()
        },
    ))
    .await
    .into_iter()
    .fold((0, 0), |(first, _), passed| (passed, first));
    assert_eq!((a_to_b, b_to_a), (total, total));
    assert_eq!(
        books.count("postings").await,
        i64::try_from(2 * total + 4).expect("small")
    );
    assert_eq!(books.balance(ann).await, "1000.00");
    books.close().await;
}

/// Lanes that claim the same keys in two orders wait for each other in a circle. That is no loss,
/// because the server ends one of them and its batch runs again, but each time costs a second.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_claims_its_keys_in_their_order_and_none_after_one_that_it_waits_for() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    let head = books.stall().await;
    let mut other = books.owner.begin().await.expect("begins");
    sqlx::query("SET LOCAL lock_timeout = '500ms'")
        .execute(&mut *other)
        .await
        .expect("is set");
    let claim = |key: &str| {
        let claim = "INSERT INTO ledger.idempotency_keys (caller, key, fingerprint, answer_id)
                     VALUES ('ops', $1, '', gen_random_uuid())";
        sqlx::query(claim).bind(key.to_owned())
    };
    claim("m").execute(&mut *other).await.expect("is claimed");
    let mut keys: Vec<String> = (0..10).map(|n| format!("z{n}")).collect();
    keys.extend(["m".to_owned(), "a".to_owned()]);
    let batch = join_all(keys.iter().map(|key| {
        let deposit = command("ops", key, deposit(wallet, "1.00"));
        books.engine.submit(deposit)
    }));
    let crossing = async {
        head.rollback().await.expect("the lanes go on");
        eventually(
            "the lanes have gone on",
            Duration::from_secs(20),
            async || books.count("events").await == 3,
        )
        .await;
        books.wait_for_lanes(1).await;
        for n in 0..10 {
            let key = format!("z{n}");
            claim(&key).execute(&mut *other).await.expect("is free");
        }
        other.rollback().await.expect("rolls back");
    };
    let (answers, ()) = tokio::join!(batch, crossing);
    assert!(answers.iter().all(|answer| status(answer) == 201));
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_look_like_steps_of_another_operation_are_just_keys() {
    // A predecessor derived `<key>-debit` and `<key>-credit` in its clients' own key space.
    let books = Books::open().await;
    let (ann, bob) = (
        books.wallet_with("ann", "100.00").await,
        books.wallet("bob").await,
    );
    for key in ["r1-debit", "r1-credit", "r1-compensate"] {
        let answer = books
            .engine
            .submit(command("c", key, deposit(ann, "1.00")))
            .await;
        assert_eq!(status(&answer), 201);
    }
    let moved = books
        .engine
        .submit(command("c", "r1", transfer(ann, bob, "50.00")))
        .await;
    assert_eq!(status(&moved), 201);
    assert_eq!(
        (
            books.balance(ann).await.as_str(),
            books.balance(bob).await.as_str()
        ),
        ("53.00", "50.00")
    );
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_guilty_command_fails_alone() {
    let books = Books::open().await;
    let wallet = books.wallet("ann").await;
    // Stands for any disagreement of the rules and the constraints.
    sqlx::query("ALTER TABLE ledger.postings ADD CONSTRAINT planted CHECK (abs(amount) <> 66.66)")
        .execute(&books.owner)
        .await
        .expect("planted");
    let answers = join_all((0..64).map(|n| {
        let amount = if n == 40 { "66.66" } else { "1.00" };
        books
            .engine
            .submit(command("ops", &format!("d {n}"), deposit(wallet, amount)))
    }))
    .await;
    for (n, answer) in answers.iter().enumerate() {
        if n == 40 {
            assert_eq!(*answer, Err(SubmitError::Refused));
        } else {
            assert_eq!(status(answer), 201, "command {n}");
        }
    }
    assert_eq!(books.balance(wallet).await, "63.00");
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_wallet_is_told_alone_and_its_key_stays_free() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "10.00").await;
    let nobody = WalletId::mint(service_runtime::Clock::system().now(), [9; 10]);
    let answers = join_all([nobody, ann].map(|to| {
        books
            .engine
            .submit(command("c", &format!("to {to}"), deposit(to, "1.00")))
    }))
    .await;
    assert_eq!(answers[0], Err(SubmitError::UnknownWallet));
    assert_eq!(status(&answers[1]), 201);
    let reused = books
        .engine
        .submit(command("c", &format!("to {nobody}"), deposit(ann, "2.00")))
        .await;
    assert_eq!(
        status(&reused),
        201,
        "nothing was written under the refused key"
    );
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_operations_on_one_wallet_neither_fail_nor_scan_what_grew() {
    let books = Books::open().await;
    let wallet = books.wallet_with("ann", "10000.00").await;
    for hundred in 0..100 {
        let answers = join_all((0..100).map(|n| {
            let key = format!("op {hundred} {n}");
            let action = if n % 2 == 0 {
                withdrawal(wallet, "1.00")
            } else {
                deposit(wallet, "1.00")
            };
            books.engine.submit(command("ann", &key, action))
        }))
        .await;
        assert!(
            answers.iter().all(|answer| status(answer) == 201),
            "round {hundred}"
        );
    }
    assert_eq!(books.balance(wallet).await, "10000.00");
    // What makes a ledger slow with age is work that grows with it. No statement of the write
    // path reads a growing table from end to end.
    let scans = eventually(
        "statistics of the write path",
        Duration::from_secs(20),
        async || {
            let rows: Vec<(String, i64, i64)> = sqlx::query_as(
                "SELECT relname::text, seq_tup_read, n_tup_ins FROM pg_stat_user_tables
             WHERE schemaname = 'ledger'
               AND relname IN ('postings', 'events_0', 'answers', 'idempotency_keys')
             ORDER BY relname",
            )
            .fetch_all(&books.owner)
            .await
            .expect("statistics are there");
            // Reported with a delay: wait until the inserts are in.
            let complete =
                rows.len() == 4 && rows.iter().all(|(_, _, inserted)| *inserted > 10_000);
            if complete { Ok(rows) } else { Err(rows) }
        },
    )
    .await;
    for (table, read, _) in scans {
        assert!(
            read < 10_000,
            "{table} was read from end to end: {read} rows"
        );
    }
    books.close().await;
}
