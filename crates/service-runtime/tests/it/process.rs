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

#[tokio::test]
async fn a_task_apart_that_fails_or_panics_ends_the_process_with_an_error() {
    let failing = process();
    failing.spawn_apart("broken", || async { bail!("the wheel came off") });
    let error = failing.wait(PATIENCE).await.expect_err("a task failed");
    assert!(error.to_string().contains("broken"), "{error}");

    let panicking = process();
    panicking.spawn_apart("broken", || async { panic!("the wheel came off") });
    let error = panicking.wait(PATIENCE).await.expect_err("a task panicked");
    assert!(error.to_string().contains("broken"), "{error}");
}

#[tokio::test]
async fn a_soft_shutdown_waits_for_what_a_task_apart_has_in_hand() {
    let process = process();
    let (soft, finished) = (process.soft(), Arc::new(AtomicBool::new(false)));
    let seen = finished.clone();
    process.spawn_apart("worker", move || async move {
        soft.cancelled().await;
        tokio::task::yield_now().await;
        seen.store(true, Ordering::SeqCst);
        Ok(())
    });
    process.shutdown();
    process.wait(PATIENCE).await.expect("nothing crashed");
    assert!(finished.load(Ordering::SeqCst));
    assert!(!process.hard().is_cancelled());
}

/// Tells when it is dropped.
struct Held(Option<std::sync::mpsc::Sender<()>>);

impl Drop for Held {
    fn drop(&mut self) {
        let told = self.0.take().expect("dropped once").send(());
        told.expect("the test waits");
    }
}

#[tokio::test]
async fn what_a_task_apart_holds_is_dropped_when_it_is_not_done_in_time() {
    let process = process();
    let (sender, dropped) = std::sync::mpsc::channel();
    let held = Held(Some(sender));
    process.spawn_apart("stubborn", move || async move {
        let _held = held;
        std::future::pending().await
    });
    process.shutdown();
    let ended = process.wait(Duration::from_millis(50)).await;
    ended.expect("being dropped is no crash");
    dropped
        .recv_timeout(PATIENCE)
        .expect("its thread has ended");
}

/// As a test that fails does, or a program that embeds a service: a lane's connection, and the
/// locks on it, must not outlive the runtime that it was started from.
#[test]
fn a_task_apart_ends_with_the_runtime_that_started_it() {
    let (sender, dropped) = std::sync::mpsc::channel();
    let held = Held(Some(sender));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async move {
        process().spawn_apart("forgotten", move || async move {
            let _held = held;
            std::future::pending().await
        });
    });
    drop(runtime);
    dropped
        .recv_timeout(PATIENCE)
        .expect("its thread has ended");
}
