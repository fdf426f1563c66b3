//! What keeps a cut waiting, who may close it, and what nobody may do.

use contracts::{rpc::BatchesRequest, settlement::BatchClosed};
use settlement_worker::sweeps::Closed;

use crate::world::{Payment, World};

const PAYMENT: Payment = Payment {
    merchant: 1,
    currency: "EUR",
    units: 1_000,
};

fn payments(seqs: impl IntoIterator<Item = u64>) -> Vec<(u64, Payment)> {
    seqs.into_iter().map(|seq| (seq, PAYMENT)).collect()
}

async fn waits_for(world: &World, cut: contracts::CutId) -> String {
    match world
        .closer()
        .close(cut)
        .await
        .expect("the database answers")
    {
        Closed::Waits(reason) => reason,
        other => panic!("it did not wait: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_waits_for_a_hole_a_retry_and_a_dead_letter_and_for_nothing_beyond_it() {
    let world = World::new().await;
    world.apply(&payments([1, 2, 4, 5, 6])).await;
    let cut = world.cut(5, None, None).await;
    assert!(waits_for(&world, cut).await.contains("event 3"));
    world
        .execute(
            "UPDATE settlement.inbox SET done = '{[1,7)}';
             INSERT INTO settlement.retrying
             VALUES ('settlement', 'ledger', 3, '', '{}', '', 1, now(), now(), now(), '')",
        )
        .await;
    assert!(waits_for(&world, cut).await.contains("tried again"));
    world
        .execute(
            "DELETE FROM settlement.retrying;
             INSERT INTO settlement.dead_letters (id, consumer, source, seq, subject, noun_verb,
                 headers, data, reason, error, attempts, first_at, last_at)
             SELECT gen_random_uuid(), 'settlement', 'ledger', seq, '', '', '[]', '', '', '', 1,
                    now(), now() FROM unnest(ARRAY[3, 6]) AS letter (seq)",
        )
        .await;
    assert!(waits_for(&world, cut).await.contains("a dead letter"));
    let beyond = "UPDATE settlement.dead_letters SET state = 'discarded' WHERE seq = 3";
    world.execute(beyond).await;
    let closed = world
        .closer()
        .close(cut)
        .await
        .expect("the database answers");
    assert_eq!(closed, Closed::Now(1));
    let counted = "SELECT count FROM settlement.batches";
    assert_eq!(world.scalar(counted).await, 4);
    let again = world
        .closer()
        .close(cut)
        .await
        .expect("the database answers");
    assert_eq!(again, Closed::Before);
}

/// Midnight's cut waits, and so does one that was asked for in the morning. Whoever asks again for
/// the latter must not take what is midnight's, however soon they ask after the wait is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_cut_that_is_closed_at_once_leaves_earlier_ones_what_is_theirs() {
    let world = World::new().await;
    let midnight = world.cut(3, None, None).await;
    let morning = world.cut(5, None, None).await;
    for cut in [midnight, morning] {
        assert!(waits_for(&world, cut).await.contains("event 1"));
    }
    world.apply(&payments(1..=5)).await;
    let closed = world.closer().close(morning).await;
    assert_eq!(closed.expect("the database answers"), Closed::Now(1));
    let closed = world.closer().close(midnight).await;
    assert_eq!(closed.expect("the database answers"), Closed::Before);
    let of_midnight = "SELECT sum(b.count)::bigint FROM settlement.batches b
        JOIN settlement.cuts c ON c.id = b.cut_id WHERE c.seq = 3";
    assert_eq!(world.scalar(of_midnight).await, 3);
}

/// By hand, because a cut is not closed over what could still come: but if it does, it is
/// neither lost nor put into a batch that was told.
#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_comes_after_its_cut_goes_into_the_next() {
    let world = World::new().await;
    world.apply(&payments([1, 3])).await;
    world
        .execute("UPDATE settlement.inbox SET done = '{[1,4)}'")
        .await;
    let first = world.cut(3, None, None).await;
    let closed = world
        .closer()
        .close(first)
        .await
        .expect("the database answers");
    assert_eq!(closed, Closed::Now(1));
    world
        .execute("UPDATE settlement.inbox SET done = '{[1,2),[3,4)}'")
        .await;
    world.apply(&payments([2])).await;
    let next = world.cut(3, None, None).await;
    let closed = world
        .closer()
        .close(next)
        .await
        .expect("the database answers");
    assert_eq!(closed, Closed::Now(1));
    let batched = "SELECT count(*) FROM settlement.batch_items WHERE seq = 2";
    assert_eq!(world.scalar(batched).await, 1);
    let counts = "SELECT sum(count)::bigint FROM settlement.batches";
    assert_eq!(world.scalar(counts).await, 3);
}

/// Many cuts over the same items, closed by many at once: the items are shared out, not copied.
#[tokio::test(flavor = "multi_thread")]
async fn closers_that_work_at_once_put_no_payment_into_two_batches() {
    let world = World::new().await;
    for round in 0..5 {
        let (first, last) = (round * 20 + 1, round * 20 + 20);
        let mut cuts = Vec::new();
        for n in 0..4 {
            cuts.push(world.cut(first + n * 5 + 4, None, None).await);
        }
        let half = payments(first..=last - 10);
        let rest = payments(last - 9..=last);
        let (one, other, late) = (world.closer(), world.closer(), world.closer());
        let close = async |closer: settlement_worker::sweeps::Closer| {
            for cut in &cuts {
                closer.close(*cut).await.expect("the database answers");
            }
        };
        tokio::join!(
            world.apply(&half),
            close(one),
            world.apply(&rest),
            close(other)
        );
        close(late).await;
        let batched = "SELECT count(*) FROM settlement.batch_items";
        assert_eq!(world.scalar(batched).await.unsigned_abs(), last);
        let counts = "SELECT sum(count)::bigint FROM settlement.batches";
        assert_eq!(world.scalar(counts).await.unsigned_abs(), last);
    }
    let waiting = "SELECT count(*) FROM settlement.cuts WHERE state = 'waiting'";
    assert_eq!(world.scalar(waiting).await, 0);
}

/// A `Decimal` holds 28 digits. A hundred of the largest payments of a currency with 18 decimals
/// have 29, and the last one counts.
#[tokio::test(flavor = "multi_thread")]
async fn a_gross_beyond_28_digits_is_exact() {
    let world = World::new().await;
    let largest = Payment {
        merchant: 1,
        currency: "ETH",
        units: 10_u128.pow(27) - 1,
    };
    let batch: Vec<(u64, Payment)> = (1..=100).map(|seq| (seq, largest)).collect();
    world.apply(&batch).await;
    let cut = world.cut(100, None, None).await;
    world
        .closer()
        .close(cut)
        .await
        .expect("the database answers");
    let wanted = BatchesRequest {
        merchant: None,
        currency: None,
        cut: Some(cut),
        after: None,
        limit: 2,
    };
    let batches = settlement_worker::store::batches::list(&world.pool, &wanted).await;
    let [batch] = &batches.expect("the database answers")[..] else {
        panic!("one batch")
    };
    let exact = "99999999999.999999999999999900";
    assert_eq!((batch.gross.as_str(), batch.count), (exact, 100));
    let data: String = sqlx::query_scalar("SELECT data FROM settlement.events")
        .fetch_one(&world.owner)
        .await
        .expect("it was told");
    let told = BatchClosed::decode(data.as_bytes()).expect("an event");
    assert_eq!((told.gross.as_str(), told.batch), (exact, batch.id));
    let sums = "SELECT count(*) FROM settlement.sums
        WHERE amount = 0 AND turnover = 199999999999.9999999999999998";
    assert_eq!(world.scalar(sums).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_settled_can_be_changed_by_nobody() {
    let world = World::new().await;
    world.apply(&payments([1])).await;
    let cut = world.cut(1, None, None).await;
    world
        .closer()
        .close(cut)
        .await
        .expect("the database answers");
    for sql in [
        "UPDATE settlement.batches SET gross = gross + 1",
        "DELETE FROM settlement.batch_items",
        "TRUNCATE settlement.batch_items",
        "DELETE FROM settlement.cuts",
    ] {
        let owner = sqlx::raw_sql(sql).execute(&world.owner).await;
        let words = owner.expect_err(sql).to_string();
        assert!(words.contains("append-only"), "{sql}: {words}");
    }
    for sql in [
        "UPDATE settlement.items SET amount = 1",
        "DELETE FROM settlement.items",
        "UPDATE settlement.batches SET gross = 1",
        "UPDATE settlement.batch_items SET seq = 1",
        "UPDATE settlement.cuts SET seq = 1",
        "UPDATE settlement.events SET data = ''",
        "DELETE FROM settlement.breaks",
    ] {
        let role = sqlx::raw_sql(sql).execute(&world.pool).await;
        let words = role.expect_err(sql).to_string();
        assert!(words.contains("permission denied"), "{sql}: {words}");
    }
    let twice = "INSERT INTO settlement.batch_items SELECT * FROM settlement.batch_items";
    let error = sqlx::raw_sql(twice).execute(&world.pool).await;
    let words = error.expect_err("a payment is in one batch").to_string();
    assert!(
        words.contains("an_item_is_in_one_batch_for_ever"),
        "{words}"
    );
}
