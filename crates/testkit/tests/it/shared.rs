//! The servers that all tests of a binary share.

use testkit::{servers, stream_prefix};

// Two tests, so that the second uses from its own runtime what the first one's started.

#[tokio::test]
async fn the_shared_nats_answers_one_runtime() {
    jetstream_answers().await;
}

#[tokio::test]
async fn the_shared_nats_answers_another_runtime() {
    jetstream_answers().await;
}

async fn jetstream_answers() {
    let client = async_nats::connect(servers().nats.url())
        .await
        .expect("connect");
    let name = stream_prefix();
    let config = async_nats::jetstream::stream::Config {
        name: name.clone(),
        subjects: vec![format!("{name}.>")],
        ..Default::default()
    };
    async_nats::jetstream::new(client)
        .create_stream(config)
        .await
        .expect("create");
}

#[test]
fn prefixes_are_short_and_differ() {
    let (one, two) = (stream_prefix(), stream_prefix());
    assert_ne!(one, two);
    assert!(one.len() <= 9 && one.starts_with('t'), "{one}");
}
