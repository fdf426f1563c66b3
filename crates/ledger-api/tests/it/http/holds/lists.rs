//! Lists of holds.

use serde_json::{Value, json};

use super::{capture, market, merchant, void};
use crate::world::World;

/// The ids on a page, in its order.
fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items
        .map(|item| item["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn holds_are_listed_by_wallet_and_state_to_both_sides() {
    let world = World::start().await;
    let market = market(&world).await;
    let shop = merchant(&world);
    let mut placed = Vec::new();
    for _ in 0..5 {
        placed.push(market.place(&world, "1.00").await);
    }
    // Ids of one millisecond have no order among themselves.
    placed.sort_by(|a, b| b.cmp(a));
    world
        .write(&shop, &void(&placed[4]), &json!({"reason": "r"}))
        .await
        .ok(200);
    world
        .write(&shop, &capture(&placed[3]), &json!({}))
        .await
        .ok(201);
    for (token, wallet) in [
        (world.customer("ann"), &market.ann),
        (shop, &market.shop),
        (world.staff(), &market.ann),
    ] {
        let list = format!("/v1/holds?wallet={wallet}");
        assert_eq!(ids(&world.get(&token, &list).await.ok(200)), placed);
        let open = world
            .get(&token, &format!("{list}&state=open"))
            .await
            .ok(200);
        assert_eq!(ids(&open), placed[..3]);
        let voided = world
            .get(&token, &format!("{list}&state=voided"))
            .await
            .ok(200);
        assert_eq!(ids(&voided), placed[4..]);
        let (mut walked, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world
                .get(&token, &format!("{list}&limit=2{cursor}"))
                .await
                .ok(200);
            walked.extend(ids(&page));
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(walked, placed);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_see_holds_of_all_wallets_and_others_name_their_own() {
    let world = World::start().await;
    let market = market(&world).await;
    let placed = [
        market.place(&world, "1.00").await,
        market.place(&world, "1.00").await,
    ];
    let path = capture(&placed[0]);
    world
        .write(&merchant(&world), &path, &json!({}))
        .await
        .ok(201);
    let all = world
        .get(&world.staff(), "/v1/holds?state=captured")
        .await
        .ok(200);
    assert_eq!(ids(&all), placed[..1]);
    let eve = world.customer("eve");
    for (token, query, status, code) in [
        (&eve, format!("wallet={}", market.ann), 404, "not_found"),
        (&eve, String::new(), 400, "invalid_query"),
        (
            &world.staff(),
            "wallet=nonsense".to_owned(),
            400,
            "invalid_query",
        ),
        (
            &world.staff(),
            "state=Open".to_owned(),
            400,
            "invalid_query",
        ),
        (&world.staff(), "limit=0".to_owned(), 400, "invalid_query"),
        (
            &world.staff(),
            "cursor=nonsense".to_owned(),
            400,
            "invalid_cursor",
        ),
        (&world.staff(), "offset=1".to_owned(), 400, "invalid_query"),
    ] {
        let path = format!("/v1/holds?{query}");
        world.get(token, &path).await.refused(status, code, path);
    }
    world.close().await;
}
