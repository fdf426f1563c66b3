//! The life of a process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::bail;
use service_runtime::{Clock, Process};
use tokio::sync::oneshot;

const PATIENCE: Duration = Duration::from_secs(20);

fn process() -> Process {
    Process::new("test", Clock::system())
}

#[tokio::test]
async fn a_task_that_fails_ends_the_process_with_an_error() {
    let process = process();
    let soft = process.soft();
    process.spawn("bystander", async move {
        soft.cancelled().await;
        Ok(())
    });
    process.spawn("broken", async { bail!("the wheel came off") });
    let error = process.wait(PATIENCE).await.expect_err("a task failed");
    assert!(error.to_string().contains("broken"), "{error}");
}

#[tokio::test]
async fn a_task_that_panics_ends_the_process_with_an_error() {
    let process = process();
    process.spawn("broken", async { panic!("the wheel came off") });
    let error = process.wait(PATIENCE).await.expect_err("a task panicked");
    assert!(error.to_string().contains("broken"), "{error}");
}

#[tokio::test]
async fn a_task_that_ends_in_peace_ends_nothing() {
    let process = process();
    let (sender, receiver) = oneshot::channel::<()>();
    process.spawn("short", async move {
        drop(sender);
        Ok(())
    });
    receiver.await.expect_err("the task ended");
    assert!(!process.is_draining());
    process.shutdown();
    process.wait(PATIENCE).await.expect("nothing crashed");
}

#[tokio::test]
async fn a_soft_shutdown_waits_for_what_is_in_hand() {
    let process = process();
    let (soft, finished) = (process.soft(), Arc::new(AtomicBool::new(false)));
    let (release, released) = oneshot::channel::<()>();
    let seen = finished.clone();
    process.spawn("worker", async move {
        soft.cancelled().await;
        released.await?;
        seen.store(true, Ordering::SeqCst);
        Ok(())
    });
    process.shutdown();
    let waiting = process.clone();
    let wait = tokio::task::LocalSet::new();
    wait.run_until(async move {
        let ended = tokio::task::spawn_local(async move { waiting.wait(PATIENCE).await });
        tokio::task::yield_now().await;
        assert!(!ended.is_finished(), "it did not wait");
        release.send(()).expect("the worker waits");
        ended.await.expect("no panic").expect("nothing crashed");
    })
    .await;
    assert!(finished.load(Ordering::SeqCst));
}

#[tokio::test]
async fn what_is_not_done_in_time_is_dropped() {
    let process = process();
    process.spawn("stubborn", std::future::pending());
    process.shutdown();
    let began = Instant::now();
    process
        .wait(Duration::from_millis(50))
        .await
        .expect("being dropped is no crash");
    assert!(process.hard().is_cancelled());
    assert!(began.elapsed() < PATIENCE);
}
