//! When a movement counts, which may be earlier than when it was written.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::refusals::routes;
use crate::world::World;

fn moment(value: &Value) -> DateTime<Utc> {
    value.as_str().expect("a time").parse().expect("a time")
}

/// Events and history as they are, for one `seq`.
async fn event(world: &World, seq: &Value) -> Value {
    let data: String = sqlx::query_scalar("SELECT data FROM ledger.events WHERE seq = $1")
        .bind(seq.as_i64().expect("a position"))
        .fetch_one(&world.owner)
        .await
        .expect("the event is there");
    serde_json::from_str(&data).expect("JSON")
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_say_when_a_movement_counts_and_it_is_told_beside_when_it_was_posted() {
    let world = World::start().await;
    let (staff, routes) = (world.staff(), routes(&world).await);
    let said = "2020-02-29T12:00:00.123456Z";
    for (path, good) in &routes.all {
        let mut body = good.clone();
        body["effective_at"] = json!(said);
        let answer = world.write(&staff, path, &body).await.ok(201);
        assert_eq!(answer["effective_at"], said, "{path}");
        let age = service_runtime::Clock::system().now() - moment(&answer["posted_at"]);
        assert!(age.num_minutes() < 5, "{path}: posted now");
        let event = event(&world, &answer["seq"]).await;
        let list = format!("/v1/wallets/{}/history?limit=1", routes.wallet);
        let history = world.get(&staff, &list).await.ok(200);
        for told in [&event, &history["items"][0]] {
            assert_eq!(
                moment(&told["effective_at"]),
                moment(&answer["effective_at"])
            );
            assert_eq!(moment(&told["posted_at"]), moment(&answer["posted_at"]));
        }
        // Without it, both are one.
        let mut body = good.clone();
        if let Some(order) = body.get_mut("order_reference") {
            *order = json!("another order");
        }
        let answer = world.write(&staff, path, &body).await.ok(201);
        assert_eq!(answer["effective_at"], answer["posted_at"], "{path}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_movement_tells_when_it_would_have_counted() {
    let world = World::start().await;
    let (staff, routes) = (world.staff(), routes(&world).await);
    let said = "2020-02-29T12:00:00Z";
    let body = json!({"amount": "999.00", "currency": "EUR", "effective_at": said});
    let path = format!("/v1/wallets/{}/withdraw", routes.wallet);
    let reply = world.write(&staff, &path, &body).await;
    reply.refused(422, "insufficient_funds", said);
    let head: i64 = sqlx::query_scalar("SELECT seq FROM ledger.head")
        .fetch_one(&world.owner)
        .await
        .expect("there is a head");
    let event = event(&world, &json!(head)).await;
    assert_eq!(moment(&event["effective_at"]), moment(&json!(said)));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn customers_do_not_say_when_their_movements_count_and_nobody_says_a_time_to_come() {
    let world = World::start().await;
    let routes = routes(&world).await;
    let (ann, staff) = (world.customer("ann"), world.staff());
    let before = world.rows().await;
    let soon = service_runtime::Clock::system().now() + chrono::TimeDelta::minutes(1);
    for (path, good) in &routes.all {
        let mut body = good.clone();
        body["effective_at"] = json!(soon.to_rfc3339());
        let refused = world.write(&staff, path, &body).await;
        refused.refused(422, "effective_at_in_future", path);
        assert_eq!(refused.json()["errors"][0]["field"], "effective_at");
        // Not even now or before.
        for said in ["2020-01-01T00:00:00Z", "nonsense"] {
            body["effective_at"] = json!(said);
            world
                .write(&ann, path, &body)
                .await
                .refused(403, "forbidden", path);
        }
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
