//! Holds on real books: what happens at once, and what the database refuses by itself.

mod guards;

use std::collections::BTreeMap;

use contracts::{HoldId, Kind, LedgerEvent, Money, WalletId, event::HoldState};
use futures_util::future::join_all;
use ledger_api::{
    domain::{
        Action, CaptureHold, ChangeWallet, HoldAction, HoldTerms, Movement, PlaceHold, ReleaseHold,
        WalletChange,
    },
    posting::{Answer, SubmitError},
    store::holds::{self, HoldRow},
};
use service_runtime::{Clock, entropy};

use crate::books::{Books, command, deposit, eur, withdrawal};

/// A hold of `amount` on `wallet` in favour of `to`.
fn terms(wallet: WalletId, to: WalletId, amount: &str) -> HoldTerms {
    HoldTerms {
        id: HoldId::mint(Clock::system().now(), entropy()),
        wallet,
        kind: Kind::Transfer,
        counterparty: Some(to),
        amount: eur(amount),
        reference: None,
        order_reference: None,
        description: None,
        metadata: BTreeMap::new(),
    }
}

pub(super) async fn place(books: &Books, wallet: WalletId, to: WalletId, amount: &str) -> HoldRow {
    let terms = terms(wallet, to, amount);
    let (id, key) = (terms.id, format!("place {}", terms.id));
    let place = HoldAction::Place(PlaceHold {
        terms,
        expires_at: None,
    });
    let answer = books
        .engine
        .submit(command("ann", &key, Action::Hold(place)));
    assert!(is_good(&answer.await), "placed");
    found(books, id).await
}

pub(super) async fn found(books: &Books, id: HoldId) -> HoldRow {
    let row = holds::find(&books.owner, id).await;
    row.expect("the database answers").expect("it is there")
}

pub(super) fn capture(row: &HoldRow, amount: Option<&str>, last: bool) -> Action {
    let terms = &row.terms;
    Action::Hold(HoldAction::Capture(CaptureHold {
        hold: terms.id,
        placed_at: row.placed_at,
        movement: Movement {
            kind: terms.kind,
            wallet: terms.wallet,
            counterparty: terms.counterparty,
            amount: amount.map_or(terms.amount, eur),
            effective_at: None,
            reference: None,
            order_reference: None,
            merchant_category: None,
            description: None,
            metadata: BTreeMap::new(),
        },
        all: amount.is_none(),
        last,
    }))
}

pub(super) fn release(row: &HoldRow, voided: bool) -> Action {
    Action::Hold(HoldAction::Release(ReleaseHold {
        terms: row.terms.clone(),
        placed_at: row.placed_at,
        voided,
        reason: voided.then(|| "because".to_owned()),
    }))
}

fn event(answer: &Result<Answer, SubmitError>) -> LedgerEvent {
    let body = &answer.as_ref().expect("an answer").rendered.body;
    LedgerEvent::decode(body.as_bytes()).expect("an event")
}

fn is_good(answer: &Result<Answer, SubmitError>) -> bool {
    !matches!(
        event(answer),
        LedgerEvent::Rejected(_) | LedgerEvent::CommandRejected(_)
    )
}

/// Proves by plain SQL that what is held is what open holds have left, and what postings say.
async fn close(books: Books) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT format('%s holds %s, its holds have %s left, its postings say %s', b.wallet_id,
                       b.held, coalesce(h.remaining, 0), p.held)
         FROM ledger.balances b
         LEFT JOIN (SELECT wallet_id, currency, sum(amount - captured) AS remaining
                    FROM ledger.holds WHERE state = 'open' GROUP BY wallet_id, currency) h
              ON b.account = 'main' AND (h.wallet_id, h.currency) = (b.wallet_id, b.currency)
         JOIN (SELECT wallet_id, account, currency, sum(held_change) AS held
               FROM ledger.postings GROUP BY wallet_id, account, currency) p
              ON (p.wallet_id, p.account, p.currency) = (b.wallet_id, b.account, b.currency)
         WHERE b.held <> coalesce(h.remaining, 0) OR b.held <> p.held",
    )
    .fetch_all(&books.owner)
    .await
    .expect("the database answers");
    assert_eq!(wrong, Vec::<String>::new());
    books.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_captures_at_once_never_take_more_than_the_hold() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let bob = books.wallet("bob").await;
    let hold = place(&books, ann, bob, "80.00").await;
    let other = books.another_engine().await;
    let answers = join_all((0..100).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        engine.submit(command(
            "bob",
            &format!("capture {n}"),
            capture(&hold, Some("1.50"), false),
        ))
    }))
    .await;
    // 53 times 1.50 are 79.50: the fifty-fourth is too much, and fifty cents stay held.
    assert_eq!(answers.iter().filter(|answer| is_good(answer)).count(), 53);
    let after = found(&books, hold.terms.id).await.hold;
    assert_eq!(
        (after.state, after.captured, after.remaining()),
        (HoldState::Open, eur("79.50"), eur("0.50"))
    );
    let left: Vec<Money> = answers
        .iter()
        .filter_map(|answer| match event(answer) {
            LedgerEvent::Posted(posted) => {
                assert_eq!(posted.hold, Some(hold.terms.id));
                let left = posted.hold_left.expect("a capture tells what is left");
                Some(Money::exact(left.remaining, eur("1").currency()).expect("cents"))
            }
            LedgerEvent::Rejected(rejected) => {
                assert_eq!(rejected.code.as_str(), "capture_too_large");
                assert_eq!(rejected.about, Some(hold.terms.id.to_string()));
                None
            }
            other => panic!("a capture is posted or rejected: {other:?}"),
        })
        .collect();
    let distinct: std::collections::BTreeSet<String> =
        left.iter().map(ToString::to_string).collect();
    assert_eq!(
        distinct.len(),
        53,
        "each capture left less than the one before"
    );
    assert_eq!(books.balance(bob).await, "79.50");
    close(books).await;
}

/// Ten holds, each captured, voided and expired at the same moment, over two replicas.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_capture_a_void_and_an_expiry_at_once_exactly_one_ends_the_hold() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let bob = books.wallet("bob").await;
    let other = books.another_engine().await;
    let mut paid = 0;
    for round in 0..10 {
        let hold = place(&books, ann, bob, "10.00").await;
        let steps = [
            ("capture", capture(&hold, None, true)),
            ("void", release(&hold, true)),
            ("expire", release(&hold, false)),
        ];
        let answers = join_all(steps.into_iter().enumerate().map(|(n, (name, action))| {
            let engine = if n % 2 == round % 2 {
                &books.engine
            } else {
                &other
            };
            engine.submit(command("bob", &format!("{name} {round}"), action))
        }))
        .await;
        let good: Vec<LedgerEvent> = answers
            .iter()
            .filter(|answer| is_good(answer))
            .map(event)
            .collect();
        assert_eq!(good.len(), 1, "{good:?}");
        let end = found(&books, hold.terms.id).await.hold;
        let told = match &good[0] {
            LedgerEvent::Posted(posted) => {
                paid += 10;
                posted.hold_left.as_ref().expect("it tells").state
            }
            LedgerEvent::HoldChanged(changed) => changed.state,
            other => panic!("a hold is captured or released: {other:?}"),
        };
        assert_eq!(end.state, told);
        assert_ne!(end.state, HoldState::Open);
        let codes: Vec<String> = answers
            .iter()
            .filter_map(|answer| match event(answer) {
                LedgerEvent::Rejected(event) => Some(event.code.as_str().to_owned()),
                LedgerEvent::CommandRejected(event) => Some(event.code.as_str().to_owned()),
                _ => None,
            })
            .collect();
        let expected = format!("hold_{}", end.state.as_str());
        assert!(codes.iter().all(|code| *code == expected), "{codes:?}");
    }
    assert_eq!(books.balance(bob).await, format!("{paid}.00"));
    close(books).await;
}

/// WAL-11: a freeze that commits first wins against every debit after it, and a capture is one.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_freeze_no_withdrawal_no_capture_and_no_hold_commits() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "1000.00").await;
    let bob = books.wallet("bob").await;
    let hold = place(&books, ann, bob, "100.00").await;
    let other = books.another_engine().await;
    let freeze = Action::ChangeWallet(ChangeWallet {
        wallet: ann,
        change: WalletChange::Freeze(None),
        reason: "stolen".to_owned(),
    });
    let answers = join_all((0..151).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        let action = match n % 3 {
            _ if n == 70 => freeze.clone(),
            0 => withdrawal(ann, "1.00"),
            1 => capture(&hold, Some("1.00"), false),
            _ => Action::Hold(HoldAction::Place(PlaceHold {
                terms: terms(ann, bob, "1.00"),
                expires_at: None,
            })),
        };
        engine.submit(command("race", &format!("{n}"), action))
    }))
    .await;
    let frozen_at = event(&answers[70]).seq();
    let (mut before, mut after) = (0, 0);
    for (n, answer) in answers.iter().enumerate().filter(|(n, _)| *n != 70) {
        let event = event(answer);
        if event.seq() < frozen_at {
            assert!(is_good(answer), "{n}: {event:?}");
            before += 1;
            continue;
        }
        let code = match event {
            LedgerEvent::Rejected(event) => event.code,
            LedgerEvent::CommandRejected(event) => event.code,
            other => panic!("committed after the freeze: {other:?}"),
        };
        assert_eq!(code.as_str(), "wallet_frozen");
        after += 1;
    }
    assert_eq!(before + after, 150);
    // What came before is unlocked by nobody: what is held comes free although it is frozen.
    let voided = books
        .engine
        .submit(command("bob", "void", release(&hold, true)));
    assert!(is_good(&voided.await));
    close(books).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_capture_sent_fifty_times_takes_once() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let bob = books.wallet("bob").await;
    let hold = place(&books, ann, bob, "80.00").await;
    let other = books.another_engine().await;
    let answers = join_all((0..50).map(|n| {
        let engine = if n % 2 == 0 { &books.engine } else { &other };
        engine.submit(command(
            "bob",
            "one key",
            capture(&hold, Some("1.50"), false),
        ))
    }))
    .await;
    let bodies: std::collections::BTreeSet<&String> = answers
        .iter()
        .map(|answer| &answer.as_ref().expect("an answer").rendered.body)
        .collect();
    assert_eq!(bodies.len(), 1);
    assert_eq!(books.balance(bob).await, "1.50");
    close(books).await;
}

/// Linked commands see what those before them did, and a rehearsal leaves no trace.
#[tokio::test(flavor = "multi_thread")]
async fn captures_in_a_linked_group_stand_or_fall_together_and_rehearsals_hold_nothing() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let bob = books.wallet("bob").await;
    let hold = place(&books, ann, bob, "80.00").await;
    let pair = |name: &str, second: &str| {
        [("first", "50.00"), ("second", second)].map(|(part, amount)| {
            let key = format!("{name} {part}");
            command("bob", &key, capture(&hold, Some(amount), false))
        })
    };
    let too_much = books.engine.submit_linked(pair("too much", "30.01").into());
    let too_much = too_much.await.expect("decided");
    assert!(too_much.iter().all(|answer| !is_good(answer)));
    let rehearsed = books
        .engine
        .rehearse(pair("dry", "30.00").into(), true)
        .await;
    assert!(rehearsed.expect("decided").iter().all(is_good));
    assert_eq!(found(&books, hold.terms.id).await.hold, hold.hold);
    let exact = books.engine.submit_linked(pair("exact", "30.00").into());
    assert!(exact.await.expect("decided").iter().all(is_good));
    let after = found(&books, hold.terms.id).await.hold;
    assert_eq!(after.state, HoldState::Captured);
    close(books).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_is_not_there_is_told_alone_and_its_neighbours_go_through() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "100.00").await;
    let bob = books.wallet("bob").await;
    let mut ghost = place(&books, ann, bob, "1.00").await;
    ghost.terms.id = HoldId::mint(Clock::system().now(), entropy());
    let head = books.stall().await;
    let engine = &books.engine;
    let (missing, neighbour, released) = tokio::join!(
        engine.submit(command("bob", "ghost", capture(&ghost, None, false))),
        engine.submit(command("ops", "neighbour", deposit(bob, "1.00"))),
        head.rollback(),
    );
    released.expect("the lanes go on");
    assert_eq!(missing, Err(SubmitError::UnknownWallet));
    assert!(is_good(&neighbour));
    close(books).await;
}

/// The row of a hold names two wallets. Whoever changes one of them wants the head next, which the
/// hold's batch has: they must not wait for each other.
#[tokio::test(flavor = "multi_thread")]
async fn a_hold_does_not_wait_for_a_change_of_the_wallet_in_whose_favour_it_is() {
    let books = Books::open().await;
    let ann = books.wallet_with("ann", "10.00").await;
    let bob = books.wallet("bob").await;
    let mut change = books.owner.begin().await.expect("begins");
    let locked = ledger_api::store::wallets::lock_in_tx(&mut change, &[bob]).await;
    assert!(locked.expect("locked").contains_key(&bob));
    let row = place(&books, ann, bob, "4.00").await;
    assert_eq!(row.hold.state, HoldState::Open);
    change.rollback().await.expect("ends");
    close(books).await;
}
