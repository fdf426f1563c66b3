//! The reaper: ends what it watches, and only that.

use std::process::{Child, Command};

use local_servers::{Reaper, Signal, is_running};

use crate::{SOON, gone};

/// A process that the test leaves no trace of.
struct Victim(Child);

impl Victim {
    fn start(script: &str) -> Self {
        let child = Command::new("/bin/sh").args(["-c", script]).spawn();
        Self(child.expect("a shell starts"))
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn finishing_ends_the_watched_and_spares_the_forgotten() {
    let reaper = Reaper::start().expect("reaper");
    let watched = Victim::start("exec sleep 1000");
    let forgotten = Victim::start("exec sleep 1000");
    reaper.watch(watched.id(), Signal::Term);
    reaper.watch(forgotten.id(), Signal::Term);
    reaper.forget(forgotten.id());
    reaper.finish().await.expect("finish");
    assert!(!is_running(watched.id()));
    assert!(is_running(forgotten.id()));
}

#[tokio::test]
async fn what_ignores_its_signal_is_killed() {
    let reaper = Reaper::start().expect("reaper");
    let folder = tempfile::tempdir().expect("tempdir");
    let ready = folder.path().join("ready");
    let script = format!(
        "trap '' TERM; : >'{}'; while :; do sleep 0.1; done",
        ready.display()
    );
    let stubborn = Victim::start(&script);
    testkit::eventually("the trap is set", SOON, async || ready.exists()).await;
    reaper.watch(stubborn.id(), Signal::Term);
    drop(reaper);
    gone("the stubborn process is killed", stubborn.id()).await;
}

#[tokio::test]
async fn a_paused_process_is_ended_too() {
    let reaper = Reaper::start().expect("reaper");
    let paused = Victim::start("exec sleep 1000");
    local_servers::send(paused.id(), Signal::Stop).expect("pause");
    reaper.watch(paused.id(), Signal::Term);
    reaper.finish().await.expect("finish");
    assert!(!is_running(paused.id()));
}

#[tokio::test]
async fn only_named_directories_are_removed() {
    let folder = tempfile::tempdir().expect("tempdir");
    let (named, other) = (
        folder.path().join("named and spaced"),
        folder.path().join("other"),
    );
    for directory in [&named, &other] {
        std::fs::create_dir_all(directory.join("inside")).expect("mkdir");
    }
    let reaper = Reaper::start().expect("reaper");
    reaper.remove(&named);
    reaper.finish().await.expect("finish");
    assert!(!named.exists());
    assert!(other.join("inside").exists());
}
