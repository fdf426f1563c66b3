//! Settlements, when nobody answers about them.

use ledger_api::auth::Role;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn settlements_are_unavailable_alone_while_their_worker_is_away() {
    let world = World::start().await;
    let finance = world.token(Role::Finance, "");
    let path = "/v1/settlements/batches";
    for read in [
        path,
        "/v1/settlements/breaks",
        "/v1/settlements/batches/stl_0190aaaaaaaa7bbbbbbbcccccccccccc",
    ] {
        let reply = world.get(&finance, read).await;
        reply.refused(503, "worker_unavailable", read);
    }
    let cut = world.post(&finance, path, "cut", &json!({})).await;
    cut.refused(503, "worker_unavailable", "a cut");
    // What cannot be right is refused before anybody is asked.
    let cut = world
        .post(&finance, path, "cut", &json!({"currency": "XAU"}))
        .await;
    cut.refused(422, "unknown_currency", "gold");
    let bare = world
        .request(reqwest::Method::POST, path)
        .bearer_auth(&finance);
    let bare = World::send(bare.json(&json!({}))).await;
    bare.refused(400, "idempotency_key_required", "a cut without a key");
    for query in ["state=gone", "state=", "limit=0", "kind=balances"] {
        let reply = world
            .get(&finance, &format!("/v1/settlements/breaks?{query}"))
            .await;
        reply.refused(400, "invalid_query", query);
    }
    world.get(&finance, "/v1/wallets").await.ok(200);
    world.close().await;
}
