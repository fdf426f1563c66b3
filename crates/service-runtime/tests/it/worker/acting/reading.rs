//! Lists: filters, and the money at stake.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use contracts::{
    WalletId,
    limits::DEAD_LETTER_BYTES_SHOWN_MAX,
    rpc::dead_letters::{DeadLetterFilter, DeadLetterState, DeadLettersPage, DeadLettersRequest},
    subjects::rpc as subjects,
};
use service_runtime::Clock;
use testkit::eventually;

use super::desk::{Desk, order, world_with_parked};
use crate::worker_world::PATIENCE;

#[tokio::test]
async fn lists_are_filtered_and_their_money_is_that_of_the_whole_filter() {
    let desk = Desk::with_parked(6, [1, 2, 3, 4]).await;
    // An event that this version cannot read, and one that nobody wrote.
    let world = &desk.world;
    let strange = r#"{"id":"evt_0190c9a28c047d1f8a6b3c4d5e6f7090","type":"florin.ledger.dance.posted.v1","seq":7}"#;
    let id = "evt_0190c9a28c047d1f8a6b3c4d5e6f7090"
        .parse()
        .expect("an id");
    let subject = "ledger.v1.dance.posted.00";
    world.write_data(id, subject, Clock::system().now(), strange.to_owned());
    world.publish([7]).await;
    let worker = world.worker().await;
    // One after the other: of one batch, what nobody wrote is parked first.
    world.wait_for_letters(5).await;
    let forged = "x".repeat(DEAD_LETTER_BYTES_SHOWN_MAX + 1);
    let nothing = async_nats::HeaderMap::new();
    world.send(subject, nothing, &forged).await;
    world.wait_for_letters(6).await;
    worker.stop().await;

    let all = desk.list(DeadLetterFilter::default()).await;
    let euros = |page: &DeadLettersPage| serde_json::to_string(&page.at_stake).expect("JSON");
    assert_eq!((all.total, all.at_stake_unknown), (6, 1));
    assert_eq!(euros(&all), r#"{"EUR":"4.00"}"#);
    assert!(all.items.is_sorted_by_key(|letter| letter.id));
    let middle = &all.items[2];
    let wallet: WalletId = middle.wallets[0];
    let next = all.items[3].last_at;
    for (filter, ids) in [
        (
            by(|f| f.reason = Some("hopeless".to_owned())),
            vec![0, 1, 2, 3],
        ),
        (by(|f| f.reason = Some("unknown_type".to_owned())), vec![4]),
        (
            by(|f| f.noun_verb = Some("deposit.posted".to_owned())),
            vec![0, 1, 2, 3],
        ),
        (
            by(|f| f.noun_verb = Some("unknown.unknown".to_owned())),
            vec![4, 5],
        ),
        (by(|f| f.wallet = Some(wallet)), vec![2]),
        (by(|f| f.state = Some(DeadLetterState::Replayed)), vec![]),
        (by(|f| f.before = Some(next)), vec![0, 1, 2]),
        (by(|f| f.since = Some(next)), vec![3, 4, 5]),
        (by(|f| f.before = Some(next - TimeDelta::days(1))), vec![]),
    ] {
        let page = desk.list(filter.clone()).await;
        let wanted: Vec<_> = ids.iter().map(|n: &usize| all.items[*n].id).collect();
        let found: Vec<_> = page.items.iter().map(|letter| letter.id).collect();
        assert_eq!(found, wanted, "{filter:?}");
        assert_eq!(page.total, ids.len() as u64, "{filter:?}");
    }

    // What is settled is not at stake; a page's money is that of all pages.
    desk.discard(order(all.items[0].id, "ann")).await;
    let request = DeadLettersRequest {
        filter: DeadLetterFilter::default(),
        after: Some(all.items[1].id),
        limit: 1,
    };
    let page: DeadLettersPage = desk.ask(subjects::DEAD_LETTERS, &request).await;
    assert_eq!(page.items[0].id, middle.id);
    assert_eq!(
        (page.items.len(), page.total, euros(&page)),
        (1, 6, r#"{"EUR":"3.00"}"#.to_owned())
    );
    let foreign = desk.show(all.items[5].id).await;
    assert_eq!(foreign.data_bytes, forged.len() as u64);
    let shown = BASE64_STANDARD.decode(foreign.data).expect("base64");
    assert_eq!(shown.len(), DEAD_LETTER_BYTES_SHOWN_MAX);
    desk.close().await;
}

fn by(set: impl FnOnce(&mut DeadLetterFilter)) -> DeadLetterFilter {
    let mut filter = DeadLetterFilter::default();
    set(&mut filter);
    filter
}

/// Dead letters of a version that did not note what they are about.
#[tokio::test]
async fn what_an_earlier_version_parked_is_looked_at_again() {
    let world = world_with_parked(2, [1, 2]).await;
    let forgotten = sqlx::query("UPDATE dead_letters SET stake = NULL, wallets = '{}'")
        .execute(&world.pool)
        .await
        .expect("forgets");
    assert_eq!(forgotten.rows_affected(), 2);
    let desk = Desk::of(world).await;
    eventually("the stakes are known", PATIENCE, async || {
        let page = desk.list(DeadLetterFilter::default()).await;
        let known = page.at_stake_unknown == 0 && page.items[0].wallets.len() == 1;
        if known { Ok(()) } else { Err(page) }
    })
    .await;
    desk.close().await;
}
