//! The life of a process: tasks that are tracked, and a shutdown in two steps. Soft: take no
//! new work, finish what is in hand. Hard: drop it; the database rolls back and NATS delivers
//! again.

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Clock, Health};

/// After the hard step every task is dropped at its next await. A task that does not come to
/// one is left behind: the process must end.
const HARD_WAIT: Duration = Duration::from_secs(5);

/// A running process, or what stands for one in a test. Clones are the same process.
#[derive(Clone)]
pub struct Process {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    clock: Clock,
    health: Health,
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    /// The first task that crashed.
    crash: Mutex<Option<&'static str>>,
    /// What is measured when somebody looks.
    gauges: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl Process {
    /// A process without tasks.
    pub fn new(name: &'static str, clock: Clock) -> Self {
        let inner = Inner {
            name,
            clock,
            health: Health::default(),
            soft: CancellationToken::new(),
            hard: CancellationToken::new(),
            tasks: TaskTracker::new(),
            crash: Mutex::new(None),
            gauges: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// The clock that everything in the process reads.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The service's name.
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// How the parts of the process are.
    pub fn health(&self) -> &Health {
        &self.inner.health
    }

    /// Runs `set` whenever somebody asks for the metrics: for gauges that are cheap to read and
    /// would be old between two looks. It must not block.
    pub fn gauge(&self, set: impl Fn() + Send + 'static) {
        let gauges = &self.inner.gauges;
        let mut gauges = gauges.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.push(Box::new(set));
    }

    /// Sets every gauge that is measured when somebody looks.
    pub(crate) fn set_gauges(&self) {
        let gauges = &self.inner.gauges;
        let gauges = gauges.lock().unwrap_or_else(PoisonError::into_inner);
        gauges.iter().for_each(|set| set());
    }

    /// Cancelled when no new work may be taken.
    pub fn soft(&self) -> CancellationToken {
        self.inner.soft.clone()
    }

    /// Cancelled when work in hand is dropped.
    pub fn hard(&self) -> CancellationToken {
        self.inner.hard.clone()
    }

    /// Whether the process is stopping.
    pub fn is_draining(&self) -> bool {
        self.inner.soft.is_cancelled()
    }

    /// Begins a soft shutdown.
    pub fn shutdown(&self) {
        self.inner.soft.cancel();
    }

    /// Runs a task that shutdown waits for. When it fails or panics, that is logged, and the
    /// process shuts down with an error: a service that lost a part of itself is no service.
    pub fn spawn(
        &self,
        name: &'static str,
        future: impl Future<Output = anyhow::Result<()>> + Send + 'static,
    ) {
        let process = self.clone();
        self.inner.tasks.spawn(async move {
            let outcome = tokio::select! {
                outcome = AssertUnwindSafe(future).catch_unwind() => outcome,
                () = process.inner.hard.cancelled() => return,
            };
            match outcome {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::error!(
                        task = name,
                        error = format!("{error:#}"),
                        "Task {name} failed"
                    );
                    process.crashed(name);
                }
                Err(panic) => {
                    let error = panic_text(panic.as_ref());
                    tracing::error!(task = name, error, "Task {name} panicked");
                    process.crashed(name);
                }
            }
        });
    }

    /// The same on a thread and a runtime of its own, for the few tasks whose every wait counts: in
    /// the shared runtime, each time that one of them could go on it would first wait for its
    /// turn among everything else.
    pub fn spawn_apart<F, Fut>(&self, name: &'static str, start: F)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = anyhow::Result<()>>,
    {
        let (hard, (mut ended, end)) = (self.hard(), oneshot::channel());
        // A thread, not a blocking task: a runtime that is dropped would wait for that.
        let thread = std::thread::Builder::new().name(name.to_owned());
        let started = thread.spawn(move || {
            let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .context("no runtime")?;
                runtime.block_on(async {
                    tokio::select! {
                        outcome = start() => outcome,
                        () = hard.cancelled() => Ok(()),
                        // The shared runtime is gone, and its tasks with it.
                        () = ended.closed() => Ok(()),
                    }
                })
            }));
            // Nobody waits any more after a hard shutdown.
            let _ = ended.send(outcome);
        });
        self.spawn(name, async move {
            started.context("no thread")?;
            match end.await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panic)) => std::panic::resume_unwind(panic),
                Err(_) => Err(anyhow!("its thread is gone")),
            }
        });
    }

    /// Waits until a shutdown begins and then until every task has ended; drops those that
    /// have not after `drain`.
    ///
    /// # Errors
    /// When a task crashed.
    pub async fn wait(&self, drain: Duration) -> anyhow::Result<()> {
        self.inner.soft.cancelled().await;
        self.inner.tasks.close();
        let drained = tokio::select! {
            () = self.inner.tasks.wait() => true,
            () = tokio::time::sleep(drain) => false,
            () = self.inner.hard.cancelled() => false,
        };
        if !drained {
            tracing::warn!(
                tasks = self.inner.tasks.len(),
                "Not drained in time, dropping tasks"
            );
            self.inner.hard.cancel();
            if tokio::time::timeout(HARD_WAIT, self.inner.tasks.wait())
                .await
                .is_err()
            {
                tracing::error!(
                    tasks = self.inner.tasks.len(),
                    "Tasks do not end, leaving them"
                );
            }
        }
        match *self
            .inner
            .crash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Some(task) => Err(anyhow!("task {task} crashed")),
            None => Ok(()),
        }
    }

    fn crashed(&self, task: &'static str) {
        self.inner
            .crash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(task);
        self.shutdown();
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
}
