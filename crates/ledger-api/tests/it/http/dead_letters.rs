//! Dead letters of all workers, as each of them answers about its own.

pub(super) mod stand_in;

use contracts::topology::Worker;
use ledger_api::auth::Role;
use serde_json::{Value, json};

use crate::world::World;
use stand_in::{WALLET, answer, id};

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    let ids = items.iter().map(|item| item["id"].as_str().expect("an id"));
    ids.map(str::to_owned).collect()
}

fn named(numbers: &[u8]) -> Vec<String> {
    numbers
        .iter()
        .map(|number| id(*number).to_string())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_of_all_workers_are_one_and_a_worker_that_is_away_is_named() {
    let world = World::start().await;
    let finance = world.token(Role::Finance, "");
    let nobody = world.get(&finance, "/v1/dead-letters").await.ok(200);
    assert_eq!(
        nobody["unavailable"],
        json!(["fraud", "analytics", "settlement"])
    );
    assert_eq!(
        (ids(&nobody), &nobody["at_stake"]),
        (named(&[]), &json!({}))
    );

    answer(&world, Worker::Analytics, &[1, 4, 5]).await;
    let half = world.get(&finance, "/v1/dead-letters").await.ok(200);
    assert_eq!(half["unavailable"], json!(["fraud", "settlement"]));
    assert_eq!((ids(&half), &half["total"]), (named(&[1, 4, 5]), &json!(3)));

    answer(&world, Worker::Fraud, &[2, 3, 6]).await;
    answer(&world, Worker::Settlement, &[]).await;
    let first = world
        .get(&finance, "/v1/dead-letters?limit=4")
        .await
        .ok(200);
    assert_eq!(
        (ids(&first), &first["unavailable"]),
        (named(&[1, 2, 3, 4]), &json!([]))
    );
    assert_eq!(first["at_stake"], json!({"EUR": "30.30", "JPY": "15"}));
    assert_eq!(
        (&first["total"], &first["at_stake_unknown"]),
        (&json!(6), &json!(3))
    );
    let workers: Vec<_> = first["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|item| &item["worker"])
        .collect();
    assert_eq!(workers, ["analytics", "fraud", "fraud", "analytics"]);
    let cursor = first["next_cursor"].as_str().expect("there is more");
    let next = format!("/v1/dead-letters?limit=4&cursor={cursor}");
    let last = world.get(&finance, &next).await.ok(200);
    assert_eq!(
        (ids(&last), &last["next_cursor"]),
        (named(&[5, 6]), &Value::Null)
    );
    let one = world
        .get(&finance, "/v1/dead-letters?worker=fraud")
        .await
        .ok(200);
    assert_eq!(ids(&one), named(&[2, 3, 6]));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_shown_with_its_bytes_and_its_history_whosever_it_is() {
    let world = World::start().await;
    let staff = world.staff();
    let path = |n| format!("/v1/dead-letters/{}", id(n));
    answer(&world, Worker::Analytics, &[1, 4]).await;
    let text = world.get(&staff, &path(4)).await.ok(200);
    assert_eq!(
        (&text["data"], &text["data_base64"]),
        (&json!("{}"), &Value::Null)
    );
    assert_eq!(text["type"], "florin.ledger.transfer.posted.v1");
    assert_eq!(
        (&text["stake"], &text["wallets"]),
        (&json!({"EUR": "1.50"}), &json!([WALLET]))
    );
    assert_eq!(
        text["headers"],
        json!([{"name": "Florin-Seq", "value": "4"}])
    );
    assert_eq!(text["history"][0]["by"], "ann");
    let bytes = world.get(&staff, &path(1)).await.ok(200);
    assert_eq!(
        (&bytes["data"], &bytes["data_base64"]),
        (&Value::Null, &json!("//4="))
    );
    // It may be that of the worker that is away.
    let unknown = world.get(&staff, &path(9)).await;
    unknown.refused(503, "worker_unavailable", "one that nobody who answers has");
    answer(&world, Worker::Fraud, &[2]).await;
    answer(&world, Worker::Settlement, &[]).await;
    world
        .get(&staff, &path(9))
        .await
        .refused(404, "not_found", "one that nobody has");
    assert_eq!(world.get(&staff, &path(2)).await.ok(200)["worker"], "fraud");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_an_order_is_told_with_one_status_each() {
    let world = World::start().await;
    let staff = world.staff();
    answer(&world, Worker::Analytics, &[1]).await;
    answer(&world, Worker::Fraud, &[2]).await;
    let path = |verb: &str| format!("/v1/dead-letters/{}/{verb}", id(2));
    for (verb, dry_run, done) in [
        ("replay", false, "replayed"),
        ("replay", true, "would_replay"),
        ("discard", false, "discarded"),
        ("discard", true, "would_discard"),
    ] {
        let body = json!({"reason": "mended", "dry_run": dry_run});
        let told = world.write(&staff, &path(verb), &body).await.ok(200);
        let expected = json!({
            "id": id(2), "worker": "fraud", "outcome": done, "stake": {"EUR": "1.50"},
        });
        assert_eq!(told, expected, "{verb} {dry_run}");
    }
    let body = json!({"reason": "fail", "dry_run": true});
    let rehearsed = world.write(&staff, &path("replay"), &body).await.ok(200);
    assert_eq!(
        (&rehearsed["outcome"], &rehearsed["error"]),
        (&json!("would_fail"), &json!("still too much"))
    );
    let before = world.rows().await;
    for (reason, status, code, detail) in [
        (
            "fail",
            422,
            "replay_failed",
            json!("constraint: still too much"),
        ),
        (
            "replayed",
            409,
            "already_replayed",
            json!("replayed by bob at 2023-11-14T22:13:20Z"),
        ),
        (
            "discarded",
            409,
            "already_discarded",
            json!("discarded by bob at 2023-11-14T22:13:20Z"),
        ),
        ("foreign", 422, "not_replayable", Value::Null),
        ("missing", 404, "not_found", Value::Null),
        ("reused", 422, "idempotency_key_reused", Value::Null),
    ] {
        let body = json!({"worker": "fraud", "reason": reason});
        let reply = world.write(&staff, &path("replay"), &body).await;
        reply.refused(status, code, reason);
        assert_eq!(reply.json()["detail"], detail, "{reason}");
    }
    assert_eq!(world.rows().await, before, "the worker's to write");
    for reason in ["mended", "fail"] {
        let body = json!({"reason": reason});
        let again = world.post(&staff, &path("replay"), "again", &body).await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{reason}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_question_about_dead_letters_is_refused_before_anybody_is_asked() {
    let world = World::start().await;
    let staff = world.staff();
    for query in [
        "worker=ledger",
        "worker=",
        "state=open",
        "state=",
        "type=transfer",
        "wallet=ann",
        "older_than=1",
        "newer_than=tomorrow",
        "older_than=2026-13-01T00:00:00Z",
        "limit=0",
        "reason=",
        "reason=a%00b",
        "severity=high",
    ] {
        let reply = world
            .get(&staff, &format!("/v1/dead-letters?{query}"))
            .await;
        reply.refused(400, "invalid_query", query);
    }
    let reply = world.get(&staff, "/v1/dead-letters?cursor=nonsense").await;
    reply.refused(400, "invalid_cursor", "a cursor that is not ours");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_order_about_a_dead_letter_is_refused_before_anybody_is_asked() {
    let world = World::start().await;
    let staff = world.staff();
    for verb in ["replay", "discard"] {
        let path = format!("/v1/dead-letters/{}/{verb}", id(1));
        for (body, status, code) in [
            (json!({}), 400, "invalid_field"),
            (json!({"reason": null}), 400, "invalid_field"),
            (
                json!({"reason": "x", "worker": "ledger"}),
                400,
                "invalid_field",
            ),
            (
                json!({"reason": "x", "dry_run": "yes"}),
                400,
                "invalid_field",
            ),
            (json!({"reason": "x", "force": true}), 400, "invalid_field"),
            (json!({"reason": ""}), 422, "invalid_text"),
            (json!({"reason": "  "}), 422, "invalid_text"),
            (json!({"reason": "a\u{0}b"}), 422, "invalid_text"),
            (json!({"reason": "x".repeat(501)}), 422, "invalid_text"),
            (
                json!({"reason": "x".repeat(500)}),
                503,
                "worker_unavailable",
            ),
            (
                json!({"reason": "x", "worker": "fraud"}),
                503,
                "worker_unavailable",
            ),
        ] {
            world
                .write(&staff, &path, &body)
                .await
                .refused(status, code, &body);
        }
        let request = world
            .request(reqwest::Method::POST, &path)
            .bearer_auth(&staff);
        let keyless = World::send(request.json(&json!({"reason": "x"}))).await;
        keyless.refused(400, "idempotency_key_required", verb);
        for wrong in [WALLET, "dlt_1", "1"] {
            let path = format!("/v1/dead-letters/{wrong}/{verb}");
            let reply = world.write(&staff, &path, &json!({"reason": "x"})).await;
            reply.refused(404, "not_found", wrong);
        }
    }
    world.close().await;
}
