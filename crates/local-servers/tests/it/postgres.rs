//! Postgres: what survives what.

use local_servers::{PostgresServer, PostgresSettings, Reaper, ServerError, Signal};
use sqlx::{Connection as _, PgConnection};

use crate::SOON;

async fn connect(server: &PostgresServer) -> PgConnection {
    PgConnection::connect(&server.url("postgres"))
        .await
        .expect("the server takes connections")
}

async fn count(server: &PostgresServer) -> i64 {
    let mut connection = connect(server).await;
    sqlx::query_scalar("SELECT count(*) FROM kept")
        .fetch_one(&mut connection)
        .await
        .expect("count")
}

async fn write(server: &PostgresServer) {
    let mut connection = connect(server).await;
    sqlx::query("CREATE TABLE IF NOT EXISTS kept (n int)")
        .execute(&mut connection)
        .await
        .expect("create");
    sqlx::query("INSERT INTO kept VALUES (1)")
        .execute(&mut connection)
        .await
        .expect("insert");
}

#[tokio::test]
async fn a_killed_server_restarts_on_its_port_with_its_data() {
    let mut servers = testkit::own_servers(true).await;
    let (port, first) = (servers.postgres.port(), servers.postgres.pid());
    write(&servers.postgres).await;

    // A connection that stays open keeps a child of the dead server alive for a moment.
    let _open = connect(&servers.postgres).await;
    servers.postgres.kill(Signal::Kill).await.expect("kill");
    assert!(!servers.postgres.is_running());
    servers.postgres.restart().await.expect("restart");

    assert_eq!(servers.postgres.port(), port);
    assert_ne!(servers.postgres.pid(), first);
    assert_eq!(count(&servers.postgres).await, 1);
}

#[tokio::test]
async fn a_stopped_server_starts_again_by_its_directory_alone() {
    let folder = tempfile::tempdir().expect("tempdir");
    let reaper = Reaper::start().expect("reaper");
    let mut settings = PostgresSettings::new(folder.path().join("postgres"));
    settings.fsync = false;
    let mut first = PostgresServer::start(settings.clone(), &reaper)
        .await
        .expect("first start");
    write(&first).await;
    first.stop().await.expect("stop");

    let second = PostgresServer::start(settings, &reaper)
        .await
        .expect("second start");
    assert_eq!(first.data_dir(), second.data_dir());
    assert_eq!(count(&second).await, 1);
    reaper.remove(second.data_dir());
}

#[tokio::test]
async fn a_paused_server_answers_nobody_until_it_is_resumed() {
    let mut servers = testkit::own_servers(false).await;
    let mut connection = connect(&servers.postgres).await;
    servers.postgres.kill(Signal::Stop).await.expect("pause");
    let mut question = Box::pin(sqlx::query("SELECT 1").execute(&mut connection));
    let waited = std::time::Duration::from_millis(300);
    assert!(
        tokio::time::timeout(waited, &mut question).await.is_err(),
        "a paused server answered"
    );
    servers.postgres.kill(Signal::Cont).await.expect("resume");
    tokio::time::timeout(SOON, question)
        .await
        .expect("in time")
        .expect("an answer");
}

#[tokio::test]
async fn the_server_wants_its_password_by_scram() {
    let folder = tempfile::tempdir().expect("tempdir");
    let reaper = Reaper::start().expect("reaper");
    let settings = PostgresSettings::new(folder.path().join("postgres"));
    let server = PostgresServer::start(settings, &reaper)
        .await
        .expect("start");
    reaper.remove(server.data_dir());
    let _right = connect(&server).await;
    let wrong = server.url_as("florin", "guess", "postgres");
    assert!(
        PgConnection::connect(&wrong).await.is_err(),
        "a wrong password was taken"
    );
}

#[tokio::test]
async fn a_failed_start_says_what_the_server_said() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let folder = tempfile::tempdir().expect("tempdir");
    let reaper = Reaper::start().expect("reaper");
    let mut settings = PostgresSettings::new(folder.path().join("postgres"));
    settings.fsync = false;
    settings.port = taken.local_addr().expect("address").port();
    let error = PostgresServer::start(settings, &reaper)
        .await
        .expect_err("the port is taken");
    assert!(matches!(error, ServerError::NotStarted { .. }), "{error}");
    assert!(error.to_string().contains("could not bind"), "{error}");
}
