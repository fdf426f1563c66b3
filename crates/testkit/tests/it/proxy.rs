//! The misbehaving network, before a server that answers each request with it and a count of all
//! requests it has seen.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use testkit::{CutPoint, Fault, TcpProxy, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(10);
const A_MOMENT: Duration = Duration::from_millis(150);

struct World {
    proxy: TcpProxy,
    seen: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl World {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let upstream: SocketAddr = listener.local_addr().expect("address");
        let seen = Arc::new(AtomicUsize::new(0));
        let mut server = JoinSet::new();
        server.spawn(serve(listener, Arc::clone(&seen)));
        Self {
            proxy: TcpProxy::start(upstream).await,
            seen,
            _server: server,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address())
            .await
            .expect("connect")
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, seen: Arc<AtomicUsize>) {
    let mut clients = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        let seen = Arc::clone(&seen);
        clients.spawn(async move {
            let mut buffer = [0; 1024];
            while let Ok(length @ 1..) = client.read(&mut buffer).await {
                seen.fetch_add(length, Ordering::SeqCst);
                let _ = client.write_all(&buffer[..length]).await;
            }
        });
    }
}

async fn ask(client: &mut TcpStream, request: &[u8]) -> std::io::Result<Vec<u8>> {
    client.write_all(request).await?;
    let mut reply = vec![0; request.len()];
    client.read_exact(&mut reply).await?;
    Ok(reply)
}

#[tokio::test]
async fn bytes_pass_both_ways_and_the_end_too() {
    let world = World::start().await;
    let mut client = world.connect().await;
    assert_eq!(ask(&mut client, b"hello").await.expect("a reply"), b"hello");
    client.shutdown().await.expect("shutdown");
    assert_eq!(client.read(&mut [0; 8]).await.expect("a polite end"), 0);
    eventually("the connection is over", SOON, async || {
        world.proxy.connections() == 0
    })
    .await;
}

#[tokio::test]
async fn a_refusing_proxy_keeps_its_address_and_its_old_connections() {
    let world = World::start().await;
    let mut old = world.connect().await;
    ask(&mut old, b"before").await.expect("a reply");
    world.proxy.set(Fault::Refuse).await;
    assert!(TcpStream::connect(world.proxy.address()).await.is_err());
    ask(&mut old, b"during")
        .await
        .expect("a reply on the old connection");
    world.proxy.set(Fault::Pass).await;
    ask(&mut world.connect().await, b"after")
        .await
        .expect("a reply on a new connection");
}

#[tokio::test]
async fn what_enters_a_black_hole_comes_out_when_it_closes() {
    let world = World::start().await;
    let mut old = world.connect().await;
    ask(&mut old, b"before").await.expect("a reply");
    world.proxy.set(Fault::BlackHole).await;
    let mut new = world.connect().await;
    let both = async { tokio::try_join!(ask(&mut old, b"old"), ask(&mut new, b"new")) };
    tokio::pin!(both);
    assert!(
        timeout(A_MOMENT, &mut both).await.is_err(),
        "the black hole answered"
    );
    assert_eq!(world.seen(), b"before".len());
    world.proxy.set(Fault::Pass).await;
    let replies = timeout(SOON, both)
        .await
        .expect("in time")
        .expect("replies");
    assert_eq!(replies, (b"old".to_vec(), b"new".to_vec()));
}

#[tokio::test]
async fn a_delay_holds_each_direction_back() {
    let world = World::start().await;
    let mut client = world.connect().await;
    world.proxy.set(Fault::Delay(A_MOMENT)).await;
    let start = Instant::now();
    ask(&mut client, b"slow").await.expect("a reply");
    assert!(start.elapsed() >= A_MOMENT * 2);
}

#[tokio::test]
async fn a_cut_resets_every_open_connection_and_no_later_one() {
    let world = World::start().await;
    let mut client = world.connect().await;
    ask(&mut client, b"before").await.expect("a reply");
    world.proxy.cut();
    let error = client
        .read(&mut [0; 8])
        .await
        .expect_err("a reset, not a polite end");
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    ask(&mut world.connect().await, b"after")
        .await
        .expect("a reply on a new connection");
}

#[tokio::test]
async fn a_cut_before_the_reply_lets_the_server_do_its_work() {
    let world = World::start().await;
    let mut client = world.connect().await;
    ask(&mut client, b"BEGIN").await.expect("a reply");
    world
        .proxy
        .cut_after_client_bytes_matching(b"COMMIT", CutPoint::BeforeReply);
    ask(&mut client, b"INSERT COMM")
        .await
        .expect("only the whole pattern counts");
    // The pattern came in two pieces.
    ask(&mut client, b"IT")
        .await
        .expect_err("the reply was forwarded");
    assert_eq!(world.seen(), b"BEGIN INSERT COMMIT".len() - 1);
    assert!(!world.proxy.trap_is_set());
    ask(&mut world.connect().await, b"COMMIT")
        .await
        .expect("the trap goes off once");
}

#[tokio::test]
async fn a_cut_before_the_request_keeps_it_from_the_server() {
    let world = World::start().await;
    let mut client = world.connect().await;
    world
        .proxy
        .cut_after_client_bytes_matching(b"COMMIT", CutPoint::BeforeRequest);
    ask(&mut client, b"COMMIT")
        .await
        .expect_err("the request was forwarded");
    assert_eq!(world.seen(), 0);
}

#[tokio::test]
async fn a_url_is_led_through_the_proxy() {
    let world = World::start().await;
    let address = world.proxy.address();
    let led = |url| world.proxy.through(url);
    assert_eq!(
        led("postgres://a:b@127.0.0.1:1/db"),
        format!("postgres://a:b@{address}/db")
    );
    assert_eq!(led("nats://127.0.0.1:4222"), format!("nats://{address}"));
}

/// What the proxy is for: a commit that happened and that its client takes for lost.
#[tokio::test]
async fn a_commit_whose_reply_is_cut_has_happened() {
    let database = testkit::TestDatabase::create().await;
    let pool = database.pool().await;
    sqlx::query("CREATE TABLE kept (n int)")
        .execute(&pool)
        .await
        .expect("create");

    let upstream = ([127, 0, 0, 1], testkit::servers().postgres.port()).into();
    let proxy = TcpProxy::start(upstream).await;
    let mut client = PgConnection::connect(&proxy.through(&database.url()))
        .await
        .expect("connect");
    let mut transaction = client.begin().await.expect("begin");
    sqlx::query("INSERT INTO kept VALUES (1)")
        .execute(&mut *transaction)
        .await
        .expect("insert");
    proxy.cut_after_client_bytes_matching(b"COMMIT", CutPoint::BeforeReply);
    transaction
        .commit()
        .await
        .expect_err("the reply was forwarded");

    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM kept")
        .fetch_one(&pool)
        .await
        .expect("count");
    assert_eq!(kept, 1);
}
