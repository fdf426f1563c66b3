//! Request/reply over NATS.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use async_nats::Client;
use contracts::rpc::RpcError;
use service_runtime::{
    Clock, Process,
    rpc::{self, CallError},
};
use testkit::{eventually, servers, stream_prefix};

const PATIENCE: Duration = Duration::from_secs(20);

async fn client() -> Client {
    async_nats::connect(servers().nats.url())
        .await
        .expect("connects")
}

fn subject() -> String {
    format!("{}.rpc.test.double", stream_prefix())
}

/// Doubles, and counts how often it was asked; refuses odd numbers.
fn serve(process: &Process, client: Client, subject: &str) -> Arc<AtomicU32> {
    let count = Arc::new(AtomicU32::new(0));
    let counted = count.clone();
    rpc::serve(
        process,
        client,
        subject.to_owned(),
        "test",
        move |number: u32| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                if number % 2 == 1 {
                    return Err(RpcError {
                        code: "odd".to_owned(),
                        detail: "no odd ones".to_owned(),
                    });
                }
                Ok(number * 2)
            }
        },
    );
    count
}

/// Asks until somebody listens: a subscription takes a moment to reach the server.
async fn wait_for_service(client: &Client, subject: &str) {
    eventually("the service listens", PATIENCE, async || {
        rpc::call::<u32, u32>(client, subject.to_owned(), &2, PATIENCE).await
    })
    .await;
}

#[tokio::test]
async fn a_question_gets_its_answer_or_its_refusal() {
    let (process, client, subject) = (
        Process::new("test", Clock::system()),
        client().await,
        subject(),
    );
    serve(&process, client.clone(), &subject);
    wait_for_service(&client, &subject).await;
    let answer: u32 = rpc::call(&client, subject.clone(), &40_u32, PATIENCE)
        .await
        .expect("answers");
    assert_eq!(answer, 80);
    match rpc::call::<u32, u32>(&client, subject.clone(), &41, PATIENCE).await {
        Err(CallError::Refused(error)) => assert_eq!(error.code, "odd"),
        other => panic!("{other:?}"),
    }
    match rpc::call::<&str, u32>(&client, subject, &"forty", PATIENCE).await {
        Err(CallError::Refused(error)) => assert_eq!(error.code, "bad_request"),
        other => panic!("{other:?}"),
    }
    process.shutdown();
    process.wait(PATIENCE).await.expect("no task crashed");
}

#[tokio::test]
async fn without_a_service_the_answer_is_no_answer_at_once() {
    let client = client().await;
    let asked = Instant::now();
    let outcome = rpc::call::<u32, u32>(&client, subject(), &2, PATIENCE).await;
    assert!(
        matches!(outcome, Err(CallError::NoAnswer(_))),
        "{outcome:?}"
    );
    assert!(asked.elapsed() < PATIENCE / 2, "it waited for the time-out");
}

#[tokio::test]
async fn a_service_that_takes_too_long_is_no_answer() {
    let (process, client, subject) = (
        Process::new("test", Clock::system()),
        client().await,
        subject(),
    );
    rpc::serve(
        &process,
        client.clone(),
        subject.clone(),
        "test",
        |_: u32| std::future::pending::<Result<u32, RpcError>>(),
    );
    // Until the service listens the answer comes at once; then it takes the time given.
    eventually("a call times out", PATIENCE, async || {
        let asked = Instant::now();
        let wait = Duration::from_millis(300);
        let outcome = rpc::call::<u32, u32>(&client, subject.clone(), &2, wait).await;
        assert!(
            matches!(outcome, Err(CallError::NoAnswer(_))),
            "{outcome:?}"
        );
        asked.elapsed() >= wait
    })
    .await;
    process.shutdown();
    process.hard().cancel();
    process.wait(Duration::ZERO).await.expect("no task crashed");
}

#[tokio::test]
async fn replicas_share_the_questions_and_each_is_answered_once() {
    let (process, client, subject) = (
        Process::new("test", Clock::system()),
        client().await,
        subject(),
    );
    let other = self::client().await;
    let one = serve(&process, client.clone(), &subject);
    let two = serve(&process, other, &subject);
    eventually("both listen", PATIENCE, async || {
        let _ = rpc::call::<u32, u32>(&client, subject.clone(), &2, PATIENCE).await;
        one.load(Ordering::SeqCst) > 0 && two.load(Ordering::SeqCst) > 0
    })
    .await;
    let before = one.load(Ordering::SeqCst) + two.load(Ordering::SeqCst);
    for _ in 0..50 {
        rpc::call::<u32, u32>(&client, subject.clone(), &2, PATIENCE)
            .await
            .expect("answers");
    }
    assert_eq!(
        one.load(Ordering::SeqCst) + two.load(Ordering::SeqCst),
        before + 50
    );
    process.shutdown();
    process.wait(PATIENCE).await.expect("no task crashed");
}
