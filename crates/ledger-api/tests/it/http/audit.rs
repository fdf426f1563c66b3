//! The audit trail: one true row for each request that may change something, and no secret in it.

mod reading;

use std::{collections::BTreeSet, time::Duration};

use contracts::topology::Worker;
use ledger_api::auth::{Permission, ROUTES, Role, RouteRule};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use service_runtime::{Secret, metrics};
use sqlx::Row;
use testkit::{Fault, TcpProxy, eventually};

use super::{
    dead_letters::stand_in,
    permissions::{Wallets, body_of, path_of, wallets},
};
use crate::world::{Reply, World, fresh_key};

/// What the table says about a request.
#[derive(Debug, PartialEq)]
struct Seen {
    actor: Option<String>,
    route: String,
    status: i16,
    code: Option<String>,
    replayed: bool,
    seq: Option<i64>,
}

/// The rows of a request: waits for the first, and for none that comes later, because the writer
/// writes in order and a request of our own comes after.
async fn rows(world: &World, request_id: &str) -> Vec<Seen> {
    let fence = fresh_key();
    let request = world.request(Method::POST, "/v1/fence");
    World::send(request.header("x-request-id", &fence)).await;
    eventually(
        "the fence is written",
        Duration::from_secs(20),
        async || count(world, &fence).await == 1,
    )
    .await;
    let rows = sqlx::query(
        "SELECT actor, route, status, code, replayed, seq FROM ledger.audit WHERE request_id = $1",
    )
    .bind(request_id)
    .fetch_all(&world.owner)
    .await
    .expect("rows");
    rows.iter()
        .map(|row| Seen {
            actor: row.get(0),
            route: row.get(1),
            status: row.get(2),
            code: row.get(3),
            replayed: row.get(4),
            seq: row.get(5),
        })
        .collect()
}

async fn count(world: &World, request_id: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM ledger.audit WHERE request_id = $1")
        .bind(request_id)
        .fetch_one(&world.owner)
        .await
        .expect("a number")
}

/// Sends a request under an id of its own and returns the id too.
async fn send(request: RequestBuilder) -> (Reply, String) {
    let id = format!("audited-{}", fresh_key());
    let reply = World::send(request.header("x-request-id", &id)).await;
    (reply, id)
}

async fn head(world: &World) -> i64 {
    sqlx::query_scalar("SELECT seq FROM ledger.head")
        .fetch_one(&world.owner)
        .await
        .expect("a head")
}

/// The path of a route that changes something, and a body that it would take.
fn good(rule: &RouteRule, wallets: &Wallets) -> (String, Value) {
    if rule.permission == Permission::DeadLettersAct {
        let path = rule.path.replace("{id}", &stand_in::id(2).to_string());
        return (path, json!({"worker": "fraud", "reason": "mended"}));
    }
    (
        path_of(rule, wallets),
        body_of(rule, Role::Operator, wallets),
    )
}

/// Success or decision against, its replay, a refusal by value, one by permission and one without
/// a token, on every route that there is.
#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_changes_something_leaves_one_true_row_for_each_request() {
    let world = World::start().await;
    stand_in::answer(&world, Worker::Fraud, &[2]).await;
    let staff = world.staff();
    // A batch has several rows, and a test of its own.
    let changing = ROUTES
        .iter()
        .filter(|rule| rule.method != "GET" && rule.path != "/v1/batches");
    for rule in changing {
        let mut wallets = wallets(&world).await;
        wallets.prepare(&world, rule).await;
        let (path, body) = good(rule, &wallets);
        let about = format!("{} {}", rule.method, rule.path);
        let method: Method = rule.method.parse().expect("a method");
        let request = |key: &str| {
            let request = world.request(method.clone(), &path).json(&body);
            request.header("idempotency-key", key)
        };
        let expect = async |(reply, id): (Reply, String), actor: Option<&str>, seq: Option<i64>| {
            let problem = reply.json()["code"].as_str().map(str::to_owned);
            let row = Seen {
                actor: actor.map(str::to_owned),
                route: rule.path.to_owned(),
                status: i16::try_from(reply.status).expect("a status"),
                code: problem.filter(|_| reply.status >= 400),
                replayed: reply.header("idempotent-replayed") == "true",
                seq,
            };
            assert_eq!(rows(&world, &id).await, [row], "{about}: {}", reply.text);
        };
        let key = fresh_key();
        let before = head(&world).await;
        let first = send(request(&key).bearer_auth(&staff)).await;
        let after = head(&world).await;
        let seq = (after > before).then_some(after);
        expect(first, Some("operator"), seq).await;
        let again = send(request(&key).bearer_auth(&staff)).await;
        assert_eq!(
            again.0.header("idempotent-replayed") == "true",
            seq.is_some()
        );
        expect(again, Some("operator"), seq).await;
        let keyless = world.request(method.clone(), &path).json(&body);
        let refused = send(keyless.bearer_auth(&staff)).await;
        assert_eq!(refused.0.status, 400, "{about}");
        expect(refused, Some("operator"), None).await;
        let analyst = world.token(Role::Analyst, "");
        if !Role::Analyst.may(rule.permission) {
            let forbidden = send(request(&fresh_key()).bearer_auth(&analyst)).await;
            forbidden.0.refused(403, "forbidden", &about);
            expect(forbidden, Some("analyst"), None).await;
        }
        let stranger = send(request(&fresh_key())).await;
        stranger.0.refused(401, "unauthenticated", &about);
        expect(stranger, None, None).await;
    }
    let wallet = world.wallet("ann", "customer").await;
    let (_, id) = send(
        world
            .request(Method::GET, &format!("/v1/wallets/{wallet}"))
            .bearer_auth(&staff),
    )
    .await;
    assert_eq!(rows(&world, &id).await, [], "reads change nothing");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_has_a_row_of_its_own_and_one_for_each_operation_that_was_decided() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let operation = |key: &str, amount: &str| json!({"key": key, "type": "withdraw", "wallet": wallet, "amount": amount, "currency": "EUR"});
    let operations = [operation("one", "1.00"), operation("two", "99.00")];
    for (dry_run, repeated) in [(true, false), (false, false), (false, true)] {
        let body = json!({"dry_run": dry_run, "operations": operations});
        let request = world.request(Method::POST, "/v1/batches").json(&body);
        let (reply, id) = send(request.bearer_auth(&staff)).await;
        reply.ok(200);
        let mut statuses: Vec<(i16, bool)> = rows(&world, &id)
            .await
            .iter()
            .map(|row| (row.status, row.seq.is_some()))
            .collect();
        statuses.sort_unstable();
        if dry_run || repeated {
            assert_eq!(statuses, [(200, false)], "nothing was decided");
        } else {
            assert_eq!(statuses, [(200, false), (201, true), (422, true)]);
        }
    }
    world.close().await;
}

/// The row of what was acknowledged is there with the acknowledgement: nobody waits for it.
#[tokio::test(flavor = "multi_thread")]
async fn the_row_of_a_decision_is_there_with_its_answer_and_its_event() {
    let world = World::start().await;
    let staff = world.staff();
    let wallet = world.wallet("ann", "customer").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    let body = json!({"amount": "0.01", "currency": "EUR"});
    let request = world.request(Method::POST, &path).json(&body);
    let request = request.header("idempotency-key", "the-key");
    let (reply, id) = send(request.bearer_auth(&staff)).await;
    reply.refused(422, "insufficient_funds", "nothing there");
    let row = sqlx::query(
        "SELECT a.status, a.code, a.idempotency_key, a.client, a.role, a.path, a.at = e.posted_at,
                replace(a.wallet_id::text, '-', ''), e.data
         FROM ledger.audit a JOIN ledger.events e USING (seq) WHERE request_id = $1",
    )
    .bind(&id)
    .fetch_one(&world.owner)
    .await
    .expect("the row is there at once");
    assert_eq!(row.get::<i16, _>(0), 422);
    assert_eq!(row.get::<&str, _>(1), "insufficient_funds");
    assert_eq!(row.get::<&str, _>(2), "the-key");
    assert_eq!(row.get::<&str, _>(3), "127.0.0.1");
    assert_eq!(row.get::<&str, _>(4), "operator");
    assert_eq!(row.get::<&str, _>(5), path);
    assert!(row.get::<bool, _>(6), "of the moment of the event");
    assert_eq!(format!("wal_{}", row.get::<&str, _>(7)), wallet);
    let event: Value = serde_json::from_str(row.get(8)).expect("JSON");
    assert_eq!(event["id"], reply.json()["instance"]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_holds_no_token_and_nothing_without_bound() {
    let world = World::start().await;
    let (staff, ann) = (world.staff(), world.customer("ann"));
    let wallet = world.wallet_with("ann", "10.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}/withdraw");
    let body = json!({"amount": "1.00", "currency": "EUR", "description": "a secret between us"});
    let long = "x".repeat(10_000);
    let forged = vec!["198.51.100.7"; 770].join(",");
    for (name, value) in [
        ("x-forwarded-for", long.as_str()),
        ("x-forwarded-for", &forged),
        ("idempotency-key", &long),
        ("x-request-id", &long),
        ("cookie", "session=secret"),
    ] {
        let request = world.request(Method::POST, &path).bearer_auth(&ann);
        let own_key = (name != "idempotency-key").then(fresh_key);
        let request = match own_key {
            Some(key) => request.header("idempotency-key", key),
            None => request,
        };
        let reply = World::send(request.header(name, value).json(&body)).await;
        assert!(reply.status < 500, "{name}: {}", reply.text);
    }
    let deep = format!("/v1/{}?token={staff}", "y".repeat(5_000));
    World::send(world.request(Method::POST, &deep).bearer_auth("nonsense")).await;
    world.write(&staff, &path, &body).await.ok(201);
    rows(&world, "none").await;
    let all: Vec<String> = sqlx::query_scalar("SELECT row_to_json(a)::text FROM ledger.audit a")
        .fetch_all(&world.owner)
        .await
        .expect("rows");
    assert!(all.len() >= 8);
    for row in &all {
        let signature = |token: &str| token.rsplit('.').next().expect("a part").to_owned();
        for secret in [
            &staff,
            &ann,
            &signature(&staff),
            &signature(&ann),
            "Bearer",
            "nonsense",
            "secret",
            "198.51.100.7",
        ] {
            assert!(!row.contains(secret), "{secret} in {row}");
        }
        assert!(row.len() < 2_000, "{row}");
    }
    world.get(&staff, "/v1/wallets").await.ok(200);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxy_says_who_the_client_is() {
    let world = World::start_with(|config| {
        config.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let request = world.request(Method::POST, "/v1/wallets");
    let (_, id) = send(request.header("x-forwarded-for", "1.2.3.4, 2001:db8::7, 127.0.0.9")).await;
    rows(&world, &id).await;
    let client: String =
        sqlx::query_scalar("SELECT client FROM ledger.audit WHERE request_id = $1")
            .bind(&id)
            .fetch_one(&world.owner)
            .await
            .expect("a row");
    assert_eq!(client, "2001:db8::7");
    world.close().await;
}

/// The request's own answer stands; rows wait, and are written when the database is back.
#[tokio::test(flavor = "multi_thread")]
async fn without_the_database_refusals_are_answered_and_their_rows_wait() {
    let recorder = metrics::recorder();
    let upstream = ([127, 0, 0, 1], testkit::servers().postgres.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    let world = World::start_with(|config| {
        let direct = config.service.database_url.expose().to_owned();
        config.service.database_url = Secret::new(proxy.through(&direct));
    })
    .await;
    let before = counted(&recorder.render(), "florin_ledger_audit_retries_total");
    proxy.set(Fault::Refuse).await;
    proxy.cut();
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let (reply, id) = send(world.request(Method::POST, "/v1/wallets")).await;
        reply.refused(401, "unauthenticated", "as ever");
        ids.insert(id);
    }
    eventually(
        "the writer has tried",
        Duration::from_secs(20),
        async || counted(&recorder.render(), "florin_ledger_audit_retries_total") > before,
    )
    .await;
    proxy.set(Fault::Pass).await;
    for id in &ids {
        assert_eq!(rows(&world, id).await.len(), 1, "{id}");
    }
    world.close().await;
}

fn counted(text: &str, metric: &str) -> u64 {
    let line = text.lines().find(|line| line.starts_with(metric));
    line.and_then(|line| line.rsplit(' ').next())
        .map_or(0, |number| number.parse().expect("a number"))
}
