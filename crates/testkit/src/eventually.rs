//! The one way to wait in a test: for a fact, with a deadline, never for time to pass.

use std::fmt::Debug;
use std::time::Duration;

use tokio::time::Instant;

/// Short enough not to slow a test down, long enough not to burn a core.
const INTERVAL: Duration = Duration::from_millis(20);

/// What a check answers: the fact, or what it saw instead.
pub trait Outcome {
    /// What [`eventually`] returns.
    type Value;

    /// The value when the fact holds, else a description of what was seen.
    ///
    /// # Errors
    /// When the fact does not hold yet.
    fn outcome(self) -> Result<Self::Value, String>;
}

impl Outcome for bool {
    type Value = ();

    fn outcome(self) -> Result<(), String> {
        if self {
            Ok(())
        } else {
            Err("false".to_owned())
        }
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn outcome(self) -> Result<T, String> {
        self.ok_or_else(|| "None".to_owned())
    }
}

impl<T, E: Debug> Outcome for Result<T, E> {
    type Value = T;

    fn outcome(self) -> Result<T, String> {
        self.map_err(|seen| format!("{seen:?}"))
    }
}

/// Repeats `check` until it answers `true`, `Some` or `Ok`, and returns what it found. An `Err`
/// is what a check saw instead of the fact; the last one is in the panic.
///
/// # Panics
/// When `deadline` passes first, naming `what` was awaited and the last state.
pub async fn eventually<O: Outcome>(
    what: &str,
    deadline: Duration,
    mut check: impl AsyncFnMut() -> O,
) -> O::Value {
    let end = Instant::now() + deadline;
    let mut last = "nothing".to_owned();
    loop {
        // A check that hangs (a paused server) must not hang the test.
        let answer = tokio::time::timeout_at(end, check())
            .await
            .map(Outcome::outcome);
        match answer.unwrap_or_else(|_| Err(format!("{last} (then a check hung)"))) {
            Ok(value) => return value,
            Err(seen) => last = seen,
        }
        assert!(
            Instant::now() < end,
            "not within {deadline:?}: {what}; last seen: {last}"
        );
        tokio::time::sleep(INTERVAL.min(end - Instant::now())).await;
    }
}
