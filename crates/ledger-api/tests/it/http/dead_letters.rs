//! Dead letters of all workers, as each of them answers about its own.

use std::time::Duration;

use chrono::{DateTime, Utc};
use contracts::{
    DeadLetterId, Totals,
    rpc::{
        RpcError,
        dead_letters::{
            ActOnDeadLetter, ActedOnDeadLetter, DeadLetter, DeadLetterAction, DeadLetterOutcome,
            DeadLetterRequest, DeadLetterState, DeadLetterSummary, DeadLettersPage,
            DeadLettersRequest,
        },
    },
    subjects::rpc::{DEAD_LETTER, DEAD_LETTERS, DISCARD_DEAD_LETTER, REPLAY_DEAD_LETTER, of},
    topology::Worker,
};
use ledger_api::auth::Role;
use serde_json::{Value, json};
use service_runtime::{nats, rpc};
use testkit::eventually;

use crate::world::World;

const WALLET: &str = "wal_0190aaaaaaaa7bbbbbbbcccccccccccc";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("in range")
}

fn id(n: u8) -> DeadLetterId {
    DeadLetterId::mint(at(), [n; 10])
}

fn money(json: &str) -> Totals {
    serde_json::from_str(json).expect("sums")
}

fn letter(n: u8) -> DeadLetterSummary {
    DeadLetterSummary {
        id: id(n),
        state: DeadLetterState::Parked,
        seq: Some(n.into()),
        noun_verb: "transfer.posted".to_owned(),
        subject: "ledger.v1.transfer.posted.00".to_owned(),
        reason: "constraint".to_owned(),
        error: "too much".to_owned(),
        attempts: 1,
        first_at: at(),
        last_at: at(),
        wallets: vec![WALLET.parse().expect("an id")],
        stake: Some(money(r#"{"EUR":"1.50"}"#)),
        replays_failed: 0,
    }
}

/// What the stand-ins make of an order: the outcome is asked for by the reason.
fn outcome(order: &ActOnDeadLetter, verb: DeadLetterState) -> DeadLetterOutcome {
    let words = || ("constraint".to_owned(), "still too much".to_owned());
    let already = |state| {
        let (by, at) = ("bob".to_owned(), at());
        DeadLetterOutcome::Already { state, by, at }
    };
    match (order.reason.as_str(), verb) {
        ("fail", _) if order.dry_run => {
            let (reason, error) = words();
            DeadLetterOutcome::WouldFail { reason, error }
        }
        ("fail" | "fail again", _) => {
            let (reason, error) = words();
            DeadLetterOutcome::FailedAgain { reason, error }
        }
        ("replayed", _) => already(DeadLetterState::Replayed),
        ("discarded", _) => already(DeadLetterState::Discarded),
        ("foreign", _) => DeadLetterOutcome::Foreign,
        ("missing", _) => DeadLetterOutcome::NotFound,
        ("reused", _) => DeadLetterOutcome::KeyReused,
        (_, DeadLetterState::Discarded) if order.dry_run => DeadLetterOutcome::WouldDiscard,
        (_, DeadLetterState::Discarded) => DeadLetterOutcome::Discarded,
        _ if order.dry_run => DeadLetterOutcome::WouldReplay,
        _ => DeadLetterOutcome::Replayed,
    }
}

/// Stands in for a worker that has these dead letters.
async fn answer(world: &World, worker: Worker, numbers: &'static [u8]) {
    let url = testkit::servers().nats.url();
    let client = nats::connect(&url, "stand-in", &world.process)
        .await
        .expect("a URL");
    let list = move |asked: DeadLettersRequest| async move {
        let mut items: Vec<_> = numbers.iter().copied().map(letter).collect();
        items.retain(|letter| asked.after.is_none_or(|after| letter.id > after));
        items.truncate(asked.limit.into());
        Ok::<_, RpcError>(DeadLettersPage {
            items,
            total: numbers.len() as u64,
            at_stake: money(r#"{"EUR":"10.10","JPY":"5"}"#),
            at_stake_unknown: 1,
        })
    };
    let one = move |asked: DeadLetterRequest| async move {
        let found = numbers.iter().find(|number| id(**number) == asked.id);
        Ok::<_, RpcError>(found.map(|number| DeadLetter {
            summary: letter(*number),
            headers: vec![("Florin-Seq".to_owned(), number.to_string())],
            // Two bytes that are text, or two that are none.
            data: if number % 2 == 0 { "e30=" } else { "//4=" }.to_owned(),
            data_bytes: 2,
            history: vec![DeadLetterAction {
                at: at(),
                action: "replay failed".to_owned(),
                by: "ann".to_owned(),
                role: "operator".to_owned(),
                reason: "try".to_owned(),
                error: Some("too much".to_owned()),
            }],
        }))
    };
    let act = |verb| {
        move |order: ActOnDeadLetter| async move {
            assert_eq!(
                (order.role.as_str(), order.fingerprint.len()),
                ("operator", 64)
            );
            Ok::<_, RpcError>(ActedOnDeadLetter {
                outcome: outcome(&order, verb),
                repeated: order.key == "again",
                stake: Some(money(r#"{"EUR":"1.50"}"#)),
            })
        }
    };
    let at = |subject| world.topology().subject(&of(subject, worker));
    let process = &world.process;
    rpc::serve(process, client.clone(), at(DEAD_LETTERS), "stand-in", list);
    rpc::serve(process, client.clone(), at(DEAD_LETTER), "stand-in", one);
    let replay = act(DeadLetterState::Replayed);
    rpc::serve(
        process,
        client.clone(),
        at(REPLAY_DEAD_LETTER),
        "stand-in",
        replay,
    );
    let discard = act(DeadLetterState::Discarded);
    rpc::serve(
        process,
        client,
        at(DISCARD_DEAD_LETTER),
        "stand-in",
        discard,
    );
    wait_until_answered(world, worker, numbers[0]).await;
}

async fn wait_until_answered(world: &World, worker: Worker, number: u8) {
    let (token, worker) = (world.staff(), worker.as_str());
    eventually("the worker lists", Duration::from_secs(10), async || {
        let path = format!("/v1/dead-letters?worker={worker}");
        let list = world.get(&token, &path).await.ok(200);
        if list["unavailable"] == json!([]) {
            Ok(())
        } else {
            Err(list)
        }
    })
    .await;
    for verb in ["replay", "discard"] {
        eventually("the worker acts", Duration::from_secs(10), async || {
            let path = format!("/v1/dead-letters/{}/{verb}", id(number));
            let body = json!({"worker": worker, "reason": "listening?", "dry_run": true});
            let reply = world.write(&token, &path, &body).await;
            if reply.status == 200 {
                Ok(())
            } else {
                Err(reply.text)
            }
        })
        .await;
    }
}

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
    assert_eq!(nobody["unavailable"], json!(["analytics", "fraud"]));
    assert_eq!(
        (ids(&nobody), &nobody["at_stake"]),
        (named(&[]), &json!({}))
    );

    answer(&world, Worker::Analytics, &[1, 4, 5]).await;
    let half = world.get(&finance, "/v1/dead-letters").await.ok(200);
    assert_eq!(half["unavailable"], json!(["fraud"]));
    assert_eq!((ids(&half), &half["total"]), (named(&[1, 4, 5]), &json!(3)));

    answer(&world, Worker::Fraud, &[2, 3, 6]).await;
    let first = world
        .get(&finance, "/v1/dead-letters?limit=4")
        .await
        .ok(200);
    assert_eq!(
        (ids(&first), &first["unavailable"]),
        (named(&[1, 2, 3, 4]), &json!([]))
    );
    assert_eq!(first["at_stake"], json!({"EUR": "20.20", "JPY": "10"}));
    assert_eq!(
        (&first["total"], &first["at_stake_unknown"]),
        (&json!(6), &json!(2))
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
    let would = world.write(&staff, &path("replay"), &body).await.ok(200);
    assert_eq!(
        (&would["outcome"], &would["error"]),
        (&json!("would_fail"), &json!("still too much"))
    );
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
    for reason in ["mended", "fail"] {
        let body = json!({"reason": reason});
        let again = world.post(&staff, &path("replay"), "again", &body).await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{reason}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_questions_and_orders_about_dead_letters_are_told_before_anybody_is_asked() {
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
