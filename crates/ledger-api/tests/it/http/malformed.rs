//! Requests that are bad before a value is looked at: bodies, keys, queries, paths.

use contracts::limits::BODY_BYTES_MAX;
use reqwest::Method;
use serde_json::json;

use super::refusals::routes;
use crate::world::{World, fresh_key};

/// Spaces after an object change nothing but its length.
fn padded(good: &str, length: usize) -> String {
    format!("{good}{}", " ".repeat(length - good.len()))
}

fn bad_bodies(good: &str) -> Vec<(&'static str, Vec<u8>, u16, &'static str)> {
    let duplicate = r#"{"amount": "1.00", "amount": "2.00", "currency": "EUR"}"#;
    let metadata = r#"{"amount": "1.00", "currency": "EUR", "metadata": {"a": "1", "a": "2"}}"#;
    let mut not_utf8 = good.as_bytes().to_vec();
    not_utf8[3] = 0xff;
    vec![
        ("nothing", Vec::new(), 400, "malformed_body"),
        ("words", b"amount=1".to_vec(), 400, "malformed_body"),
        (
            "cut short",
            good[..good.len() - 1].into(),
            400,
            "malformed_body",
        ),
        (
            "two objects",
            format!("{good}{good}").into(),
            400,
            "malformed_body",
        ),
        ("a list", format!("[{good}]").into(), 400, "malformed_body"),
        (
            "fields as a list",
            br#"["1.00", "EUR"]"#.to_vec(),
            400,
            "malformed_body",
        ),
        ("null", b"null".to_vec(), 400, "malformed_body"),
        ("not UTF-8", not_utf8, 400, "malformed_body"),
        (
            "a bare NUL",
            good.replace("1.00", "1\u{0}00").into(),
            400,
            "malformed_body",
        ),
        (
            "deep lists",
            "[".repeat(60_000).into(),
            400,
            "malformed_body",
        ),
        (
            "deep objects",
            r#"{"a":"#.repeat(12_000).into(),
            400,
            "invalid_field",
        ),
        ("a field twice", duplicate.into(), 400, "invalid_field"),
        ("a note twice", metadata.into(), 400, "invalid_field"),
        (
            "a byte too many",
            padded(good, BODY_BYTES_MAX + 1).into(),
            413,
            "body_too_large",
        ),
        (
            "a megabyte",
            padded(good, 1_000_000).into(),
            413,
            "body_too_large",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_json_object_of_at_most_64_kib_is_refused() {
    let world = World::start().await;
    let routes = routes(&world).await;
    let before = world.rows().await;
    let path = &routes.all[0].0;
    let good = routes.all[0].1.to_string();
    for (about, body, status, code) in bad_bodies(&good) {
        let request = world.request(Method::POST, path).bearer_auth(world.staff());
        let request = request.header("idempotency-key", fresh_key());
        let reply = World::send(
            request
                .header("content-type", "application/json")
                .body(body),
        )
        .await;
        reply.refused(status, code, about);
    }
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "",
    ] {
        let request = world.request(Method::POST, path).bearer_auth(world.staff());
        let request = request
            .header("idempotency-key", fresh_key())
            .body(good.clone());
        let request = request.header("content-type", content_type);
        World::send(request)
            .await
            .refused(415, "unsupported_media_type", content_type);
    }
    assert_eq!(world.rows().await, before);

    let request = world.request(Method::POST, path).bearer_auth(world.staff());
    let request = request
        .header("idempotency-key", fresh_key())
        .body(padded(&good, BODY_BYTES_MAX));
    let request = request.header("content-type", "Application/JSON; charset=utf-8");
    World::send(request).await.ok(201);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_without_one_proper_key_is_refused() {
    let world = World::start().await;
    let routes = routes(&world).await;
    let mut all = routes.all;
    all.push((
        "/v1/wallets".to_owned(),
        json!({"owner": "ann", "kind": "customer"}),
    ));
    let before = world.rows().await;
    for (path, body) in &all {
        let request = || {
            world
                .request(Method::POST, path)
                .bearer_auth(world.staff())
                .json(body)
        };
        World::send(request())
            .await
            .refused(400, "idempotency_key_required", path);
        for key in ["", "\"\"", "a b", "kéy", "a\tb", &"k".repeat(256)] {
            let request = request().header("idempotency-key", key.as_bytes());
            World::send(request)
                .await
                .refused(422, "invalid_idempotency_key", key);
        }
        let twice = request()
            .header("idempotency-key", "a")
            .header("idempotency-key", "b");
        World::send(twice)
            .await
            .refused(422, "invalid_idempotency_key", "two keys");
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_refuse_parameters_that_they_do_not_have() {
    let world = World::start().await;
    let wallet = world.wallet("ann", "customer").await;
    let staff = world.staff();
    let before = world.rows().await;
    for list in [
        "/v1/wallets".to_owned(),
        format!("/v1/wallets/{wallet}/history"),
    ] {
        for (query, status, code) in [
            ("limit=0", 400, "invalid_query"),
            ("limit=201", 400, "invalid_query"),
            ("limit=-1", 400, "invalid_query"),
            ("limit=ten", 400, "invalid_query"),
            ("limit=", 400, "invalid_query"),
            ("limit=1&limit=2", 400, "invalid_query"),
            ("offset=3", 400, "invalid_query"),
            ("cursor=", 400, "invalid_cursor"),
            ("cursor=%00", 400, "invalid_cursor"),
            ("cursor=nonsense", 400, "invalid_cursor"),
        ] {
            world
                .get(&staff, &format!("{list}?{query}"))
                .await
                .refused(status, code, query);
        }
    }
    for query in ["owner=%00", "reference=a%00", "owner="] {
        world
            .get(&staff, &format!("/v1/wallets?{query}"))
            .await
            .refused(422, "invalid_text", query);
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_and_methods_that_do_not_exist_are_problems_too() {
    let world = World::start().await;
    let staff = world.staff();
    let before = world.rows().await;
    for path in [
        "/",
        "/v1",
        "/v1/wallets/",
        "/v2/wallets",
        "/v1/wallets/x/y/z",
        "/metrics",
    ] {
        world
            .get(&staff, path)
            .await
            .refused(404, "not_found", path);
    }
    for (method, path) in [
        (Method::DELETE, "/v1/wallets"),
        (Method::GET, "/v1/payments"),
    ] {
        let reply = World::send(world.request(method, path).bearer_auth(&staff)).await;
        reply.refused(405, "method_not_allowed", path);
        assert!(!reply.header("allow").is_empty(), "{path}");
    }
    assert_eq!(world.rows().await, before);
    world.close().await;
}
