//! The server itself: what it serves beside the API, and how it starts and stops.

use std::time::Duration;

use contracts::rpc::{EventsPage, EventsRequest};
use serde_json::json;
use service_runtime::{Secret, metrics, nats, rpc};
use testkit::{Fault, TcpProxy, eventually};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn the_document_and_its_page_are_served_to_everybody() {
    let world = World::start().await;
    let document = world.get("", "/openapi.json").await.ok(200);
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["title"], "Florin ledger");
    assert!(document["paths"]["/v1/wallets/{id}/transfer"]["post"].is_object());
    let page = world.get("", "/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_names_its_request() {
    let world = World::start().await;
    let ask = |id: &str| {
        let request = world.request(reqwest::Method::GET, "/v1/wallets/nonsense");
        World::send(
            request
                .bearer_auth(world.staff())
                .header("x-request-id", id),
        )
    };
    let reply = ask("theirs-1").await;
    assert_eq!(reply.header("x-request-id"), "theirs-1");
    assert_eq!(reply.json()["instance"], "theirs-1");
    for id in ["", "two words", "<script>", &"x".repeat(129)] {
        assert!(
            ask(id).await.header("x-request-id").starts_with("req_"),
            "{id}"
        );
    }
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    assert_eq!(reply.header("cache-control"), "no-store");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_counted_by_route_and_not_by_path() {
    let recorder = metrics::recorder();
    let world = World::start().await;
    let wallet = world.wallet("ann", "customer").await;
    world
        .get(&world.staff(), &format!("/v1/wallets/{wallet}"))
        .await
        .ok(200);
    world
        .get("", "/no/such/path")
        .await
        .refused(404, "not_found", "");
    let text = recorder.render();
    for labels in [
        r#"route="/v1/wallets/{id}",method="GET",status="200""#,
        r#"route="unmatched",method="GET",status="404""#,
    ] {
        assert!(
            text.contains(&format!("florin_http_requests_total{{{labels}}}")),
            "{text}"
        );
    }
    assert!(!text.contains(&wallet), "no id is a label");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_ledger_starts_and_serves_reads_and_writes() {
    // Port 1 of loopback: nobody listens there.
    let world =
        World::start_with(|config| config.service.nats_url = "nats://127.0.0.1:1".to_owned()).await;
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let path = format!("/v1/wallets/{wallet}");
    world.get(&world.staff(), &path).await.ok(200);
    let stats = world.get(&world.staff(), &format!("{path}/stats")).await;
    stats.refused(503, "worker_unavailable", "no NATS, no worker");
    let before = world.rows().await;
    let cut = world
        .write(&world.staff(), "/v1/settlements/batches", &json!({}))
        .await;
    cut.refused(503, "worker_unavailable", "no NATS, no cut");
    assert_eq!(world.rows().await, before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_published_and_answered_about() {
    let world = World::start().await;
    world.wallet_with("ann", "1.00", "EUR").await;
    let url = testkit::servers().nats.url();
    let client = nats::connect(&url, "asks", &world.process)
        .await
        .expect("a URL");
    let topology = world.topology();
    let page: EventsPage = eventually(
        "the log is answered about",
        Duration::from_secs(10),
        async || {
            let subject = topology.subject("rpc.ledger.events");
            let wanted = EventsRequest { from: 1, to: 10 };
            rpc::call(&client, subject, &wanted, Duration::from_secs(2)).await
        },
    )
    .await;
    assert_eq!((page.head.seq, page.events.len()), (2, 2));
    let js = async_nats::jetstream::new(client);
    eventually(
        "both events are in the stream",
        Duration::from_secs(10),
        async || {
            let stream = js.get_stream(topology.ledger_stream().name).await;
            let messages = stream.map(|stream| stream.cached_info().state.messages);
            // Else the ledger's health says why not.
            if matches!(messages, Ok(2)) {
                Ok(())
            } else {
                Err(world.process.health().snapshot())
            }
        },
    )
    .await;
    world.close().await;
}

/// A request whose body is still on its way when the shutdown begins is answered; nobody new is
/// let in.
#[tokio::test(flavor = "multi_thread")]
async fn a_shutdown_lets_requests_in_flight_finish() {
    let world = World::start().await;
    let wallet = world.wallet("ann", "customer").await;
    let body = json!({"amount": "1.00", "currency": "EUR"}).to_string();
    let head = format!(
        "POST /v1/wallets/{wallet}/deposit HTTP/1.1\r\nHost: florin\r\nAuthorization: Bearer {}\r\n\
         Idempotency-Key: last\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         Expect: 100-continue\r\n\r\n",
        world.staff(),
        body.len()
    );
    let mut stream = TcpStream::connect(world.address)
        .await
        .expect("the ledger listens");
    stream.write_all(head.as_bytes()).await.expect("sends");
    let mut interim = [0; 64];
    let length = stream
        .read(&mut interim)
        .await
        .expect("the handler asks for the body");
    assert!(
        interim[..length].starts_with(b"HTTP/1.1 100"),
        "the request is in flight"
    );

    world.process.shutdown();
    eventually(
        "nobody new is let in",
        Duration::from_secs(10),
        async || TcpStream::connect(world.address).await.is_err(),
    )
    .await;
    stream.write_all(body.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .await
        .expect("an answer, and then the end");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    world.close().await;
}

/// What was not written is said to be not written, and the ledger comes back by itself.
#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_the_ledger_says_so_and_comes_back_with_it() {
    let address = testkit::servers().postgres.url("postgres");
    let host = address
        .rsplit('@')
        .next()
        .and_then(|rest| rest.split('/').next())
        .expect("a host");
    let proxy = TcpProxy::start(host.parse().expect("an address")).await;
    let world = World::start_with(|config| {
        let direct = config.service.database_url.expose().to_owned();
        config.service.database_url = Secret::new(proxy.through(&direct));
    })
    .await;
    let staff = world.staff();
    let wallet = world.wallet_with("ann", "1.00", "EUR").await;
    let (get, deposit) = (
        format!("/v1/wallets/{wallet}"),
        format!("/v1/wallets/{wallet}/deposit"),
    );
    let body = json!({"amount": "1.00", "currency": "EUR"});

    proxy.set(Fault::Refuse).await;
    proxy.cut();
    let write = world.post(&staff, &deposit, "while-away", &body).await;
    let code = write.json()["code"].as_str().unwrap_or_default().to_owned();
    assert!(
        ["database_unavailable", "outcome_unknown"].contains(&code.as_str()),
        "{}",
        write.text
    );
    write.refused(503, &code, "a write");
    world
        .get(&staff, &get)
        .await
        .refused(503, "database_unavailable", "a read");

    proxy.set(Fault::Pass).await;
    eventually(
        "the ledger comes back",
        Duration::from_secs(20),
        async || {
            world
                .post(&staff, &deposit, "while-away", &body)
                .await
                .status
                == 201
        },
    )
    .await;
    let wallet = world.get(&staff, &get).await.ok(200);
    assert_eq!(wallet["balances"][0]["posted"], "2.00");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_too_fast_is_told_to_wait_and_others_are_not() {
    let world = World::start_with(|config| config.requests_per_second = 3).await;
    let (ann, staff) = (world.customer("ann"), world.staff());
    let body = json!({"owner": "ann", "kind": "customer"});
    // A second may begin in between, but not eight of them.
    let mut refused = 0;
    for _ in 0..32 {
        let reply = world.get(&ann, "/v1/wallets").await;
        if reply.status == 429 {
            reply.refused(429, "too_many_requests", "ann");
            refused += 1;
            let before = world.rows().await;
            let write = world.write(&ann, "/v1/wallets", &body).await;
            // Unless another second has begun.
            if write.status == 429 {
                write.refused(429, "too_many_requests", "ann");
                assert_eq!(world.rows().await, before);
            }
        }
        world.get(&staff, "/v1/wallets").await.ok(200);
    }
    assert!(refused > 0);
    world.close().await;
}
