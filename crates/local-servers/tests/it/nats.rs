//! nats-server: what survives what.

use async_nats::jetstream::{self, stream};
use local_servers::{NatsServer, NatsSettings, Reaper, ServerError, Signal};

use crate::SOON;

async fn jetstream(server: &NatsServer) -> jetstream::Context {
    jetstream::new(async_nats::connect(server.url()).await.expect("connect"))
}

async fn publish_one(server: &NatsServer) {
    let context = jetstream(server).await;
    let config = stream::Config {
        name: "KEPT".to_owned(),
        subjects: vec!["kept.>".to_owned()],
        ..stream::Config::default()
    };
    context
        .get_or_create_stream(config)
        .await
        .expect("a stream");
    context
        .publish("kept.one", "1".into())
        .await
        .expect("publish")
        .await
        .expect("ack");
}

#[tokio::test]
async fn a_stopped_server_restarts_on_its_port_with_its_streams() {
    let mut servers = testkit::own_servers(false).await;
    let port = servers.nats.port();
    publish_one(&servers.nats).await;
    servers.nats.stop().await.expect("stop");
    servers.nats.restart().await.expect("restart");
    assert_eq!(servers.nats.port(), port);
    let mut kept = jetstream(&servers.nats)
        .await
        .get_stream("KEPT")
        .await
        .expect("the stream");
    assert_eq!(kept.info().await.expect("info").state.messages, 1);
}

#[tokio::test]
async fn a_killed_server_keeps_its_streams_and_a_wiped_one_does_not() {
    let mut servers = testkit::own_servers(false).await;
    publish_one(&servers.nats).await;
    servers.nats.kill(Signal::Kill).await.expect("kill");
    servers.nats.restart().await.expect("restart");
    // A killed process loses nothing that it gave to the system, only a killed machine does.
    let mut kept = jetstream(&servers.nats)
        .await
        .get_stream("KEPT")
        .await
        .expect("the stream");
    assert_eq!(kept.info().await.expect("info").state.messages, 1);

    servers.nats.wipe_store().await.expect("wipe");
    servers.nats.restart().await.expect("restart");
    assert!(
        jetstream(&servers.nats)
            .await
            .get_stream("KEPT")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_paused_server_goes_on_after_the_pause() {
    let mut servers = testkit::own_servers(false).await;
    servers.nats.kill(Signal::Stop).await.expect("pause");
    assert!(servers.nats.is_running());
    servers.nats.kill(Signal::Cont).await.expect("resume");
    tokio::time::timeout(SOON, publish_one(&servers.nats))
        .await
        .expect("in time");
}

#[tokio::test]
async fn extra_settings_and_the_monitor_reach_the_server() {
    let folder = tempfile::tempdir().expect("tempdir");
    let reaper = Reaper::start().expect("reaper");
    let mut settings = NatsSettings::new(folder.path().join("a \"quoted\" store"));
    let monitor = local_servers::free_port();
    settings.monitor_port = Some(monitor);
    settings.max_payload = Some(2048);
    settings.extra = "max_connections: 7\n".to_owned();
    let server = NatsServer::start(settings, &reaper).await.expect("start");
    reaper.remove(server.store_dir());
    let client = async_nats::connect(server.url()).await.expect("connect");
    assert_eq!(client.server_info().max_payload, 2048);
    tokio::net::TcpStream::connect(("127.0.0.1", monitor))
        .await
        .expect("the monitor listens");
}

#[tokio::test]
async fn a_second_server_on_one_store_is_refused() {
    let folder = tempfile::tempdir().expect("tempdir");
    let reaper = Reaper::start().expect("reaper");
    let settings = NatsSettings::new(folder.path().join("nats"));
    let first = NatsServer::start(settings.clone(), &reaper)
        .await
        .expect("start");
    reaper.remove(first.store_dir());
    let error = NatsServer::start(settings, &reaper)
        .await
        .expect_err("a second one");
    assert!(matches!(error, ServerError::AlreadyRunning { pid, .. } if pid == first.pid()));
}

#[tokio::test]
async fn a_failed_start_says_what_the_server_said() {
    let folder = tempfile::tempdir().expect("tempdir");
    let reaper = Reaper::start().expect("reaper");
    let mut settings = NatsSettings::new(folder.path().join("nats"));
    settings.extra = "no_such_setting: 1\n".to_owned();
    let error = NatsServer::start(settings, &reaper)
        .await
        .expect_err("an unknown setting");
    assert!(error.to_string().contains("no_such_setting"), "{error}");
}
