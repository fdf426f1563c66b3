//! Stands in for a worker that has dead letters.

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
use serde_json::json;
use service_runtime::{nats, rpc};
use testkit::eventually;

use crate::world::World;

pub const WALLET: &str = "wal_0190aaaaaaaa7bbbbbbbcccccccccccc";

fn at() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).expect("in range")
}

pub fn id(n: u8) -> DeadLetterId {
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
pub async fn answer(world: &World, worker: Worker, numbers: &'static [u8]) {
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
    wait_until_answered(world, worker, numbers.first()).await;
}

async fn wait_until_answered(world: &World, worker: Worker, number: Option<&u8>) {
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
    let Some(number) = number else { return };
    for verb in ["replay", "discard"] {
        eventually("the worker acts", Duration::from_secs(10), async || {
            let path = format!("/v1/dead-letters/{}/{verb}", id(*number));
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
